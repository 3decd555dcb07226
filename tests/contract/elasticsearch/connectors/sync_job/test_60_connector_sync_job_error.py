"""Failing sync jobs."""

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_set_an_error_for_a_running_connector_sync_job(api: ConnectorApi, connector_id: str) -> None:
    job_id = await api.sync_job(connector_id)
    await api.updated_job(job_id, "_claim", {"worker_hostname": "worker"})
    last_seen = (await api.read_job(job_id))["last_seen"]

    await api.updated_job(job_id, "_error", {"error": "oh no"})

    job = await api.read_job(job_id)
    assert (job["error"], job["status"], job["last_seen"]) == ("oh no", "error", last_seen)
    assert "completed_at" not in job


async def test_set_an_error_for_a_pending_connector_sync_job_invalid_state_transition_from_pending_to_error(
    api: ConnectorApi, connector_id: str
) -> None:
    job_id = await api.sync_job(connector_id)

    reply = await api.update_job(job_id, "_error", {"error": "oh no"})

    assert (reply.status, reply.error_type) == (400, "status_exception")
    assert reply.reason.startswith("Invalid transition attempt from [pending] to [error].")


async def test_set_an_error_for_a_connector_sync_job_connector_sync_job_does_not_exist(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.sync_job(connector_id)
    nothing = api.unique("nothing")

    reply = await api.update_job(nothing, "_error", {"error": "oh no"})

    assert (reply.status, reply.error_type, reply.reason) == (404, "resource_not_found_exception", nothing)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": ""}, "Validation Failed: 1: [error] of the connector sync job cannot be null or empty;"),
        ({}, "Required [error]"),
    ],
)
async def test_set_an_error_for_a_connector_sync_job_error_is_missing(
    api: ConnectorApi, connector_id: str, body: dict[str, str], reason: str
) -> None:
    job_id = await api.sync_job(connector_id)

    reply = await api.update_job(job_id, "_error", body)

    assert (reply.status, reply.reason) == (400, reason)
