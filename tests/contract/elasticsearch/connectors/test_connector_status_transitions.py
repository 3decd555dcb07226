"""The state machine of a connector: each transition asked for, and each that comes along with a call."""

from typing import Any

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi

ALLOWED = {
    "created": {"needs_configuration", "error"},
    "needs_configuration": {"configured", "error"},
    "configured": {"needs_configuration", "configured", "connected", "error"},
    "connected": {"configured", "connected", "error"},
    "error": {"configured", "connected", "error"},
}

REACHED_BY: dict[str, list[tuple[str, Any]]] = {
    "created": [],
    "needs_configuration": [("_status", {"status": "needs_configuration"})],
    "configured": [("_configuration", {"configuration": {"field": {"label": "Field"}}})],
    "connected": [("_error", {"error": None})],
    "error": [("_error", {"error": "oh no"})],
}

SCHEDULE = {"enabled": True, "interval": "0 0 0 * * ?"}
PIPELINE = {
    "extract_binary_content": True,
    "name": "pipeline",
    "reduce_whitespace": True,
    "run_ml_inference": True,
}
UNCHANGED: list[tuple[str, Any]] = [
    ("_check_in", None),
    ("_features", {"features": {"incremental_sync": {"enabled": True}}}),
    ("_filtering", {"rules": []}),
    ("_filtering/_validation", {"validation": {"errors": [], "state": "valid"}}),
    ("_index_name", {"index_name": None}),
    ("_last_sync", {"last_sync_status": "completed"}),
    ("_name", {"name": "name"}),
    ("_pipeline", {"pipeline": PIPELINE}),
    ("_scheduling", {"scheduling": {"full": SCHEDULE}}),
    ("_api_key_id", {"api_key_id": "id"}),
]
ALWAYS: list[tuple[str, Any, str]] = [
    ("_configuration", {"configuration": {}}, "configured"),
    ("_configuration", {"values": {}}, "configured"),
    ("_error", {"error": "oh no"}, "error"),
    ("_error", {"error": None}, "connected"),
    ("_error", {"error": ""}, "connected"),
]


async def in_status(api: ConnectorApi, status: str) -> str:
    connector_id = await api.connector(index_name=api.unique("content-test"))
    for route, body in REACHED_BY[status]:
        await api.updated(connector_id, route, body)
    assert (await api.read(connector_id))["status"] == status
    return connector_id


@pytest.mark.parametrize("current", ALLOWED)
@pytest.mark.parametrize("target", ALLOWED)
async def test_a_status_that_is_asked_for(api: ConnectorApi, current: str, target: str) -> None:
    connector_id = await in_status(api, current)

    reply = await api.update(connector_id, "_status", {"status": target})

    if target in ALLOWED[current]:
        assert reply == (200, {"result": "noop" if target == current else "updated"})
        assert (await api.read(connector_id))["status"] == target
    else:
        assert (reply.status, reply.error_type) == (400, "status_exception")
        assert reply.reason.startswith(f"Invalid transition attempt from [{current}] to [{target}].")
        assert (await api.read(connector_id))["status"] == current


@pytest.mark.parametrize("current", ALLOWED)
@pytest.mark.parametrize(("route", "body", "target"), ALWAYS)
async def test_a_status_that_comes_along_from_anywhere(
    api: ConnectorApi, current: str, route: str, body: Any, target: str
) -> None:
    connector_id = await in_status(api, current)

    reply = await api.update(connector_id, route, body)

    assert reply.status == 200
    assert (await api.read(connector_id))["status"] == target


@pytest.mark.parametrize("current", ALLOWED)
async def test_a_service_type_asks_for_a_new_configuration(api: ConnectorApi, current: str) -> None:
    connector_id = await in_status(api, current)

    await api.updated(connector_id, "_service_type", {"service_type": "another"})

    expected = "created" if current == "created" else "needs_configuration"
    assert (await api.read(connector_id))["status"] == expected


@pytest.mark.parametrize("current", ALLOWED)
async def test_the_native_flag_disconnects(api: ConnectorApi, current: str) -> None:
    connector_id = await in_status(api, current)

    await api.updated(connector_id, "_native", {"is_native": True})

    expected = "configured" if current == "connected" else current
    assert (await api.read(connector_id))["status"] == expected


@pytest.mark.parametrize("current", ALLOWED)
async def test_every_other_call_leaves_the_status(api: ConnectorApi, current: str) -> None:
    connector_id = await in_status(api, current)

    for route, body in UNCHANGED:
        assert (await api.update(connector_id, route, body)).status == 200, route

    assert (await api.read(connector_id))["status"] == current
    await api.admin.delete(f"/_connector/{connector_id}")
    reply = await api.admin.get(f"/_connector/{connector_id}?include_deleted=true")
    assert reply.body["status"] == current


@pytest.mark.parametrize("current", ALLOWED)
async def test_a_sync_job_leaves_the_status_of_its_connector(api: ConnectorApi, current: str) -> None:
    connector_id = await in_status(api, current)

    job_id = await api.sync_job(connector_id)
    await api.updated_job(job_id, "_claim", {"worker_hostname": "worker"})
    await api.updated_job(job_id, "_error", {"error": "oh no"})

    assert (await api.read(connector_id))["status"] == current
