"""Every transition of a sync job, each driven by the real service through the embedded server.

from          to           who                            test
pending       in_progress  service claims                 test_pending_becomes_in_progress
pending       canceled     user cancels                   test_pending_becomes_canceled
in_progress   canceling    user cancels                   test_in_progress_becomes_canceling_and_canceled
in_progress   completed    sync returned                  test_in_progress_becomes_completed
in_progress   suspended    service stops                  test_in_progress_becomes_suspended
in_progress   error        sync failed                    test_in_progress_becomes_error
in_progress   suspended    worker died                    test_a_job_whose_worker_died_is_resumed
in_progress   error        too many workers died          test_a_job_that_lost_too_many_workers_becomes_error
suspended     in_progress  any service claims             test_suspended_becomes_in_progress_again
suspended     canceled     user cancels                   test_suspended_becomes_canceled
canceling     canceled     service saw it                 test_in_progress_becomes_canceling_and_canceled
canceling     canceled     worker died                    test_a_canceling_job_whose_worker_died_is_canceled
terminal      (none)       -                              test_a_terminal_job_stays_as_it_is
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from ingest.protocol import JOBS_INDEX
from sources.errors import SourceConfigurationError
from tests.support.service_harness import CONNECTOR, ServiceHarness, config_for, until


async def test_pending_becomes_in_progress(harness: ServiceHarness) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready():
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        job = await harness.job(job_id)
        connector = await harness.connector()
        harness.shelf.gate.set()

    assert job["status"] == "in_progress"
    assert job["worker_hostname"]
    assert job["created_at"] <= job["started_at"] <= job["last_seen"]
    assert (connector["status"], connector["last_sync_status"]) == ("connected", "in_progress")


async def test_pending_becomes_canceled(harness: ServiceHarness) -> None:
    await harness.create_connector()
    job_id = await harness.create_job()
    await harness.ok("PUT", f"/_connector/_sync_job/{job_id}/_cancel")
    async with harness.serving():
        await harness.until_connector("needs_configuration")
        await harness.configure()
        await harness.until_connector("connected")
        other = await harness.create_job()
        await harness.until_job(other, "completed")

    assert (await harness.job(job_id))["status"] == "canceled"
    assert harness.shelf.reads == 1


async def test_in_progress_becomes_canceling_and_canceled(harness: ServiceHarness) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready():
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        await harness.ok("PUT", f"/_connector/_sync_job/{job_id}/_cancel")
        assert (await harness.job(job_id))["status"] == "canceling"
        job = await harness.until_job(job_id, "canceled")
        connector = await until(harness.connector, lambda one: one["last_sync_status"] != "in_progress")

    assert job["canceled_at"] == job["completed_at"]
    assert job["error"] is None
    assert (connector["status"], connector["last_sync_status"], connector["error"]) == (
        "connected",
        "canceled",
        None,
    )


async def test_in_progress_becomes_completed(harness: ServiceHarness) -> None:
    async with harness.ready():
        job = await harness.until_job(await harness.create_job(), "completed", "error")
        connector = await until(harness.connector, lambda one: one["last_sync_status"] != "in_progress")

    assert (job["status"], job["error"]) == ("completed", None)
    assert (connector["status"], connector["last_sync_status"], connector["last_sync_error"]) == (
        "connected",
        "completed",
        None,
    )


async def test_in_progress_becomes_suspended(harness: ServiceHarness) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready() as service:
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        service.stop()
        job = await harness.until_job(job_id, "suspended")

    assert "completed_at" not in job
    connector = await harness.connector()
    assert (connector["status"], connector["last_sync_status"]) == ("connected", "suspended")


async def test_suspended_becomes_in_progress_again(harness: ServiceHarness) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready() as service:
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        service.stop()
        suspended = await harness.until_job(job_id, "suspended")
    harness.shelf.gate.set()

    async with harness.serving():
        job = await harness.until_job(job_id, "completed", "error")

    assert job["status"] == "completed"
    assert job["worker_hostname"] != suspended["worker_hostname"]
    assert [one["worker_hostname"] for one in job["metadata"]["attempts"]] == [suspended["worker_hostname"]]
    assert await harness.titles() == {"one", "two"}


async def test_suspended_becomes_canceled(harness: ServiceHarness) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready() as service:
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        service.stop()
        await harness.until_job(job_id, "suspended")
    await harness.ok("PUT", f"/_connector/_sync_job/{job_id}/_cancel")
    harness.shelf.gate.set()

    async with harness.serving():
        await harness.until_job(await harness.create_job(), "completed")

    assert (await harness.job(job_id))["status"] == "canceled"


async def test_in_progress_becomes_error(harness: ServiceHarness) -> None:
    harness.shelf.read_error = SourceConfigurationError(
        "The table public.album is gone; restore it or take it out."
    )
    async with harness.ready():
        job = await harness.until_job(await harness.create_job(), "completed", "error")
        connector = await harness.until_connector("error")

    assert job["status"] == "error"
    assert job["error"] == "The table public.album is gone; restore it or take it out."
    assert job["completed_at"] >= job["last_seen"]
    assert connector["error"] == connector["last_sync_error"] == job["error"]
    assert connector["last_sync_status"] == "error"


async def job_of_a_dead_worker(
    harness: ServiceHarness, status: str, *, job_type: str = "full", **members: Any
) -> str:
    """Leave a running job whose last report is years old."""
    async with harness.ready():
        pass
    job_id = await harness.create_job(job_type=job_type)
    long_ago = {"last_seen": "2020-01-01T00:00:00.000Z", "started_at": "2020-01-01T00:00:00.000Z"}
    left = {"status": status, "worker_hostname": "host:1:dead", **long_ago, **members}
    await harness.write(JOBS_INDEX, job_id, left)
    await harness.write(".elastic-connectors-v1", CONNECTOR, {"last_sync_status": "in_progress"})
    return job_id


@pytest.mark.parametrize("job_type", ["full", "incremental"])
async def test_a_job_whose_worker_died_is_resumed(harness: ServiceHarness, job_type: str) -> None:
    job_id = await job_of_a_dead_worker(harness, "in_progress", job_type=job_type)

    async with harness.serving():
        job = await harness.until_job(job_id, "completed", "error")
        connector = await until(harness.connector, lambda one: one["last_sync_status"] == "completed")

    assert (job["status"], job["metadata"]["lost_workers"]) == ("completed", 1)
    assert [one["worker_hostname"] for one in job["metadata"]["attempts"]] == ["host:1:dead"]
    assert connector["status"] == "connected"


async def test_a_job_that_lost_too_many_workers_becomes_error(harness: ServiceHarness) -> None:
    job_id = await job_of_a_dead_worker(harness, "in_progress", metadata={"lost_workers": 3})

    async with harness.serving():
        job = await harness.until_job(job_id, "completed", "error")
        connector = await harness.until_connector("error")

    assert "host:1:dead" in job["error"]
    assert "2020-01-01 00:00:00" in job["error"]
    assert "resumed 3 times" in job["error"]
    assert job["completed_at"] > job["last_seen"]
    assert (connector["last_sync_status"], connector["last_sync_error"]) == ("error", job["error"])


async def test_a_canceling_job_whose_worker_died_is_canceled(harness: ServiceHarness) -> None:
    job_id = await job_of_a_dead_worker(harness, "canceling")

    async with harness.serving():
        job = await harness.until_job(job_id, "completed", "error", "canceled")
        connector = await until(harness.connector, lambda one: one["last_sync_status"] == "canceled")

    assert (job["status"], job["error"]) == ("canceled", None)
    assert connector["status"] == "connected"


async def test_a_job_says_once_for_which_other_job_it_waits_and_how_long(harness: ServiceHarness) -> None:
    async with harness.ready():
        pass
    running, waiting = await harness.create_job(), await harness.create_job()
    now = datetime.now(UTC).isoformat()
    alive = {"status": "in_progress", "worker_hostname": "elsewhere:1:alive", "last_seen": now}
    await harness.write(JOBS_INDEX, running, alive)
    await harness.write(".elastic-connectors-v1", CONNECTOR, {"last_sync_status": "in_progress"})
    path = "/.elastic-connectors-v1/_doc/*"
    with structlog.testing.capture_logs() as lines:
        async with harness.serving():
            job = await until(
                lambda: harness.job(waiting), lambda one: "waits_for" in one.get("metadata", {})
            )
            mark = len(harness.server.journal.requests(path=path))
            await until(lambda: _requests(harness, path), lambda seen: seen >= mark + 2)
            await harness.write(JOBS_INDEX, running, {"status": "completed"})
            await harness.write(".elastic-connectors-v1", CONNECTOR, {"last_sync_status": "completed"})
            ended = await harness.until_job(waiting, "completed", "error")

    waits_for = job["metadata"]["waits_for"]
    assert (waits_for["sync_job_id"], waits_for["worker_hostname"]) == (running, "elsewhere:1:alive")
    assert waits_for["given_up_if_silent_until"] > waits_for["last_seen"]
    assert [line["for"]["sync_job_id"] for line in lines if line["event"] == "job.waits"] == [running]
    assert (ended["status"], ended["metadata"].get("waits_for")) == ("completed", None)


async def _requests(harness: ServiceHarness, path: str) -> int:
    return len(harness.server.journal.requests(path=path))


@pytest.mark.parametrize("status", ["completed", "error", "canceled"])
async def test_a_terminal_job_stays_as_it_is(harness: ServiceHarness, status: str) -> None:
    await harness.create_connector()
    job_id = await harness.create_job()
    await harness.write(JOBS_INDEX, job_id, {"status": status, "last_seen": "2020-01-01T00:00:00.000Z"})
    before = await harness.job(job_id)

    async with harness.serving(config_for(harness.server, job_cleanup_interval_seconds=1)):
        await harness.until_connector("needs_configuration")
        await harness.configure()
        await harness.until_job(await harness.create_job(), "completed")

    assert await harness.job(job_id) == before


async def test_a_full_and_an_incremental_job_never_run_together(harness: ServiceHarness) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready():
        full = await harness.create_job()
        await harness.until_job(full, "in_progress")
        incremental = await harness.create_job(job_type="incremental")
        await asyncio.sleep(1)
        waiting = await harness.job(incremental)
        harness.shelf.gate.set()
        ended = await harness.until_job(full, "completed", "error")
        after = await harness.until_job(incremental, "completed", "error")

    assert waiting["status"] == "pending"
    assert (ended["status"], after["status"]) == ("completed", "completed")
    assert after["started_at"] >= ended["completed_at"]
    assert after["metadata"]["compared_in_full"]


async def test_a_completed_job_leaves_its_cursor_and_no_other_takes_it_away(harness: ServiceHarness) -> None:
    async with harness.ready():
        await harness.until_job(await harness.create_job(), "completed")
        connector = await until(harness.connector, lambda one: one["last_sync_status"] == "completed")
        left = connector.get("sync_cursor", "never written")
        harness.shelf.read_error = SourceConfigurationError("It is gone.")
        await harness.until_job(await harness.create_job(), "error")
        connector = await until(harness.connector, lambda one: one["last_sync_status"] == "error")

    assert left is None  # a shelf has no positions
    assert connector["sync_cursor"] is None
