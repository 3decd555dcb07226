"""Reading sync jobs."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_get_connector_sync_job(api: ConnectorApi, connector_id: str) -> None:
    job_id = await api.sync_job(connector_id, job_type="access_control", trigger_method="scheduled")

    job = await api.read_job(job_id)

    assert (job["job_type"], job["trigger_method"]) == ("access_control", "scheduled")


async def test_get_connector_sync_job_missing_sync_job_id(api: ConnectorApi, connector_id: str) -> None:
    await api.sync_job(connector_id)
    nothing = api.unique("nothing")

    reply = await api.admin.get(f"/_connector/_sync_job/{nothing}")

    assert (reply.status, reply.error_type, reply.reason) == (404, "resource_not_found_exception", nothing)


async def test_read_only_access_is_sufficient_to_get_the_sync_job(
    api: ConnectorApi, connector_id: str
) -> None:
    reader = await api.read_only()
    job_id = await api.sync_job(connector_id, job_type="access_control", trigger_method="scheduled")

    reply = await reader.get(f"/_connector/_sync_job/{job_id}")

    assert reply.status == 200
    assert (reply.body["id"], reply.body["job_type"], reply.body["trigger_method"]) == (
        job_id,
        "access_control",
        "scheduled",
    )


async def test_get_sync_job_fails_for_unprivileged_user(api: ConnectorApi, connector_id: str) -> None:
    nobody = await api.unprivileged()
    job_id = await api.sync_job(connector_id)

    for path in (job_id, api.unique("nothing")):
        reply = await nobody.get(f"/_connector/_sync_job/{path}")

        assert (reply.status, reply.error_type) == (403, "security_exception")
