"""Scheduled jobs, created once however many services look at the schedule."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.protocol import CONNECTORS_INDEX
from sandbox.elasticsearch.server.faults import Reply
from sources.contract import Features
from tests.integration.service.world import CONNECTOR, SERVICE_TYPE, World, source_over, until

EVERY_SECOND = "* * * * * ?"
EVERY_YEAR = "0 0 0 1 1 ?"


async def schedule(world: World, interval: str, kind: str = "full", *, enabled: bool = True) -> None:
    body = {"scheduling": {kind: {"enabled": enabled, "interval": interval}}}
    await world.ok("PUT", f"/_connector/{CONNECTOR}/_scheduling", body)


async def scheduled_jobs(world: World) -> list[dict[str, Any]]:
    answer = await world.ok("GET", "/_connector/_sync_job", connector_id=CONNECTOR, size="1000")
    return [job for job in answer["results"] if job["trigger_method"] == "scheduled"]


async def test_a_schedule_creates_jobs_and_stamps_them(world: World) -> None:
    async with world.ready():
        await schedule(world, EVERY_SECOND)
        jobs = await until(lambda: scheduled_jobs(world), lambda jobs: len(jobs) >= 2)
        await schedule(world, EVERY_SECOND, enabled=False)
        connector = await world.connector()

    assert {job["job_type"] for job in jobs} == {"full"}
    assert connector["last_sync_scheduled_at"]


async def test_many_services_create_one_job_a_run_and_never_two_pending(world: World) -> None:
    world.shelf.gate = asyncio.Event()
    async with world.ready(), AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(world.serving())
        await schedule(world, EVERY_SECOND)
        await until(lambda: stamps(world), lambda seen: seen >= 4)
        jobs = await scheduled_jobs(world)
        await schedule(world, EVERY_SECOND, enabled=False)
        world.shelf.gate.set()

    # One runs behind the gate, one waits for it; further runs found it waiting.
    assert sorted(job["status"] for job in jobs) == ["in_progress", "pending"]


async def test_a_run_missed_while_nobody_looked_is_caught_up_once(world: World) -> None:
    async with world.ready():
        pass
    await schedule(world, EVERY_YEAR)
    three_years_ago = datetime.now(UTC) - timedelta(days=3 * 366)
    await world.write(CONNECTORS_INDEX, CONNECTOR, {"last_sync_scheduled_at": three_years_ago.isoformat()})
    async with world.serving():
        jobs = await until(lambda: scheduled_jobs(world), lambda jobs: len(jobs) == 1)
        await world.until_job(jobs[0]["id"], "completed", "error")
        await world.until_job(await world.create_job(), "completed", "error")
        assert len(await scheduled_jobs(world)) == 1


async def test_a_first_run_that_fell_into_down_time_is_caught_up_like_later_ones(world: World) -> None:
    async with world.ready():
        pass
    await schedule(world, EVERY_YEAR)
    three_years_ago = datetime.now(UTC) - timedelta(days=3 * 366)
    await world.write(CONNECTORS_INDEX, CONNECTOR, {"last_seen": three_years_ago.isoformat()})
    async with world.serving():
        jobs = await until(lambda: scheduled_jobs(world), lambda jobs: len(jobs) == 1)
        await world.until_job(jobs[0]["id"], "completed", "error")
        await world.until_job(await world.create_job(), "completed", "error")
        assert len(await scheduled_jobs(world)) == 1


async def test_a_run_whose_stamper_died_before_creating_the_job_is_not_lost(world: World) -> None:
    async with world.ready():
        pass
    await schedule(world, EVERY_YEAR)
    await world.write(CONNECTORS_INDEX, CONNECTOR, {"last_sync_scheduled_at": datetime.now(UTC).isoformat()})
    async with world.serving():
        jobs = await until(lambda: scheduled_jobs(world), lambda jobs: len(jobs) == 1)
        await world.until_job(jobs[0]["id"], "completed", "error")
    async with world.serving():
        await world.until_job(await world.create_job(), "completed", "error")
        assert len(await scheduled_jobs(world)) == 1


async def test_a_run_that_was_stamped_but_whose_job_could_not_be_created_is_created_soon(
    world: World,
) -> None:
    async with world.ready():
        pass
    await schedule(world, EVERY_YEAR)
    long_ago = datetime.now(UTC) - timedelta(days=3 * 366)
    await world.write(CONNECTORS_INDEX, CONNECTOR, {"last_sync_scheduled_at": long_ago.isoformat()})
    refused = world.server.faults.add(Reply(503), method="POST", path="/_connector/_sync_job", times=1)
    async with world.serving():
        await refused.struck()
        jobs = await until(lambda: scheduled_jobs(world), lambda jobs: len(jobs) == 1)
        await world.until_job(jobs[0]["id"], "completed", "error")

    assert len(await scheduled_jobs(world)) == 1


async def test_a_schedule_enabled_now_does_not_catch_up_what_it_was_not_enabled_for(world: World) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=3 * 366)
    async with world.ready():
        await world.write(CONNECTORS_INDEX, CONNECTOR, {"last_sync_scheduled_at": long_ago.isoformat()})
        await schedule(world, EVERY_YEAR)
        await listed_twice(world)
        await world.until_job(await world.create_job(), "completed", "error")

    assert await scheduled_jobs(world) == []


async def test_an_expression_the_server_took_but_nobody_can_read_is_the_connectors_error(
    world: World,
) -> None:
    async with world.ready():
        broken = {"full": {"enabled": True, "interval": "every day"}}
        await world.write(CONNECTORS_INDEX, CONNECTOR, {"scheduling": broken})
        connector = await world.until_connector("error")
        await schedule(world, EVERY_YEAR)
        await world.until_connector("connected")

    assert "'every day'" in connector["error"]


async def test_schedules_of_types_the_source_lacks_create_nothing(world: World) -> None:
    async with world.ready():
        await schedule(world, EVERY_SECOND, "incremental")
        await listed_twice(world)
        assert await scheduled_jobs(world) == []


async def test_an_incremental_schedule_creates_incremental_jobs_for_a_source_that_has_them(
    world: World,
) -> None:
    source = source_over(world.shelf, Features(incremental_sync=True))
    await world.create_connector()
    async with world.serving(sources={SERVICE_TYPE: source}):
        await world.until_connector("needs_configuration")
        await world.configure()
        await schedule(world, EVERY_SECOND, "incremental")
        jobs = await until(lambda: scheduled_jobs(world), lambda jobs: len(jobs) >= 1)
        connector = await world.connector()

    assert {job["job_type"] for job in jobs} == {"incremental"}
    assert connector["last_incremental_sync_scheduled_at"]
    assert "last_sync_scheduled_at" not in connector


async def stamps(world: World) -> int:
    """How many runs were stamped so far."""
    writes = world.server.journal.requests(path=f"/{CONNECTORS_INDEX}/_update/{CONNECTOR}", status=200)
    return sum("last_sync_scheduled_at" in entry.json()["doc"] for entry in writes)


async def listed_twice(world: World) -> None:
    """Wait until the service has looked at its connectors twice more, a second apart at least."""
    path = f"/{CONNECTORS_INDEX}/_search"
    mark = len(world.server.journal.requests(path=path))
    await until(lambda: count(world, path), lambda seen: seen >= mark + 15)


async def count(world: World, path: str) -> int:
    return len(world.server.journal.requests(path=path))
