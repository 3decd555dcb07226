"""Creating a connector under a given id."""

from tests.contract.elasticsearch.connectors.world import World


async def test_create_connector(world: World) -> None:
    connector_id = world.unique("test-connector")
    sent = {
        "index_name": world.unique("search-test"),
        "name": "my-connector",
        "language": "pl",
        "is_native": False,
        "service_type": "super-connector",
    }

    reply = await world.put_connector(connector_id, sent)

    assert (reply.status, reply.body["result"]) == (201, "created")
    stored = await world.read(connector_id)
    assert next(iter(stored)) == "id"
    assert stored["id"] == connector_id
    assert {name: stored[name] for name in sent} == sent


async def test_create_connector_default_values_are_initialized_correctly(world: World) -> None:
    connector_id = await world.create("test-connector", {"index_name": world.unique("search-test")})

    stored = await world.read(connector_id)
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


async def test_create_connector_native_connector_is_initialized_correctly(world: World) -> None:
    body = {"index_name": world.unique("content-search-test"), "is_native": True}
    connector_id = await world.create("test-connector", body)

    stored = await world.read(connector_id)
    assert stored["is_native"] is True
    assert stored["status"] == "needs_configuration"
    assert stored["sync_now"] is False
    assert stored["configuration"] == {}
    assert stored["custom_scheduling"] == {}
    assert stored["filtering"][0]["domain"] == "DEFAULT"


async def test_create_connector_check_for_missing_keys(world: World) -> None:
    connector_id = await world.create("test-connector", {"index_name": world.unique("search-test")})

    stored = await world.read(connector_id)
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


async def test_create_connector_resource_already_exists(world: World) -> None:
    body = {"index_name": world.unique("search-test"), "service_type": "super-connector"}
    connector_id = await world.create("test-connector", body)

    reply = await world.put_connector(connector_id, body)

    assert reply == (200, {"id": connector_id, "result": "updated"})


async def test_create_connector_over_an_existing_one_forgets_everything(world: World) -> None:
    connector_id = await world.connector()
    await world.updated(connector_id, "_configuration", {"configuration": {"host": {"label": "Host"}}})
    await world.admin.delete(f"/_connector/{connector_id}")

    reply = await world.put_connector(connector_id)

    assert reply == (200, {"id": connector_id, "result": "updated"})
    stored = await world.read(connector_id)
    assert (stored["configuration"], stored["deleted"], stored["status"]) == ({}, False, "created")


async def test_create_connector_invalid_index_name(world: World) -> None:
    reply = await world.put_connector(
        world.unique("test-connector"), {"index_name": "_this-is-invalid-index-name"}
    )

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")
    assert (
        "Invalid index name [_this-is-invalid-index-name], must not start with '_', '-', or '+'"
        in reply.reason
    )


async def test_create_connector_id_returned_as_part_of_response(world: World) -> None:
    connector_id = world.unique("test-connector")

    reply = await world.put_connector(connector_id, {"index_name": world.unique("search-test")})

    assert reply == (201, {"id": connector_id, "result": "created"})


async def test_create_connector_succeeds_if_body_not_provided(world: World) -> None:
    connector_id = world.unique("test-connector")

    reply = await world.put_connector(connector_id)

    assert reply == (201, {"id": connector_id, "result": "created"})


async def test_create_connector_succeeds_if_body_not_provided_and_id_not_provided(world: World) -> None:
    reply = await world.put_connector_without_id()

    assert (reply.status, reply.body["result"]) == (201, "created")
    assert (await world.read(reply.body["id"]))["id"] == reply.body["id"]


async def test_create_connector_index_name_used_by_another_connector(world: World) -> None:
    index_name = world.unique("search-test")
    await world.create("first", {"index_name": index_name})

    reply = await world.put_connector(world.unique("second"), {"index_name": index_name})

    assert (reply.status, reply.error_type) == (400, "status_exception")
    assert reply.reason == f"Index name [{index_name}] is used by another connector."


async def test_create_connector_index_name_of_a_soft_deleted_connector_is_free(world: World) -> None:
    index_name = world.unique("search-test")
    first = await world.create("first", {"index_name": index_name})
    await world.admin.delete(f"/_connector/{first}")

    reply = await world.put_connector(world.unique("second"), {"index_name": index_name})

    assert reply.status == 201


async def test_create_connector_without_index_attached(world: World) -> None:
    connector_id = await world.create("test-connector", {"service_type": "super-connector"})

    stored = await world.read(connector_id)
    assert stored.get("index_name") is None
    assert stored["service_type"] == "super-connector"


async def test_create_connector_with_an_unknown_key(world: World) -> None:
    reply = await world.put_connector(world.unique("test-connector"), {"servce_type": "super-connector"})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert "[connector_put_request] unknown field [servce_type]" in reply.reason


async def test_put_connector_fails_for_unprivileged_user(world: World) -> None:
    reader = await world.read_only()
    body = {"index_name": world.unique("search-test"), "service_type": "super-connector"}

    reply = await world.put_connector(world.unique("test-connector"), body, caller=reader)

    assert (reply.status, reply.error_type) == (403, "security_exception")
