"""Reading secrets."""

from tests.contract.elasticsearch.connectors.world import World


async def test_get_connector_secret_admin(world: World) -> None:
    await world.put_secret("secret", "my-secret")

    reply = await world.admin.get(f"/_connector/_secret/{world.unique('secret')}")

    assert reply.body["value"] == "my-secret"


async def test_get_connector_secret_user_with_privileges(world: World) -> None:
    await world.put_secret("secret", "my-secret")

    reply = await (await world.read_only()).get(f"/_connector/_secret/{world.unique('secret')}")

    assert reply.body["value"] == "my-secret"


async def test_get_connector_secret_user_without_privileges(world: World) -> None:
    await world.put_secret("secret", "my-secret")

    reply = await world.stranger().get(f"/_connector/_secret/{world.unique('secret')}")

    assert (reply.status, reply.error_type) == (401, "security_exception")


async def test_get_connector_secret_secret_does_not_exist(world: World) -> None:
    nothing = world.unique("nothing")

    reply = await world.admin.get(f"/_connector/_secret/{nothing}")

    assert (reply.status, reply.error_type) == (404, "resource_not_found_exception")
    assert reply.reason == f"No secret with id [{nothing}]"
