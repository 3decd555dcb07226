"""A defect in one part costs that part: R07 and R12 of the reliability matrix."""

import asyncio
from collections import Counter
from typing import Any

import pytest
import structlog

from ingest.elasticsearch.client import connect
from ingest.errors import JobLostError, OutOfMemoryError
from ingest.job import heartbeat
from ingest.job.ending import Ending, end_job
from ingest.protocol import JobStatus, SyncJob, jobs
from ingest.protocol.lease import Lease
from ingest.service.loops import Loop
from ingest.service.pacing import Pace
from ingest.service.process import Service
from ingest.stopping.stop import Stop
from ingest.sync.progress.stats import Stats
from sandbox.elasticsearch.server.faults import Hold
from sandbox.postgresql import Cluster
from sources.registry import SOURCES
from tests.support import logs
from tests.support.database import database_on
from tests.support.service_harness import CONNECTOR, PATIENCE_SECONDS, ServiceHarness, config_for, until
from tests.support.shelf_source import SERVICE_TYPE, ShelfSource, source_over

OTHER = "other-connector"
EXPLODING = "the password that explodes"
SYNCS = 6


async def claimed_job(harness: ServiceHarness, client: Any) -> SyncJob:
    async with harness.ready():
        pass
    job = await jobs.get(client, await harness.create_job())
    assert job is not None
    claimed = await jobs.claim(client, job, "worker")
    assert claimed is not None
    return claimed


async def confirmed() -> None:
    """Let the lease be confirmed."""


async def test_r07_a_heartbeat_that_fails_unexpectedly_is_followed_by_the_next(
    harness: ServiceHarness,
) -> None:
    defects = [RuntimeError("a defect"), RuntimeError("another")]

    def stats() -> dict[str, Any]:
        if defects:
            raise defects.pop()
        return Stats(deleted=8).to_wire()

    async with connect(config_for(harness.server).elasticsearch) as client:
        claimed = await claimed_job(harness, client)
        beating = asyncio.create_task(
            heartbeat.heartbeat(client, claimed, Lease(confirmed), stats, interval_seconds=0.01)
        )
        try:
            job = await until(lambda: harness.job(claimed.id), lambda one: one["deleted_document_count"] == 8)
        finally:
            beating.cancel()

    assert job["status"] == "in_progress"


async def test_r07_a_job_whose_heartbeat_never_works_is_abandoned_by_its_lease(
    harness: ServiceHarness,
) -> None:
    clock = iter(float(second) for second in range(1000))

    def stats() -> dict[str, Any]:
        raise RuntimeError("a defect")

    async with connect(config_for(harness.server).elasticsearch) as client:
        claimed = await claimed_job(harness, client)
        lease = Lease(confirmed, fencing_seconds=10, clock=lambda: next(clock))
        with pytest.raises(JobLostError, match="No heartbeat was accepted"):
            await heartbeat.heartbeat(client, claimed, lease, stats, interval_seconds=0)


class ExplodingSource(ShelfSource):
    """Has a defect that shows with one password."""

    async def ping(self) -> None:
        if self.password == EXPLODING:
            raise RuntimeError("a defect of the source")
        await super().ping()


async def test_r12_a_defect_in_one_connectors_tick_and_job_leaves_the_others_alone(
    harness: ServiceHarness,
) -> None:
    source = source_over(harness.shelf, base=ExplodingSource)
    for name in (CONNECTOR, "broken"):
        await harness.create_connector(name, f"{name}-index")
    with structlog.testing.capture_logs() as lines:
        config = config_for(harness.server, CONNECTOR, "broken")
        async with harness.serving(config, {SERVICE_TYPE: source}):
            await harness.until_connector("needs_configuration", "broken")
            await harness.until_connector("needs_configuration")
            await harness.configure("broken", password=EXPLODING)
            await harness.configure()
            await harness.until_connector("connected")
            broken = await harness.until_job(await harness.create_job("broken"), "completed", "error")
            job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert job["status"] == "completed"
    assert broken["status"] == "error"
    assert "RuntimeError" in broken["error"]
    assert {"connector.crashed", "job.crashed"} <= {line["event"] for line in lines}


