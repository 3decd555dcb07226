"""Setting and clearing the error."""

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_update_connector_error(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_error", {"error": "some error"})

    stored = await api.read(connector_id)
    assert (stored["error"], stored["status"]) == ("some error", "error")


@pytest.mark.parametrize("cleared", [None, ""])
async def test_update_connector_error_clearing_it_connects_the_connector(
    api: ConnectorApi, cleared: str | None
) -> None:
    connector_id = await api.connector()
    await api.updated(connector_id, "_error", {"error": "some error"})

    await api.updated(connector_id, "_error", {"error": cleared})

    stored = await api.read(connector_id)
    assert (stored["error"], stored["status"]) == (cleared, "connected")


async def test_update_connector_error_404_when_connector_doesnt_exist(api: ConnectorApi) -> None:
    await api.connector()

    reply = await api.update(api.unique("nobody"), "_error", {"error": "some error"})

    assert (reply.status, reply.error_type) == (404, "document_missing_exception")


async def test_update_connector_error_400_status_code_when_connector_id_is_empty(api: ConnectorApi) -> None:
    reply = await api.update("", "_error", {"error": "some error"})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


async def test_update_connector_error_400_status_code_when_payload_is_not_string(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_error", {"error": {"field_1": "test", "field_2": "something"}})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert (
        "[connector_update_error_request] error doesn't support values of type: START_OBJECT" in reply.reason
    )


async def test_update_connector_error_400_status_code_when_it_is_missing(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_error", {})

    assert (reply.status, reply.error_type, reply.reason) == (
        400,
        "illegal_argument_exception",
        "Required [error]",
    )


async def test_update_connector_error_400_status_code_without_a_body(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_error")

    assert (reply.status, reply.error_type, reply.reason) == (
        400,
        "parse_exception",
        "request body is required",
    )
