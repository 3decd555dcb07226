"""Failing sync jobs."""

import pytest

from tests.contract.elasticsearch.connectors.world import World


async def test_set_an_error_for_a_running_connector_sync_job(world: World, connector_id: str) -> None:
    job_id = await world.sync_job(connector_id)
    await world.updated_job(job_id, "_claim", {"worker_hostname": "worker"})
    last_seen = (await world.read_job(job_id))["last_seen"]

    await world.updated_job(job_id, "_error", {"error": "oh no"})

    job = await world.read_job(job_id)
    assert (job["error"], job["status"], job["last_seen"]) == ("oh no", "error", last_seen)
    assert "completed_at" not in job


async def test_set_an_error_for_a_pending_connector_sync_job_invalid_state_transition_from_pending_to_error(
    world: World, connector_id: str
) -> None:
    job_id = await world.sync_job(connector_id)

    reply = await world.update_job(job_id, "_error", {"error": "oh no"})

    assert (reply.status, reply.error_type) == (400, "status_exception")
    assert reply.reason.startswith("Invalid transition attempt from [pending] to [error].")


async def test_set_an_error_for_a_connector_sync_job_connector_sync_job_does_not_exist(
    world: World, connector_id: str
) -> None:
    await world.sync_job(connector_id)
    nothing = world.unique("nothing")

    reply = await world.update_job(nothing, "_error", {"error": "oh no"})

    assert (reply.status, reply.error_type, reply.reason) == (404, "resource_not_found_exception", nothing)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": ""}, "Validation Failed: 1: [error] of the connector sync job cannot be null or empty;"),
        ({}, "Required [error]"),
    ],
)
async def test_set_an_error_for_a_connector_sync_job_error_is_missing(
    world: World, connector_id: str, body: dict[str, str], reason: str
) -> None:
    job_id = await world.sync_job(connector_id)

    reply = await world.update_job(job_id, "_error", body)

    assert (reply.status, reply.reason) == (400, reason)