async def test_r09_memory_that_runs_out_in_a_job_ends_the_job_and_the_service_in_order(
    harness: ServiceHarness,
) -> None:
    """An interpreter seldom gives memory back, so the service ends, to be started again by its supervisor."""
    config = config_for(harness.server, CONNECTOR, OTHER)
    harness.shelf.gate = asyncio.Event()
    await harness.create_connector(OTHER, "elsewhere")
    await harness.create_connector()
    async with connect(config.elasticsearch) as client:
        service = Service(config=config, client=client, sources={SERVICE_TYPE: source_over(harness.shelf)})
        running = asyncio.create_task(service.run())
        for connector_id in (CONNECTOR, OTHER):
            await harness.until_connector("needs_configuration", connector_id)
            await harness.configure(connector_id)
            await harness.until_connector("connected", connector_id)
        other = await harness.create_job(OTHER)
        await harness.shelf.is_reading.wait()
        harness.shelf.gate, harness.shelf.read_error = None, MemoryError()
        job_id = await harness.create_job()

        with structlog.testing.capture_logs(), pytest.raises(OutOfMemoryError, match="ran out of memory"):
            await asyncio.wait_for(running, PATIENCE_SECONDS)

    job = await harness.job(job_id)
    assert (job["status"], "ran out of memory" in job["error"]) == ("error", True)
    assert (await harness.job(other))["status"] == "suspended"


async def test_r09_memory_that_runs_out_in_a_loop_ends_the_service() -> None:
    async def exhaust() -> None:
        raise MemoryError

    stop = Stop(grace_seconds=1)

    with structlog.testing.capture_logs():
        await Loop(name="jobs", pace=Pace(0.01), work=exhaust).run(stop)

    assert isinstance(stop.because, OutOfMemoryError)


async def test_a_stop_ends_the_waits_of_all_loops(harness: ServiceHarness) -> None:
    """With these intervals and this grace, a loop that waits on would do so for an hour."""
    await harness.create_connector()
    never = dict.fromkeys(("idling_seconds", "job_poll_interval_seconds", "shutdown_timeout_seconds"), 3600)
    async with connect(config_for(harness.server).elasticsearch) as client:
        service = Service(
            config=config_for(harness.server, job_cleanup_interval_seconds=3600, **never),
            client=client,
            sources={SERVICE_TYPE: source_over(harness.shelf)},
        )
        running = asyncio.create_task(service.run())
        await until(harness.connector, lambda connector: connector["status"] == "needs_configuration")

        service.stop()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await running


async def test_r12_a_logger_that_fails_costs_no_job(harness: ServiceHarness) -> None:
    def explode(*_: Any) -> Any:
        raise structlog.DropEvent

    structlog.configure(processors=[explode])
    try:
        async with harness.ready():
            job = await harness.until_job(await harness.create_job(), "completed", "error")
    finally:
        logs.configure()

    assert job["status"] == "completed"


async def test_a_worker_that_stood_still_at_the_end_reports_nothing_once_its_lease_has_run_out(
    harness: ServiceHarness,
) -> None:
    """It was told that the job is its own, and paused; by now another has run the job to its end."""
    seconds = 0.0
    async with connect(config_for(harness.server).elasticsearch) as client:
        claimed = await claimed_job(harness, client)
        lease = Lease(confirmed, fencing_seconds=240, clock=lambda: seconds)
        fault = harness.server.faults.add(Hold(), method="GET", path=f"*/_doc/{claimed.id}", applied=True)
        ending = Ending(status=JobStatus.COMPLETED)
        counts = Stats(deleted=8).to_wire()
        task = asyncio.create_task(end_job(client, claimed, ending, counts, lease=lease))
        await fault.struck()

        seconds = 300.0
        fault.release()
        ended = await task

    job = await harness.job(claimed.id)
    assert ended is None
    assert (job["status"], job["deleted_document_count"]) == ("in_progress", 0)


async def test_syncs_leave_no_task_behind(harness: ServiceHarness, cluster: Cluster) -> None:
    async with database_on(cluster) as database:
        await database.execute("CREATE TABLE album (id int PRIMARY KEY); INSERT INTO album VALUES (1)")
        await harness.create_connector()
        async with harness.serving(sources={SERVICE_TYPE: SOURCES["postgresql"]}):
            await harness.until_connector("needs_configuration")
            await harness.configure(**{**database.configuration(), "port": str(cluster.port)})
            await harness.until_connector("connected")
            await sync(harness, times=2)
            before = tasks()
            await sync(harness, times=SYNCS)

            await until(tasks_now, lambda after: after <= before)


async def sync(harness: ServiceHarness, times: int) -> None:
    """Sync so often, full and incremental in turns."""
    for number in range(times):
        job_id = await harness.create_job(job_type=("full", "incremental")[number % 2])
        job = await harness.until_job(job_id, "completed", "error")
        assert job["status"] == "completed", job
    await until(harness.connector, lambda connector: connector["last_sync_status"] == "completed")


def tasks() -> Counter[str]:
    """Count the tasks that run code of the product, by that code."""
    codes = [getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()]
    return Counter(
        code.co_qualname
        for code in codes
        if code is not None and ("/ingest/" in code.co_filename or "/sources/" in code.co_filename)
    )


async def tasks_now() -> Counter[str]:
    return tasks()
