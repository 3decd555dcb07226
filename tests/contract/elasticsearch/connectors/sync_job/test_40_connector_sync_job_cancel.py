"""Canceling sync jobs."""

from tests.contract.elasticsearch.connectors.world import World


async def test_cancel_a_pending_connector_sync_job_transition_to_canceled_directly(
    world: World, connector_id: str
) -> None:
    job_id = await world.sync_job(connector_id)

    await world.updated_job(job_id, "_cancel")

    job = await world.read_job(job_id)
    assert job["status"] == "canceled"
    assert job["completed_at"] == job["canceled_at"] == job["cancelation_requested_at"]


async def test_cancel_a_running_connector_sync_job_asks_for_its_cancelation(
    world: World, connector_id: str
) -> None:
    job_id = await world.sync_job(connector_id)
    await world.updated_job(job_id, "_claim", {"worker_hostname": "worker"})

    await world.updated_job(job_id, "_cancel")

    job = await world.read_job(job_id)
    assert job["status"] == "canceling"
    assert job["cancelation_requested_at"]
    assert not {"canceled_at", "completed_at"} & job.keys()


async def test_cancel_a_canceled_connector_sync_job_invalid_state_transition_from_canceled_to_canceling(
    world: World, connector_id: str
) -> None:
    job_id = await world.sync_job(connector_id)
    await world.updated_job(job_id, "_cancel")

    reply = await world.update_job(job_id, "_cancel")

    assert (reply.status, reply.error_type) == (400, "status_exception")
    assert reply.reason == (
        "Invalid transition attempt from [canceled] to [canceling]. Such a ConnectorSyncStatus transition is "
        "not supported by the Connector Protocol."
    )
    assert reply.cause["reason"] == reply.reason


async def test_cancel_a_connector_sync_job_connector_sync_job_does_not_exist(
    world: World, connector_id: str
) -> None:
    await world.sync_job(connector_id)
    nothing = world.unique("nothing")

    # The published test calls check_in here; cancel itself words it differently.
    check_in = await world.update_job(nothing, "_check_in")
    cancel = await world.update_job(nothing, "_cancel")

    assert check_in.status == 404
    assert (cancel.status, cancel.error_type, cancel.reason) == (404, "resource_not_found_exception", nothing)
