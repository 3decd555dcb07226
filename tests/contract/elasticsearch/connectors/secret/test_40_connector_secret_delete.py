"""Forgetting secrets."""

from tests.contract.elasticsearch.connectors.world import World


async def test_delete_connector_secret_admin(world: World) -> None:
    await world.put_secret("secret", "my-secret")
    secret = f"/_connector/_secret/{world.unique('secret')}"

    assert await world.admin.delete(secret) == (200, {"deleted": True})
    assert (await world.admin.get(secret)).status == 404


async def test_delete_connector_secret_user_with_privileges(world: World) -> None:
    user = await world.read_only()
    await world.put_secret("secret", "my-secret")
    secret = f"/_connector/_secret/{world.unique('secret')}"

    assert await user.delete(secret) == (200, {"deleted": True})
    assert (await user.get(secret)).status == 404


async def test_delete_connector_secret_user_without_privileges(world: World) -> None:
    await world.put_secret("secret", "my-secret")

    reply = await world.stranger().delete(f"/_connector/_secret/{world.unique('secret')}")

    assert (reply.status, reply.error_type) == (401, "security_exception")


async def test_delete_connector_secret_secret_does_not_exist(world: World) -> None:
    nothing = world.unique("nothing")

    reply = await world.admin.delete(f"/_connector/_secret/{nothing}")

    assert (reply.status, reply.reason) == (404, f"No secret with id [{nothing}]")
