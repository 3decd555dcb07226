"""Reading secrets."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_get_connector_secret_admin(api: ConnectorApi) -> None:
    await api.put_secret("secret", "my-secret")

    reply = await api.admin.get(f"/_connector/_secret/{api.unique('secret')}")

    assert reply.body["value"] == "my-secret"


async def test_get_connector_secret_user_with_privileges(api: ConnectorApi) -> None:
    await api.put_secret("secret", "my-secret")

    reply = await (await api.read_only()).get(f"/_connector/_secret/{api.unique('secret')}")

    assert reply.body["value"] == "my-secret"


async def test_get_connector_secret_user_without_privileges(api: ConnectorApi) -> None:
    await api.put_secret("secret", "my-secret")

    reply = await api.stranger().get(f"/_connector/_secret/{api.unique('secret')}")

    assert (reply.status, reply.error_type) == (401, "security_exception")


async def test_get_connector_secret_secret_does_not_exist(api: ConnectorApi) -> None:
    nothing = api.unique("nothing")

    reply = await api.admin.get(f"/_connector/_secret/{nothing}")

    assert (reply.status, reply.error_type) == (404, "resource_not_found_exception")
    assert reply.reason == f"No secret with id [{nothing}]"
