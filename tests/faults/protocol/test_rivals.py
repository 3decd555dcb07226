"""Several services want the same things at the same moment: one gets each."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from ingest.protocol import CONNECTORS_INDEX, JOBS_INDEX
from sandbox.elasticsearch.server.faults import Hold
from sandbox.elasticsearch.server.journal import Entry
from tests.integration.service.world import CONNECTOR, World, config_for, until


def is_of_a_job(entry: Entry) -> bool:
    return entry.opaque_id is not None


def is_of_a_service(entry: Entry) -> bool:
    return entry.headers.get("User-Agent", "").startswith("elastic-ingest")


@pytest.mark.parametrize("count", [2, 4, 8])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", f"/{CONNECTORS_INDEX}/_update/*"), ("GET", f"/{CONNECTORS_INDEX}/_doc/*")],
    ids=["all have read the connector", "all are about to read"],
)
async def test_one_of_many_services_gets_a_job(world: World, count: int, method: str, path: str) -> None:
    """All stand at the same step before any goes on."""
    async with world.ready():
        pass
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(world.serving())
        held = world.server.faults.add(Hold(), method=method, path=path, when=is_of_a_job)
        job_id = await world.create_job()
        await until(lambda: _number(held.strikes), lambda seen: seen >= count)
        held.release()
        job = await world.until_job(job_id, "completed", "error")
        connector = await until(world.connector, lambda one: one["last_sync_status"] != "in_progress")

    assert job["status"] == "completed"
    assert job["metadata"]["attempts"] == []
    assert world.shelf.reads == 1
    assert (connector["status"], connector["last_sync_status"]) == ("connected", "completed")


@pytest.mark.parametrize("count", [2, 4])
async def test_two_jobs_of_a_connector_never_run_at_once(world: World, count: int) -> None:
    """The connector says it is idle although a job runs, as after a repair that struck too early."""
    world.shelf.gate = asyncio.Event()
    async with world.ready(), AsyncExitStack() as stack:
        first = await world.create_job()
        await world.shelf.is_reading.wait()
        await world.write(CONNECTORS_INDEX, CONNECTOR, {"last_sync_status": "completed"})
        for _ in range(count):
            await stack.enter_async_context(world.serving())
        second = await world.create_job()
        await until(lambda: world.job(second), lambda one: one["status"] == "suspended")
        reads_before = world.shelf.reads
        world.shelf.gate.set()
        ended = [await world.until_job(job_id, "completed", "error") for job_id in (first, second)]

    assert reads_before == 1
    assert [job["status"] for job in ended] == ["completed", "completed"]
    assert ended[0]["completed_at"] <= ended[1]["started_at"]


@pytest.mark.parametrize("count", [2, 4])
async def test_a_schema_is_registered_once_and_users_edits_are_kept(world: World, count: int) -> None:
    await world.create_connector()
    held = world.server.faults.add(Hold(), method="POST", path=f"/{CONNECTORS_INDEX}/_update/*")
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(world.serving())
        await until(lambda: _number(held.strikes), lambda seen: seen >= count)
        await world.ok("PUT", f"/_connector/{CONNECTOR}/_name", {"name": "edited meanwhile"})
        held.release()
        connector = await world.until_connector("needs_configuration")

    accepted = world.server.journal.requests(path=f"/{CONNECTORS_INDEX}/_update/*", status=200)
    assert len(accepted) == 1
    assert connector["name"] == "edited meanwhile"


@pytest.mark.parametrize("count", [2, 4])
async def test_an_idle_job_is_ended_by_one_service(world: World, count: int) -> None:
    async with world.ready():
        pass
    job_id = await world.create_job()
    await world.write(
        JOBS_INDEX,
        job_id,
        {
            "status": "in_progress",
            "worker_hostname": "dead",
            "last_seen": "2020-01-01T00:00:00.000Z",
            "metadata": {"lost_workers": 3},  # so it is not resumed once more
        },
    )
    held = world.server.faults.add(Hold(), method="POST", path=f"/{JOBS_INDEX}/_update/*")
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(world.serving(config_for(world.server)))
        await until(lambda: _number(held.strikes), lambda seen: seen >= count)
        held.release()
        await world.until_connector("error")

    writes = world.server.journal.requests(path=f"/{JOBS_INDEX}/_update/*")
    outcomes = Counter(entry.status for entry in writes if is_of_a_service(entry))
    assert outcomes == {200: 1, 409: count - 1}


async def test_an_idle_job_that_reports_after_all_is_not_ended(world: World) -> None:
    async with world.ready():
        pass
    job_id = await world.create_job()
    await world.write(
        JOBS_INDEX,
        job_id,
        {"status": "in_progress", "worker_hostname": "slow", "last_seen": "2020-01-01T00:00:00.000Z"},
    )
    held = world.server.faults.add(Hold(), method="POST", path=f"/{JOBS_INDEX}/_update/*")
    async with world.serving():
        await held.struck()
        await world.ok("PUT", f"/_connector/_sync_job/{job_id}/_check_in")
        held.release()
        await until(lambda: _conflicts(world), lambda seen: seen == 1)

    assert (await world.job(job_id))["status"] == "in_progress"


async def _conflicts(world: World) -> int:
    return len(world.server.journal.requests(path=f"/{JOBS_INDEX}/_update/*", status=409))


async def _number(number: int) -> int:
    return number
