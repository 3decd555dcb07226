"""Attaching and detaching the index."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_update_connector_index_name(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    index_name = api.unique("search-2-test")

    await api.updated(connector_id, "_index_name", {"index_name": index_name})

    stored = await api.read(connector_id)
    assert (stored["index_name"], stored["status"]) == (index_name, "created")


async def test_update_connector_index_name_detach_index(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_index_name", {"index_name": None})

    stored = await api.read(connector_id)
    assert stored["index_name"] is None


async def test_update_connector_index_name_404_when_connector_doesnt_exist(api: ConnectorApi) -> None:
    connector_id = api.unique("nobody")

    reply = await api.update(connector_id, "_index_name", {"index_name": api.unique("search-2-test")})

    assert (reply.status, reply.reason) == (404, f"connector [{connector_id}] not found")


async def test_update_connector_index_name_400_status_code_when_connector_id_is_empty(
    api: ConnectorApi,
) -> None:
    reply = await api.update("", "_index_name", {"index_name": api.unique("search-2-test")})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


async def test_update_connector_index_name_400_status_code_when_payload_is_not_string(
    api: ConnectorApi,
) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_index_name", {"index_name": {"field_1": "test"}})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


async def test_update_connector_index_name_400_status_code_when_invalid_index_name(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_index_name", {"index_name": "_invalid-index-name"})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


async def test_update_connector_index_name_index_name_used_by_another_connector(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    taken = api.unique("search-2-test")
    await api.connector("another", index_name=taken)

    reply = await api.update(connector_id, "_index_name", {"index_name": taken})

    assert (reply.status, reply.reason) == (400, f"Index name [{taken}] is used by another connector.")


async def test_update_connector_index_name_index_name_is_the_same(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    index_name = api.unique("search-1-test")

    reply = await api.update(connector_id, "_index_name", {"index_name": index_name})

    assert reply == (200, {"result": "noop"})
    assert (await api.read(connector_id))["index_name"] == index_name


async def test_update_connector_index_name_of_a_native_connector_needs_its_prefix(api: ConnectorApi) -> None:
    connector_id = await api.connector(index_name=api.unique("content-1"), is_native=True)
    wrong = api.unique("search-2-test")

    reply = await api.update(connector_id, "_index_name", {"index_name": wrong})

    assert (reply.status, reply.reason) == (
        400,
        (
            "Index attached to an Elastic-managed connector must start with the prefix: [content-]. The "
            f"index name in the payload [{wrong}] doesn't comply with this requirement."
        ),
    )
