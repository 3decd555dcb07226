"""Deleting sync jobs."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_delete_connector_sync_job(api: ConnectorApi, connector_id: str) -> None:
    job_id = await api.sync_job(connector_id)

    reply = await api.admin.delete(f"/_connector/_sync_job/{job_id}")

    assert reply == (200, {"acknowledged": True})
    assert (await api.admin.get(f"/_connector/_sync_job/{job_id}")).status == 404


async def test_delete_connector_sync_job_connector_sync_job_does_not_exist(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.sync_job(connector_id)
    nothing = api.unique("nothing")

    reply = await api.admin.delete(f"/_connector/_sync_job/{nothing}")

    assert (reply.status, reply.error_type, reply.reason) == (404, "resource_not_found_exception", nothing)


async def test_delete_connector_fails_for_unprivileged_user(api: ConnectorApi, connector_id: str) -> None:
    reader = await api.read_only()
    job_id = await api.sync_job(connector_id)

    refused = await reader.delete(f"/_connector/_sync_job/{job_id}")

    assert (refused.status, refused.error_type) == (403, "security_exception")
    assert (await api.admin.delete(f"/_connector/_sync_job/{job_id}")).status == 200
