"""A claim that fails half-way leaves everything as it was."""

import asyncio

from ingest.elasticsearch.client import connect
from ingest.job import claim
from ingest.protocol import jobs
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
        claiming = group.create_task(claim.claim(client, job, "host:1:late"))
        await held.struck()
        claimed_meanwhile = (await harness.connector())["last_sync_status"]
        await harness.ok("PUT", f"/_connector/_sync_job/{job_id}/_cancel")
        held.release()
    after = await harness.connector(CONNECTOR)

    assert claiming.result() is None
    assert claimed_meanwhile == "in_progress"
    names = ("status", "error", "last_sync_status", "last_sync_error")
    assert [after.get(name) for name in names] == [before.get(name) for name in names]
