"""Canceling sync jobs."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_cancel_a_pending_connector_sync_job_transition_to_canceled_directly(
    api: ConnectorApi, connector_id: str
) -> None:
    job_id = await api.sync_job(connector_id)

    await api.updated_job(job_id, "_cancel")

    job = await api.read_job(job_id)
    assert job["status"] == "canceled"
    assert job["completed_at"] == job["canceled_at"] == job["cancelation_requested_at"]


async def test_cancel_a_running_connector_sync_job_asks_for_its_cancelation(
    api: ConnectorApi, connector_id: str
) -> None:
    job_id = await api.sync_job(connector_id)
    await api.updated_job(job_id, "_claim", {"worker_hostname": "worker"})

    await api.updated_job(job_id, "_cancel")

    job = await api.read_job(job_id)
    assert job["status"] == "canceling"
    assert job["cancelation_requested_at"]
    assert not {"canceled_at", "completed_at"} & job.keys()


async def test_cancel_a_canceled_connector_sync_job_invalid_state_transition_from_canceled_to_canceling(
    api: ConnectorApi, connector_id: str
) -> None:
    job_id = await api.sync_job(connector_id)
    await api.updated_job(job_id, "_cancel")

    reply = await api.update_job(job_id, "_cancel")

    assert (reply.status, reply.error_type) == (400, "status_exception")
    assert reply.reason == (
        "Invalid transition attempt from [canceled] to [canceling]. Such a ConnectorSyncStatus transition is "
        "not supported by the Connector Protocol."
    )
    assert reply.cause["reason"] == reply.reason


async def test_cancel_a_connector_sync_job_connector_sync_job_does_not_exist(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.sync_job(connector_id)
    nothing = api.unique("nothing")

    # The published test calls check_in here; cancel itself words it differently.
    check_in = await api.update_job(nothing, "_check_in")
    cancel = await api.update_job(nothing, "_cancel")

    assert check_in.status == 404
    assert (cancel.status, cancel.error_type, cancel.reason) == (404, "resource_not_found_exception", nothing)
