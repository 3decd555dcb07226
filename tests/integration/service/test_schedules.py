"""Scheduled jobs, created once however many services look at the schedule."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.protocol import CONNECTORS_INDEX
from sandbox.elasticsearch.server.faults import Reply
from sources.contract import Features
from tests.support.service_harness import CONNECTOR, ServiceHarness, until
from tests.support.shelf_source import SERVICE_TYPE, source_over

EVERY_SECOND = "* * * * * ?"
EVERY_YEAR = "0 0 0 1 1 ?"


async def schedule(
    harness: ServiceHarness, interval: str, kind: str = "full", *, enabled: bool = True
) -> None:
    body = {"scheduling": {kind: {"enabled": enabled, "interval": interval}}}
    await harness.ok("PUT", f"/_connector/{CONNECTOR}/_scheduling", body)


async def scheduled_jobs(harness: ServiceHarness) -> list[dict[str, Any]]:
    answer = await harness.ok("GET", "/_connector/_sync_job", connector_id=CONNECTOR, size="1000")
    return [job for job in answer["results"] if job["trigger_method"] == "scheduled"]


async def test_a_schedule_creates_jobs_and_stamps_them(harness: ServiceHarness) -> None:
    async with harness.ready():
        await schedule(harness, EVERY_SECOND)
        jobs = await until(lambda: scheduled_jobs(harness), lambda jobs: len(jobs) >= 2)
        await schedule(harness, EVERY_SECOND, enabled=False)
        connector = await harness.connector()

    assert {job["job_type"] for job in jobs} == {"full"}
    assert connector["last_sync_scheduled_at"]


async def test_many_services_create_one_job_a_run_and_never_two_pending(harness: ServiceHarness) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready(), AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(harness.serving())
        await schedule(harness, EVERY_SECOND)
        await until(lambda: stamps(harness), lambda seen: seen >= 4)
        jobs = await scheduled_jobs(harness)
        await schedule(harness, EVERY_SECOND, enabled=False)
        harness.shelf.gate.set()

    # One runs behind the gate, one waits for it; further runs found it waiting.
    assert sorted(job["status"] for job in jobs) == ["in_progress", "pending"]


async def test_a_run_missed_while_no_service_ran_is_caught_up_once(harness: ServiceHarness) -> None:
    async with harness.ready():
        pass
    await schedule(harness, EVERY_YEAR)
    three_years_ago = datetime.now(UTC) - timedelta(days=3 * 366)
    await harness.write(CONNECTORS_INDEX, CONNECTOR, {"last_sync_scheduled_at": three_years_ago.isoformat()})
    async with harness.serving():
        jobs = await until(lambda: scheduled_jobs(harness), lambda jobs: len(jobs) == 1)
        await harness.until_job(jobs[0]["id"], "completed", "error")
        await harness.until_job(await harness.create_job(), "completed", "error")
        assert len(await scheduled_jobs(harness)) == 1


async def test_a_first_run_that_fell_into_down_time_is_caught_up_like_later_ones(
    harness: ServiceHarness,
) -> None:
    async with harness.ready():
        pass
    await schedule(harness, EVERY_YEAR)
    three_years_ago = datetime.now(UTC) - timedelta(days=3 * 366)
    await harness.write(CONNECTORS_INDEX, CONNECTOR, {"last_seen": three_years_ago.isoformat()})
    async with harness.serving():
        jobs = await until(lambda: scheduled_jobs(harness), lambda jobs: len(jobs) == 1)
        await harness.until_job(jobs[0]["id"], "completed", "error")
        await harness.until_job(await harness.create_job(), "completed", "error")
        assert len(await scheduled_jobs(harness)) == 1


async def test_a_run_whose_stamper_died_before_creating_the_job_is_not_lost(harness: ServiceHarness) -> None:
    async with harness.ready():
        pass
    await schedule(harness, EVERY_YEAR)
    await harness.write(
        CONNECTORS_INDEX, CONNECTOR, {"last_sync_scheduled_at": datetime.now(UTC).isoformat()}
    )
    async with harness.serving():
        jobs = await until(lambda: scheduled_jobs(harness), lambda jobs: len(jobs) == 1)
        await harness.until_job(jobs[0]["id"], "completed", "error")
    async with harness.serving():
        await harness.until_job(await harness.create_job(), "completed", "error")
        assert len(await scheduled_jobs(harness)) == 1


async def test_a_run_that_was_stamped_but_whose_job_could_not_be_created_is_created_soon(
    harness: ServiceHarness,
) -> None:
    async with harness.ready():
        pass
    await schedule(harness, EVERY_YEAR)
    long_ago = datetime.now(UTC) - timedelta(days=3 * 366)
    await harness.write(CONNECTORS_INDEX, CONNECTOR, {"last_sync_scheduled_at": long_ago.isoformat()})
    refused = harness.server.faults.add(Reply(503), method="POST", path="/_connector/_sync_job", times=1)
    async with harness.serving():
        await refused.struck()
        jobs = await until(lambda: scheduled_jobs(harness), lambda jobs: len(jobs) == 1)
        await harness.until_job(jobs[0]["id"], "completed", "error")

    assert len(await scheduled_jobs(harness)) == 1


async def test_a_schedule_enabled_now_does_not_catch_up_what_it_was_not_enabled_for(
    harness: ServiceHarness,
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=3 * 366)
    async with harness.ready():
        await harness.write(CONNECTORS_INDEX, CONNECTOR, {"last_sync_scheduled_at": long_ago.isoformat()})
        await schedule(harness, EVERY_YEAR)
        await listed_twice(harness)
        await harness.until_job(await harness.create_job(), "completed", "error")

    assert await scheduled_jobs(harness) == []


async def test_an_expression_that_only_the_server_can_read_is_the_connectors_error(
    harness: ServiceHarness,
) -> None:
    async with harness.ready():
        broken = {"full": {"enabled": True, "interval": "every day"}}
        await harness.write(CONNECTORS_INDEX, CONNECTOR, {"scheduling": broken})
        connector = await harness.until_connector("error")
        await schedule(harness, EVERY_YEAR)
        await harness.until_connector("connected")

    assert "'every day'" in connector["error"]


async def test_schedules_of_types_the_source_lacks_create_nothing(harness: ServiceHarness) -> None:
    async with harness.ready():
        await schedule(harness, EVERY_SECOND, "incremental")
        await listed_twice(harness)
        assert await scheduled_jobs(harness) == []


async def test_an_incremental_schedule_creates_incremental_jobs_for_a_source_that_has_them(
    harness: ServiceHarness,
) -> None:
    source = source_over(harness.shelf, Features(incremental_sync=True))
    await harness.create_connector()
    async with harness.serving(sources={SERVICE_TYPE: source}):
        await harness.until_connector("needs_configuration")
        await harness.configure()
        await schedule(harness, EVERY_SECOND, "incremental")
        jobs = await until(lambda: scheduled_jobs(harness), lambda jobs: len(jobs) >= 1)
        connector = await harness.connector()

    assert {job["job_type"] for job in jobs} == {"incremental"}
    assert connector["last_incremental_sync_scheduled_at"]
    assert "last_sync_scheduled_at" not in connector


async def stamps(harness: ServiceHarness) -> int:
    """How many runs were stamped so far."""
    writes = harness.server.journal.requests(path=f"/{CONNECTORS_INDEX}/_update/{CONNECTOR}", status=200)
    return sum("last_sync_scheduled_at" in entry.json()["doc"] for entry in writes)


async def listed_twice(harness: ServiceHarness) -> None:
    """Wait until the service has looked at its connectors twice more, a second apart at least."""
    path = f"/{CONNECTORS_INDEX}/_search"
    mark = len(harness.server.journal.requests(path=path))
    await until(lambda: count(harness, path), lambda seen: seen >= mark + 15)


async def count(harness: ServiceHarness, path: str) -> int:
    return len(harness.server.journal.requests(path=path))
