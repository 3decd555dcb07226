"""A defect in one part costs that part: R07 and R12 of the reliability matrix."""

import asyncio
from typing import Any

import pytest
import structlog

from ingest.elasticsearch.client import connect
from ingest.errors import JobLostError
from ingest.job import heartbeat
from ingest.lease import Lease
from ingest.protocol import SyncJob, jobs
from ingest.sync.stats import Stats
from tests import logs
from tests.integration.service.world import (
    CONNECTOR,
    SERVICE_TYPE,
    ShelfSource,
    World,
    config_for,
    source_over,
    until,
)

EXPLODING = "the password that explodes"


async def claimed_job(world: World, client: Any) -> SyncJob:
    async with world.ready():
        pass
    job = await jobs.get(client, await world.create_job())
    assert job is not None
    claimed = await jobs.claim(client, job, "worker")
    assert claimed is not None
    return claimed


async def confirmed() -> None:
    """Let the lease be confirmed."""


async def test_r07_a_heartbeat_that_fails_unexpectedly_is_followed_by_the_next(world: World) -> None:
    defects = [RuntimeError("a defect"), RuntimeError("another")]

    def stats() -> dict[str, Any]:
        if defects:
            raise defects.pop()
        return Stats(deleted=8).to_wire()

    async with connect(config_for(world.server).elasticsearch) as client:
        claimed = await claimed_job(world, client)
        beating = asyncio.create_task(
            heartbeat.heartbeat(client, claimed, Lease(confirmed), stats, interval_seconds=0.01)
        )
        try:
            job = await until(lambda: world.job(claimed.id), lambda one: one["deleted_document_count"] == 8)
        finally:
            beating.cancel()

    assert job["status"] == "in_progress"


async def test_r07_a_job_whose_heartbeat_never_works_is_abandoned_by_its_lease(world: World) -> None:
    clock = iter(float(second) for second in range(1000))

    def stats() -> dict[str, Any]:
        raise RuntimeError("a defect")

    async with connect(config_for(world.server).elasticsearch) as client:
        claimed = await claimed_job(world, client)
        lease = Lease(confirmed, fencing_seconds=10, clock=lambda: next(clock))
        with pytest.raises(JobLostError, match="No heartbeat was accepted"):
            await heartbeat.heartbeat(client, claimed, lease, stats, interval_seconds=0)


class ExplodingSource(ShelfSource):
    """Has a defect that shows with one password."""

    async def ping(self) -> None:
        if self.password == EXPLODING:
            raise RuntimeError("a defect of the source")
        await super().ping()


async def test_r12_a_defect_in_one_connectors_tick_and_job_leaves_the_others_alone(world: World) -> None:
    source = source_over(world.shelf, base=ExplodingSource)
    for name in (CONNECTOR, "broken"):
        await world.create_connector(name, f"{name}-index")
    with structlog.testing.capture_logs() as lines:
        config = config_for(world.server, CONNECTOR, "broken")
        async with world.serving(config, {SERVICE_TYPE: source}):
            await world.until_connector("needs_configuration", "broken")
            await world.until_connector("needs_configuration")
            await world.configure("broken", password=EXPLODING)
            await world.configure()
            await world.until_connector("connected")
            broken = await world.until_job(await world.create_job("broken"), "completed", "error")
            job = await world.until_job(await world.create_job(), "completed", "error")

    assert job["status"] == "completed"
    assert broken["status"] == "error"
    assert "RuntimeError" in broken["error"]
    assert {"connector.crashed", "job.crashed"} <= {line["event"] for line in lines}


async def test_r09_memory_that_runs_out_in_a_job_ends_the_job_and_not_the_service(world: World) -> None:
    world.shelf.read_error = MemoryError()
    with structlog.testing.capture_logs():
        async with world.ready():
            job = await world.until_job(await world.create_job(), "completed", "error")
            world.shelf.read_error = None
            next_job = await world.until_job(await world.create_job(), "completed", "error")

    assert job["status"] == "error"
    assert "MemoryError" in job["error"]
    assert next_job["status"] == "completed"


async def test_r12_a_logger_that_fails_costs_no_job(world: World) -> None:
    def explode(*_: Any) -> Any:
        raise structlog.DropEvent

    structlog.configure(processors=[explode])
    try:
        async with world.ready():
            job = await world.until_job(await world.create_job(), "completed", "error")
    finally:
        logs.configure()

    assert job["status"] == "completed"
