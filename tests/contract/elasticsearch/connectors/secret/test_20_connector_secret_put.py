"""Storing secrets under given ids."""

from tests.contract.elasticsearch.connectors.world import World


async def test_put_connector_secret_admin(world: World) -> None:
    secret = f"/_connector/_secret/{world.unique('secret')}"

    assert await world.put_secret("secret", "my-secret") == (201, {"result": "created"})
    assert (await world.admin.get(secret)).body["value"] == "my-secret"

    assert await world.put_secret("secret", "another") == (200, {"result": "updated"})
    assert (await world.admin.get(secret)).body["value"] == "another"


async def test_put_connector_secret_authorized_user(world: World) -> None:
    user = await world.read_only()

    assert await world.put_secret("secret", "my-secret", caller=user) == (201, {"result": "created"})
    reply = await user.get(f"/_connector/_secret/{world.unique('secret')}")
    assert reply.body == {"id": world.unique("secret"), "value": "my-secret"}


async def test_put_connector_secret_unauthorized_user(world: World) -> None:
    reply = await world.put_secret("secret", "my-secret", caller=world.stranger())

    assert (reply.status, reply.error_type) == (401, "security_exception")


async def test_put_connector_secret_when_id_is_missing_should_fail(world: World) -> None:
    reply = await world.admin.put(f"/_connector/_secret/{world.unique('secret')}", {"value": None})

    assert reply.status == 400
