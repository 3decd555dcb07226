"""Creating a connector under a generated id."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_create_connector(api: ConnectorApi) -> None:
    sent = {
        "index_name": api.unique("search-test"),
        "name": "my-connector",
        "language": "pl",
        "is_native": False,
        "service_type": "super-connector",
    }

    reply = await api.post_connector(sent)

    assert (reply.status, reply.body["result"]) == (201, "created")
    stored = await api.read(reply.body["id"])
    assert {name: stored[name] for name in sent} == sent


async def test_create_connector_succeeds_if_body_not_provided(api: ConnectorApi) -> None:
    reply = await api.post_connector()

    assert (reply.status, reply.body["result"]) == (201, "created")
    assert (await api.read(reply.body["id"]))["id"] == reply.body["id"]


async def test_create_connector_default_values_are_initialized_correctly(api: ConnectorApi) -> None:
    reply = await api.post_connector({"index_name": api.unique("search-test")})

    stored = await api.read(reply.body["id"])
    assert (stored["is_native"], stored["sync_now"], stored["status"]) == (False, False, "created")
    assert (stored["configuration"], stored["custom_scheduling"]) == ({}, {})
    assert stored["filtering"][0]["domain"] == "DEFAULT"


async def test_create_connector_native_connector_is_initialized_correctly(api: ConnectorApi) -> None:
    reply = await api.post_connector({"index_name": api.unique("content-search-test"), "is_native": True})

    stored = await api.read(reply.body["id"])
    assert (stored["is_native"], stored["status"]) == (True, "needs_configuration")
    assert stored["filtering"][0]["domain"] == "DEFAULT"


async def test_create_connector_invalid_index_name(api: ConnectorApi) -> None:
    reply = await api.post_connector({"index_name": "_this-is-invalid-index-name"})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


async def test_create_connector_invalid_managed_connector_index_prefix(api: ConnectorApi) -> None:
    index_name = api.unique("wrong-prefix-index")

    reply = await api.post_connector({"index_name": index_name, "is_native": True})

    assert reply.status == 400
    assert reply.reason == (
        f"Validation Failed: 1: Index [{index_name}] is invalid. Index attached to an Elastic-managed "
        "connector must start with the prefix: [content-];"
    )


async def test_create_connector_index_name_used_by_another_connector(api: ConnectorApi) -> None:
    index_name = api.unique("search-test")
    await api.post_connector({"index_name": index_name})

    reply = await api.post_connector({"index_name": index_name})

    assert (reply.status, reply.error_type) == (400, "status_exception")


async def test_create_connector_without_index_attached(api: ConnectorApi) -> None:
    reply = await api.post_connector({"service_type": "super-connector"})

    stored = await api.read(reply.body["id"])
    assert stored.get("index_name") is None
    assert stored["service_type"] == "super-connector"


async def test_post_connector_fails_for_unprivileged_user(api: ConnectorApi) -> None:
    reader = await api.read_only()

    reply = await api.post_connector({"index_name": api.unique("search-test")}, caller=reader)

    assert (reply.status, reply.error_type) == (403, "security_exception")
