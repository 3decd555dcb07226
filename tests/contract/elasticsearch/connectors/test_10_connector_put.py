"""Creating a connector under a given id."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_create_connector(api: ConnectorApi) -> None:
    connector_id = api.unique("test-connector")
    sent = {
        "index_name": api.unique("search-test"),
        "name": "my-connector",
        "language": "pl",
        "is_native": False,
        "service_type": "super-connector",
    }

    reply = await api.put_connector(connector_id, sent)

    assert (reply.status, reply.body["result"]) == (201, "created")
    stored = await api.read(connector_id)
    assert next(iter(stored)) == "id"
    assert stored["id"] == connector_id
    assert {name: stored[name] for name in sent} == sent


async def test_create_connector_default_values_are_initialized_correctly(api: ConnectorApi) -> None:
    connector_id = await api.create("test-connector", {"index_name": api.unique("search-test")})

    stored = await api.read(connector_id)
    assert stored["is_native"] is False
    assert stored["sync_now"] is False
    assert stored["deleted"] is False
    assert stored["name"] == ""
    assert stored["status"] == "created"
    assert stored["configuration"] == {}
    assert stored["custom_scheduling"] == {}
    midnight = {"enabled": False, "interval": "0 0 0 * * ?"}
    assert stored["scheduling"] == {"access_control": midnight, "full": midnight, "incremental": midnight}
    [entry] = stored["filtering"]
    assert entry["domain"] == "DEFAULT"
    assert entry["draft"] == entry["active"]
    [rule] = entry["active"]["rules"]
    created = rule.pop("created_at")
    assert rule.pop("updated_at") == created
    assert rule == {
        "field": "_",
        "id": "DEFAULT",
        "order": 0,
        "policy": "include",
        "rule": "regex",
        "value": ".*",
    }
    snippet = {"created_at": created, "updated_at": created, "value": {}}
    assert entry["active"]["advanced_snippet"] == snippet
    assert entry["active"]["validation"] == {"errors": [], "state": "valid"}


async def test_create_connector_native_connector_is_initialized_correctly(api: ConnectorApi) -> None:
    body = {"index_name": api.unique("content-search-test"), "is_native": True}
    connector_id = await api.create("test-connector", body)

    stored = await api.read(connector_id)
    assert stored["is_native"] is True
    assert stored["status"] == "needs_configuration"
    assert stored["sync_now"] is False
    assert stored["configuration"] == {}
    assert stored["custom_scheduling"] == {}
    assert stored["filtering"][0]["domain"] == "DEFAULT"


async def test_create_connector_check_for_missing_keys(api: ConnectorApi) -> None:
    connector_id = await api.create("test-connector", {"index_name": api.unique("search-test")})

    stored = await api.read(connector_id)
    absent = {
        "api_key_id",
        "api_key_secret_id",
        "description",
        "error",
        "features",
        "last_seen",
        "sync_cursor",
        "pipeline",
        "language",
        "service_type",
        "last_synced",
        "last_sync_status",
        "last_sync_error",
        "last_sync_scheduled_at",
        "last_indexed_document_count",
        "last_deleted_document_count",
    }
    assert not absent & stored.keys()


async def test_create_connector_resource_already_exists(api: ConnectorApi) -> None:
    body = {"index_name": api.unique("search-test"), "service_type": "super-connector"}
    connector_id = await api.create("test-connector", body)

    reply = await api.put_connector(connector_id, body)

    assert reply == (200, {"id": connector_id, "result": "updated"})


async def test_create_connector_over_an_existing_one_replaces_everything(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    await api.updated(connector_id, "_configuration", {"configuration": {"host": {"label": "Host"}}})
    await api.admin.delete(f"/_connector/{connector_id}")

    reply = await api.put_connector(connector_id)

    assert reply == (200, {"id": connector_id, "result": "updated"})
    stored = await api.read(connector_id)
    assert (stored["configuration"], stored["deleted"], stored["status"]) == ({}, False, "created")


async def test_create_connector_invalid_index_name(api: ConnectorApi) -> None:
    reply = await api.put_connector(
        api.unique("test-connector"), {"index_name": "_this-is-invalid-index-name"}
    )

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")
    assert (
        "Invalid index name [_this-is-invalid-index-name], must not start with '_', '-', or '+'"
        in reply.reason
    )


async def test_create_connector_id_returned_as_part_of_response(api: ConnectorApi) -> None:
    connector_id = api.unique("test-connector")

    reply = await api.put_connector(connector_id, {"index_name": api.unique("search-test")})

    assert reply == (201, {"id": connector_id, "result": "created"})


async def test_create_connector_succeeds_if_body_not_provided(api: ConnectorApi) -> None:
    connector_id = api.unique("test-connector")

    reply = await api.put_connector(connector_id)

    assert reply == (201, {"id": connector_id, "result": "created"})


async def test_create_connector_succeeds_if_body_not_provided_and_id_not_provided(api: ConnectorApi) -> None:
    reply = await api.put_connector_without_id()

    assert (reply.status, reply.body["result"]) == (201, "created")
    assert (await api.read(reply.body["id"]))["id"] == reply.body["id"]


async def test_create_connector_index_name_used_by_another_connector(api: ConnectorApi) -> None:
    index_name = api.unique("search-test")
    await api.create("first", {"index_name": index_name})

    reply = await api.put_connector(api.unique("second"), {"index_name": index_name})

    assert (reply.status, reply.error_type) == (400, "status_exception")
    assert reply.reason == f"Index name [{index_name}] is used by another connector."


async def test_create_connector_index_name_of_a_soft_deleted_connector_is_free(api: ConnectorApi) -> None:
    index_name = api.unique("search-test")
    first = await api.create("first", {"index_name": index_name})
    await api.admin.delete(f"/_connector/{first}")

    reply = await api.put_connector(api.unique("second"), {"index_name": index_name})

    assert reply.status == 201


async def test_create_connector_without_index_attached(api: ConnectorApi) -> None:
    connector_id = await api.create("test-connector", {"service_type": "super-connector"})

    stored = await api.read(connector_id)
    assert stored.get("index_name") is None
    assert stored["service_type"] == "super-connector"


async def test_create_connector_with_an_unknown_key(api: ConnectorApi) -> None:
    reply = await api.put_connector(api.unique("test-connector"), {"servce_type": "super-connector"})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert "[connector_put_request] unknown field [servce_type]" in reply.reason


async def test_put_connector_fails_for_unprivileged_user(api: ConnectorApi) -> None:
    reader = await api.read_only()
    body = {"index_name": api.unique("search-test"), "service_type": "super-connector"}

    reply = await api.put_connector(api.unique("test-connector"), body, caller=reader)

    assert (reply.status, reply.error_type) == (403, "security_exception")
