"""Checking in a sync job."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_check_in_a_connector_sync_job(api: ConnectorApi, connector_id: str) -> None:
    job_id = await api.sync_job(connector_id)
    before = (await api.read_job(job_id))["last_seen"]

    await api.updated_job(job_id, "_check_in")

    after = await api.read_job(job_id)
    assert before < after["last_seen"]
    assert after["status"] == "pending"


async def test_check_in_a_connector_sync_job_connector_sync_job_does_not_exist(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.sync_job(connector_id)
    nothing = api.unique("nothing")

    reply = await api.update_job(nothing, "_check_in")

    assert (reply.status, reply.error_type) == (404, "resource_not_found_exception")
    assert reply.reason == f"connector sync job [{nothing}] not found"
