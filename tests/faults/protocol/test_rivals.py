"""Several services compete for a job, a schema or a repair: exactly one succeeds."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from ingest.protocol import CONNECTORS_INDEX, JOBS_INDEX
from sandbox.elasticsearch.server.faults import Hold
from sandbox.elasticsearch.server.journal import Entry
from tests.support.service_harness import CONNECTOR, ServiceHarness, config_for, until


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
async def test_one_of_many_services_gets_a_job(
    harness: ServiceHarness, count: int, method: str, path: str
) -> None:
    """All reach the same step before any goes on."""
    async with harness.ready():
        pass
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(harness.serving())
        held = harness.server.faults.add(Hold(), method=method, path=path, when=is_of_a_job)
        job_id = await harness.create_job()
        await until(lambda: _number(held.strikes), lambda seen: seen >= count)
        held.release()
        job = await harness.until_job(job_id, "completed", "error")
        connector = await until(harness.connector, lambda one: one["last_sync_status"] != "in_progress")

    assert job["status"] == "completed"
    assert job["metadata"]["attempts"] == []
    assert harness.shelf.reads == 1
    assert (connector["status"], connector["last_sync_status"]) == ("connected", "completed")


@pytest.mark.parametrize("count", [2, 4])
async def test_two_jobs_of_a_connector_never_run_at_once(harness: ServiceHarness, count: int) -> None:
    """The connector says it is idle although a job runs, as after a repair that struck too early."""
    harness.shelf.gate = asyncio.Event()
    async with harness.ready(), AsyncExitStack() as stack:
        first = await harness.create_job()
        await harness.shelf.is_reading.wait()
        await harness.write(CONNECTORS_INDEX, CONNECTOR, {"last_sync_status": "completed"})
        for _ in range(count):
            await stack.enter_async_context(harness.serving())
        second = await harness.create_job()
        await until(lambda: harness.job(second), lambda one: one["status"] == "suspended")
        reads_before = harness.shelf.reads
        harness.shelf.gate.set()
        ended = [await harness.until_job(job_id, "completed", "error") for job_id in (first, second)]

    assert reads_before == 1
    assert [job["status"] for job in ended] == ["completed", "completed"]
    assert ended[0]["completed_at"] <= ended[1]["started_at"]


@pytest.mark.parametrize("count", [2, 4])
async def test_a_schema_is_registered_once_and_users_edits_are_kept(
    harness: ServiceHarness, count: int
) -> None:
    await harness.create_connector()
    held = harness.server.faults.add(Hold(), method="POST", path=f"/{CONNECTORS_INDEX}/_update/*")
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(harness.serving())
        await until(lambda: _number(held.strikes), lambda seen: seen >= count)
        await harness.ok("PUT", f"/_connector/{CONNECTOR}/_name", {"name": "edited meanwhile"})
        held.release()
        connector = await harness.until_connector("needs_configuration")

    accepted = harness.server.journal.requests(path=f"/{CONNECTORS_INDEX}/_update/*", status=200)
    assert len(accepted) == 1
    assert connector["name"] == "edited meanwhile"


@pytest.mark.parametrize("count", [2, 4])
async def test_an_idle_job_is_ended_by_one_service(harness: ServiceHarness, count: int) -> None:
    async with harness.ready():
        pass
    job_id = await harness.create_job()
    await harness.write(
        JOBS_INDEX,
        job_id,
        {
            "status": "in_progress",
            "worker_hostname": "dead",
            "last_seen": "2020-01-01T00:00:00.000Z",
            "metadata": {"lost_workers": 3},  # so it is not resumed once more
        },
    )
    held = harness.server.faults.add(Hold(), method="POST", path=f"/{JOBS_INDEX}/_update/*")
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(harness.serving(config_for(harness.server)))
        await until(lambda: _number(held.strikes), lambda seen: seen >= count)
        held.release()
        await harness.until_connector("error")

    writes = harness.server.journal.requests(path=f"/{JOBS_INDEX}/_update/*")
    outcomes = Counter(entry.status for entry in writes if is_of_a_service(entry))
    assert outcomes == {200: 1, 409: count - 1}


async def test_an_idle_job_that_reports_after_all_is_not_ended(harness: ServiceHarness) -> None:
    async with harness.ready():
        pass
    job_id = await harness.create_job()
    await harness.write(
        JOBS_INDEX,
        job_id,
        {"status": "in_progress", "worker_hostname": "slow", "last_seen": "2020-01-01T00:00:00.000Z"},
    )
    held = harness.server.faults.add(Hold(), method="POST", path=f"/{JOBS_INDEX}/_update/*")
    async with harness.serving():
        await held.struck()
        await harness.ok("PUT", f"/_connector/_sync_job/{job_id}/_check_in")
        held.release()
        await until(lambda: _conflicts(harness), lambda seen: seen == 1)

    assert (await harness.job(job_id))["status"] == "in_progress"


async def _conflicts(harness: ServiceHarness) -> int:
    return len(harness.server.journal.requests(path=f"/{JOBS_INDEX}/_update/*", status=409))


async def _number(number: int) -> int:
    return number
