"""Setting whether Elastic runs the connector."""

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi


@pytest.fixture
async def connector_id(api: ConnectorApi) -> str:
    return await api.connector(index_name=api.unique("content-search-1-test"))


async def test_update_connector_native(api: ConnectorApi, connector_id: str) -> None:
    await api.updated(connector_id, "_native", {"is_native": True})
    assert (await api.read(connector_id))["is_native"] is True

    await api.updated(connector_id, "_native", {"is_native": False})
    stored = await api.read(connector_id)
    assert (stored["is_native"], stored["status"]) == (False, "created")


async def test_update_connector_native_a_connected_one_becomes_configured(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.updated(connector_id, "_error", {"error": None})

    await api.updated(connector_id, "_native", {"is_native": True})

    assert (await api.read(connector_id))["status"] == "configured"


async def test_update_connector_native_needs_an_index_with_the_prefix(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_native", {"is_native": True})

    assert (reply.status, reply.error_type) == (400, "status_exception")
    assert reply.reason == (
        f"The index name [{api.unique('search-1-test')}] attached to the connector [{connector_id}] must "
        "start with the required prefix: [content-] to be Elastic-managed. Please update the attached index "
        "first to comply with this requirement."
    )


async def test_update_connector_native_404_when_connector_doesnt_exist(api: ConnectorApi) -> None:
    connector_id = api.unique("nobody")

    reply = await api.update(connector_id, "_native", {"is_native": True})

    assert (reply.status, reply.reason) == (404, f"connector [{connector_id}] not found")


async def test_update_connector_native_400_status_code_when_connector_id_is_empty(api: ConnectorApi) -> None:
    reply = await api.update("", "_native", {"is_native": True})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


async def test_update_connector_native_400_status_code_when_payload_is_not_string(
    api: ConnectorApi, connector_id: str
) -> None:
    reply = await api.update(connector_id, "_native", {"is_native": {"field_1": "test"}})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
