"""Which routes read the connector first, and which go straight to the update."""

from typing import Any

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi

PIPELINE = {
    "extract_binary_content": True,
    "name": "pipeline",
    "reduce_whitespace": True,
    "run_ml_inference": True,
}
RULES = {
    "advanced_snippet": {"value": {}},
    "rules": [],
    "validation": {"errors": [], "state": "valid"},
}

READ_FIRST: list[tuple[str, Any]] = [
    ("_configuration", {"configuration": {}}),
    ("_configuration", {"values": {}}),
    ("_filtering", {"rules": []}),
    ("_filtering/_validation", {"validation": {"errors": [], "state": "valid"}}),
    ("_filtering/_activate", None),
    ("_index_name", {"index_name": None}),
    ("_native", {"is_native": False}),
    ("_service_type", {"service_type": "another"}),
    ("_status", {"status": "error"}),
]
BLIND: list[tuple[str, Any]] = [
    ("_api_key_id", {"api_key_id": "id"}),
    ("_check_in", None),
    ("_error", {"error": "oh no"}),
    ("_features", {"features": {"incremental_sync": {"enabled": True}}}),
    ("_filtering", {"filtering": [{"active": RULES, "draft": RULES}]}),
    ("_last_sync", {"last_sync_status": "completed"}),
    ("_name", {"name": "name"}),
    ("_pipeline", {"pipeline": PIPELINE}),
    ("_scheduling", {"scheduling": {"full": {"enabled": True, "interval": "0 0 0 * * ?"}}}),
]


@pytest.mark.parametrize(("route", "body"), READ_FIRST)
async def test_a_route_that_reads_first_does_not_see_a_soft_deleted_connector(
    api: ConnectorApi, route: str, body: Any
) -> None:
    connector_id = await api.connector()
    await api.admin.delete(f"/_connector/{connector_id}")

    reply = await api.update(connector_id, route, body)

    assert (reply.status, reply.error_type) == (404, "resource_not_found_exception")
    assert reply.reason == f"connector [{connector_id}] not found"


@pytest.mark.parametrize(("route", "body"), BLIND)
async def test_a_blind_route_changes_a_soft_deleted_connector(
    api: ConnectorApi, route: str, body: Any
) -> None:
    connector_id = await api.connector()
    await api.admin.delete(f"/_connector/{connector_id}")
    path = f"/_connector/{connector_id}?include_deleted=true"
    before = (await api.admin.get(path)).body

    assert await api.update(connector_id, route, body) == (200, {"result": "updated"})

    after = (await api.admin.get(path)).body
    assert after != before
    assert after["deleted"] is True


@pytest.mark.parametrize(("route", "body"), BLIND)
async def test_a_blind_route_misses_the_document(api: ConnectorApi, route: str, body: Any) -> None:
    await api.connector()
    nobody = api.unique("nobody")

    reply = await api.update(nobody, route, body)

    assert (reply.status, reply.error_type) == (404, "document_missing_exception")
    error = reply.body["error"]
    assert error["reason"] == f"[{nobody}]: document missing"
    assert (error["index"], error["shard"]) == (".elastic-connectors-v1", "0")


@pytest.mark.parametrize(("route", "body"), [*READ_FIRST, *BLIND])
async def test_an_empty_id_is_refused_by_every_route(api: ConnectorApi, route: str, body: Any) -> None:
    reply = await api.update("", route, body)

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")
    assert '1: [connector_id] cannot be [null] or [""].;' in reply.reason


@pytest.mark.parametrize(("route", "body"), [*READ_FIRST, *BLIND])
async def test_a_caller_without_the_privilege_learns_nothing(
    api: ConnectorApi, route: str, body: Any
) -> None:
    connector_id = await api.connector()
    reader = await api.read_only()

    existing = await reader.put(f"/_connector/{connector_id}/{route}", body)
    missing = await reader.put(f"/_connector/{api.unique('nobody')}/{route}", body)

    assert (existing.status, missing.status) == (403, 403)
    assert existing.reason == missing.reason
