"""Setting the status, as far as the state machine allows."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_update_connector_status(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_status", {"status": "needs_configuration"})
    assert (await api.read(connector_id))["status"] == "needs_configuration"

    await api.updated(connector_id, "_status", {"status": "CONFIGURED"})
    assert (await api.read(connector_id))["status"] == "configured"


async def test_update_connector_status_404_when_connector_doesnt_exist(api: ConnectorApi) -> None:
    nobody = api.unique("nobody")

    reply = await api.update(nobody, "_status", {"status": "configured"})

    assert (reply.status, reply.reason) == (404, f"connector [{nobody}] not found")


async def test_update_connector_status_400_status_code_when_connector_id_is_empty(api: ConnectorApi) -> None:
    reply = await api.update("", "_status", {"status": "configured"})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


async def test_update_connector_status_400_status_code_when_payload_is_not_string(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    for status in ({"field_1": "test"}, None):
        reply = await api.update(connector_id, "_status", {"status": status})

        assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


async def test_update_connector_status_400_status_code_when_it_is_missing(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_status", {})

    assert (reply.status, reply.reason) == (400, "Validation Failed: 1: [status] cannot be [null].;")


async def test_update_connector_status_400_status_code_when_invalid_status(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_status", {"status": "random_connector_status"})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert "random_connector_status" in reply.innermost_reason


async def test_update_connector_status_400_status_code_when_invalid_status_transition(
    api: ConnectorApi,
) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_status", {"status": "connected"})

    assert (reply.status, reply.error_type) == (400, "status_exception")
    assert reply.reason == (
        "Invalid transition attempt from [created] to [connected]. Such a status transition is not supported "
        "by the Connector Protocol."
    )
