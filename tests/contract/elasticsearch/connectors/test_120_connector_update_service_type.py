"""Setting the service type."""

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_update_connector_service_type(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_service_type", {"service_type": "even-better-connector"})

    stored = await api.read(connector_id)
    assert (stored["service_type"], stored["status"]) == ("even-better-connector", "created")


async def test_update_connector_service_type_needs_a_new_configuration(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    await api.updated(connector_id, "_configuration", {"configuration": {}})

    await api.updated(connector_id, "_service_type", {"service_type": "even-better-connector"})

    assert (await api.read(connector_id))["status"] == "needs_configuration"


async def test_update_connector_service_type_404_when_connector_doesnt_exist(api: ConnectorApi) -> None:
    connector_id = api.unique("nobody")

    reply = await api.update(connector_id, "_service_type", {"service_type": "x"})

    assert (reply.status, reply.reason) == (404, f"connector [{connector_id}] not found")


async def test_update_connector_service_type_400_status_code_when_connector_id_is_empty(
    api: ConnectorApi,
) -> None:
    reply = await api.update("", "_service_type", {"service_type": "even-better-connector"})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


@pytest.mark.parametrize("value", [{"field_1": "test", "field_2": "something"}, None, 7])
async def test_update_connector_service_type_400_status_code_when_payload_is_not_string(
    api: ConnectorApi, value: object
) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_service_type", {"service_type": value})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


async def test_update_connector_service_type_400_status_code_when_it_is_empty(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_service_type", {"service_type": ""})

    assert (reply.status, reply.reason) == (
        400,
        'Validation Failed: 1: [service_type] cannot be [null] or [""].;',
    )
