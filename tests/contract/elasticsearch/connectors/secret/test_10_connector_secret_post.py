"""Storing secrets under generated ids."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_post_connector_secret_admin(api: ConnectorApi) -> None:
    reply = await api.post_secret("my-secret")

    secret_id = reply.body["id"]
    assert reply == (200, {"id": secret_id})
    assert await api.admin.get(f"/_connector/_secret/{secret_id}") == (
        200,
        {"id": secret_id, "value": "my-secret"},
    )


async def test_post_connector_secret_authorized_user(api: ConnectorApi) -> None:
    user = await api.read_only()

    reply = await api.post_secret("my-secret", caller=user)

    assert reply.status == 200
    assert (await user.get(f"/_connector/_secret/{reply.body['id']}")).body["value"] == "my-secret"


async def test_post_connector_secret_unauthorized_user(api: ConnectorApi) -> None:
    reply = await api.post_secret("my-secret", caller=api.stranger())

    assert (reply.status, reply.error_type) == (401, "security_exception")


async def test_post_connector_secret_when_id_is_missing_should_fail(api: ConnectorApi) -> None:
    reply = await api.post_secret(None)

    assert reply.status == 400


async def test_post_connector_secret_a_user_without_the_privilege(api: ConnectorApi) -> None:
    reply = await api.post_secret("my-secret", caller=await api.unprivileged())

    assert (reply.status, reply.error_type) == (403, "security_exception")
