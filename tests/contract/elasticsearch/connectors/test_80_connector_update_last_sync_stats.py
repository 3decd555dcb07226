"""What is known of the last sync."""

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_update_connector_last_sync_stats(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    sent = {
        "last_sync_error": "oh no error",
        "last_access_control_sync_scheduled_at": "2023-05-25T12:30:00.000Z",
    }

    await api.updated(connector_id, "_last_sync", sent)

    stored = await api.read(connector_id)
    assert {name: stored[name] for name in sent} == sent


async def test_update_connector_last_sync_stats_supports_different_datetime_format(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    sent = {
        "last_access_control_sync_scheduled_at": "2023-05-25T12:30:00.000Z",
        "last_synced": "2023-12-04T08:45:50.567149Z",
    }

    await api.updated(connector_id, "_last_sync", sent)

    stored = await api.read(connector_id)
    assert {name: stored[name] for name in sent} == sent


async def test_update_connector_last_sync_stats_writes_dates_in_utc(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_last_sync", {"last_synced": "2023-05-25T14:30:00+02:00"})

    assert (await api.read(connector_id))["last_synced"] == "2023-05-25T12:30:00.000Z"


async def test_update_connector_last_sync_stats_supports_different_partial_updates(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_last_sync", {"last_deleted_document_count": 43})
    await api.updated(connector_id, "_last_sync", {"last_indexed_document_count": 42})

    stored = await api.read(connector_id)
    assert (stored["last_deleted_document_count"], stored["last_indexed_document_count"]) == (43, 42)


async def test_update_connector_last_sync_stats_supports_sync_cursor_updates(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_last_sync", {"last_deleted_document_count": 123})
    await api.updated(connector_id, "_last_sync", {"sync_cursor": {"pointer": 42}})

    stored = await api.read(connector_id)
    assert (stored["last_deleted_document_count"], stored["sync_cursor"]) == (123, {"pointer": 42})


async def test_update_connector_last_sync_stats_a_null_is_ignored(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    await api.updated(connector_id, "_last_sync", {"last_sync_error": "oh no", "last_sync_status": "ERROR"})

    reply = await api.update(connector_id, "_last_sync", {"last_sync_error": None, "last_sync_status": None})

    assert reply == (200, {"result": "noop"})
    stored = await api.read(connector_id)
    assert (stored["last_sync_error"], stored["last_sync_status"]) == ("oh no", "error")


async def test_update_connector_last_sync_stats_knows_no_last_seen(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_last_sync", {"last_seen": "2023-05-25T12:30:00.000Z"})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


async def test_update_connector_last_sync_stats_connector_doesnt_exist(api: ConnectorApi) -> None:
    await api.connector()

    reply = await api.update(api.unique("nobody"), "_last_sync", {"last_sync_error": "oh no error"})

    assert (reply.status, reply.error_type) == (404, "document_missing_exception")


@pytest.mark.parametrize("date", ["this is not a timestamp", "2023-05-25", 1685017800000])
async def test_update_connector_filtering_wrong_datetime_expression(api: ConnectorApi, date: object) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_last_sync", {"last_access_control_sync_scheduled_at": date})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


async def test_update_connector_filtering_wrong_status(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_last_sync", {"last_sync_status": "this is not a valid status"})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert reply.innermost_reason == "Unknown ConnectorSyncStatus [this is not a valid status]."
