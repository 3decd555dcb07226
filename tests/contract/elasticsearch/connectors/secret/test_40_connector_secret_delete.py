"""Deleting secrets."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_delete_connector_secret_admin(api: ConnectorApi) -> None:
    await api.put_secret("secret", "my-secret")
    secret = f"/_connector/_secret/{api.unique('secret')}"

    assert await api.admin.delete(secret) == (200, {"deleted": True})
    assert (await api.admin.get(secret)).status == 404


async def test_delete_connector_secret_user_with_privileges(api: ConnectorApi) -> None:
    user = await api.read_only()
    await api.put_secret("secret", "my-secret")
    secret = f"/_connector/_secret/{api.unique('secret')}"

    assert await user.delete(secret) == (200, {"deleted": True})
    assert (await user.get(secret)).status == 404


async def test_delete_connector_secret_user_without_privileges(api: ConnectorApi) -> None:
    await api.put_secret("secret", "my-secret")

    reply = await api.stranger().delete(f"/_connector/_secret/{api.unique('secret')}")

    assert (reply.status, reply.error_type) == (401, "security_exception")


async def test_delete_connector_secret_secret_does_not_exist(api: ConnectorApi) -> None:
    nothing = api.unique("nothing")

    reply = await api.admin.delete(f"/_connector/_secret/{nothing}")

    assert (reply.status, reply.reason) == (404, f"No secret with id [{nothing}]")
