"""A stop ends every wait. A job whose task is canceled reports what it can, and the cancellation goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from structlog.testing import capture_logs

from ingest.elasticsearch.client import connect
from ingest.job import runner
from ingest.job.runner import Worker
from ingest.job.running_job import RunningJob
from ingest.protocol import jobs
from ingest.stopping.stop import Stop
from sandbox.elasticsearch.server.faults import Hold
from tests.support.service_harness import ServiceHarness, config_for
from tests.support.shelf_source import SERVICE_TYPE, source_over

CLAIM_AND_END = 2
"""The writes of a job's document while it runs."""


@asynccontextmanager
async def running(harness: ServiceHarness, job_id: str) -> AsyncIterator[asyncio.Task[bool]]:
    """Run a job in a task, as a service does."""
    config = config_for(harness.server)
    async with connect(config.elasticsearch) as client:
        job = await jobs.get(client, job_id)
        assert job is not None
        worker = Worker(
            name="host:1:stopped",
            client=client,
            config=config,
            stop=Stop(grace_seconds=5.0),
            sources={SERVICE_TYPE: source_over(harness.shelf)},
        )
        yield asyncio.create_task(runner.run(worker, RunningJob(job=job), None))


async def test_a_job_canceled_while_it_works_is_suspended(harness: ServiceHarness) -> None:
    async with harness.ready():
        pass
    harness.shelf.gate = asyncio.Event()
    job_id = await harness.create_job()

    async with running(harness, job_id) as task:
        await harness.shelf.is_reading.wait()
        task.cancel()
        await asyncio.wait({task})

    assert task.cancelled()
    assert (await harness.job(job_id))["status"] == "suspended"


async def test_a_job_canceled_while_it_reports_its_end_has_a_moment_to_do_so(harness: ServiceHarness) -> None:
    async with harness.ready():
        pass
    held = harness.server.faults.add(
        Hold(), path="/.elastic-connectors-sync-jobs-v1/_update/*", nth=CLAIM_AND_END
    )
    job_id = await harness.create_job()

    async with running(harness, job_id) as task:
        await held.struck()
        task.cancel()
        held.release()
        await asyncio.wait({task})

    assert task.cancelled()
    assert (await harness.job(job_id))["status"] == "completed"


async def test_a_stop_ends_the_pauses_of_all_loops(harness: ServiceHarness) -> None:
    """What is not over after `shutdown_timeout` is canceled, which the log says."""
    with capture_logs() as log:
        async with harness.ready(config_for(harness.server, shutdown_timeout_seconds=5)):
            pass

    assert "service.stopping" in [entry["event"] for entry in log]
    assert "service.stop_forced" not in [entry["event"] for entry in log]
