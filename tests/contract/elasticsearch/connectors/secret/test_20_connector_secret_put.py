"""Storing secrets under given ids."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_put_connector_secret_admin(api: ConnectorApi) -> None:
    secret = f"/_connector/_secret/{api.unique('secret')}"

    assert await api.put_secret("secret", "my-secret") == (201, {"result": "created"})
    assert (await api.admin.get(secret)).body["value"] == "my-secret"

    assert await api.put_secret("secret", "another") == (200, {"result": "updated"})
    assert (await api.admin.get(secret)).body["value"] == "another"


async def test_put_connector_secret_authorized_user(api: ConnectorApi) -> None:
    user = await api.read_only()

    assert await api.put_secret("secret", "my-secret", caller=user) == (201, {"result": "created"})
    reply = await user.get(f"/_connector/_secret/{api.unique('secret')}")
    assert reply.body == {"id": api.unique("secret"), "value": "my-secret"}


async def test_put_connector_secret_unauthorized_user(api: ConnectorApi) -> None:
    reply = await api.put_secret("secret", "my-secret", caller=api.stranger())

    assert (reply.status, reply.error_type) == (401, "security_exception")


async def test_put_connector_secret_when_id_is_missing_should_fail(api: ConnectorApi) -> None:
    reply = await api.admin.put(f"/_connector/_secret/{api.unique('secret')}", {"value": None})

    assert reply.status == 400
