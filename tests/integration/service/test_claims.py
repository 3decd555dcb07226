"""A claim that fails half-way, or goes by what is no longer so, leaves everything as it was."""

import asyncio

from ingest.elasticsearch.client import connect
from ingest.job import claim
from ingest.protocol import connectors, jobs
from sandbox.elasticsearch.server.faults import Hold
from tests.support.service_harness import CONNECTOR, ServiceHarness, config_for


async def test_b8_a_job_that_is_gone_when_it_is_taken_leaves_the_connector_as_it_was(
    harness: ServiceHarness,
) -> None:
    """A person cancels it after the connector was claimed and before the job is."""
    async with harness.ready():
        pass
    before = await harness.connector()
    job_id = await harness.create_job()
    held = harness.server.faults.add(Hold(), path="/_connector/_sync_job/*/_check_in")
    async with connect(config_for(harness.server).elasticsearch) as client, asyncio.TaskGroup() as group:
        job = await jobs.get(client, job_id)
        assert job is not None
        connector = await connectors.get(client, CONNECTOR)
        assert connector is not None
        claiming = group.create_task(claim.claim(client, job, connector, "host:1:late"))
        await held.struck()
        claimed_meanwhile = (await harness.connector())["last_sync_status"]
        await harness.ok("PUT", f"/_connector/_sync_job/{job_id}/_cancel")
        held.release()
    after = await harness.connector(CONNECTOR)

    assert claiming.result() is None
    assert claimed_meanwhile == "in_progress"
    names = ("status", "error", "last_sync_status", "last_sync_error")
    assert [after.get(name) for name in names] == [before.get(name) for name in names]


async def test_a_connector_that_was_written_since_it_was_looked_at_is_claimed_by_nobody(
    harness: ServiceHarness,
) -> None:
    """What the job was found fit for is that connector: its configuration may be another by now."""
    async with harness.ready():
        pass
    job_id = await harness.create_job()
    async with connect(config_for(harness.server).elasticsearch) as client:
        job, connector = await jobs.get(client, job_id), await connectors.get(client, CONNECTOR)
        assert job is not None
        assert connector is not None
        await harness.configure(host="another shelf")
        claimed = await claim.claim(client, job, connector, "host:1:late")

    assert claimed is None
    assert (await harness.job(job_id))["status"] == "pending"
    assert (await harness.connector()).get("last_sync_status") != "in_progress"
