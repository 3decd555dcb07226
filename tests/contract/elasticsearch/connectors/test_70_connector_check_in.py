"""Checking in."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_connector_check_in(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_check_in")
    first = (await api.read(connector_id))["last_seen"]
    await api.updated(connector_id, "_check_in")
    second = (await api.read(connector_id))["last_seen"]

    assert first < second


async def test_connector_check_in_error_connector_doesnt_exist(api: ConnectorApi) -> None:
    await api.connector()
    connector_id = api.unique("nobody")

    reply = await api.update(connector_id, "_check_in")

    assert (reply.status, reply.error_type) == (404, "document_missing_exception")
    assert reply.reason == f"[{connector_id}]: document missing"


async def test_connector_check_in_error_connector_id_is_empty(api: ConnectorApi) -> None:
    reply = await api.update("", "_check_in")

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")
    assert reply.reason == 'Validation Failed: 1: [connector_id] cannot be [null] or [""].;'


async def test_connector_check_in_takes_no_body(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_check_in", {"last_seen": "2023-05-25T12:30:00.000Z"})

    assert (reply.status, reply.error_type) == (400, "illegal_argument_exception")
    assert (
        reply.reason == f"request [PUT /_connector/{connector_id}/_check_in] does not support having a body"
    )
