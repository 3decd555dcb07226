"""What people and other services do to a job or a connector while the service is busy with it."""

import asyncio
from typing import Any

import pytest

from ingest.protocol import CONNECTORS_INDEX, JOBS_INDEX
from ingest.service.process import Service
from sandbox.elasticsearch.server.faults import Hold
from sandbox.elasticsearch.server.journal import Entry
from sources.errors import SourceConfigurationError
from tests.support.service_harness import CONNECTOR, ServiceHarness, config_for, until

CANCEL_POINTS = {
    "before the compare and set": ("POST", f"/{CONNECTORS_INDEX}/_update/*"),
    "before the check in": ("PUT", "/_connector/_sync_job/*/_check_in"),
    "before the claim": ("POST", f"/{JOBS_INDEX}/_update/*"),
    "while looking for rivals": ("POST", f"/{JOBS_INDEX}/_search"),
    "during the first heartbeat": ("PUT", "/_connector/_sync_job/*/_stats"),
    "while creating the index": ("PUT", "/music"),
    "while writing": ("POST", "/music/_bulk"),
}


@pytest.mark.parametrize("point", CANCEL_POINTS)
async def test_a_cancel_is_honoured_wherever_the_job_is(harness: ServiceHarness, point: str) -> None:
    method, path = CANCEL_POINTS[point]
    async with harness.ready():

        def is_of_a_job(entry: Entry) -> bool:
            return bool(entry.opaque_id)

        held = harness.server.faults.add(Hold(), method=method, path=path, when=is_of_a_job, times=1)
        job_id = await harness.create_job()
        await held.struck()
        await harness.ok("PUT", f"/_connector/_sync_job/{job_id}/_cancel")
        held.release()
        job = await harness.until_job(job_id, "canceled", "completed", "error")
        connector = await until(harness.connector, lambda one: one.get("last_sync_status") != "in_progress")
        next_job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert (job["status"], job.get("error")) == ("canceled", None)
    assert job["completed_at"] == job["canceled_at"]
    assert connector["status"] == "connected"
    assert next_job["status"] == "completed"


async def test_no_document_is_deleted_after_a_cancel_was_seen(harness: ServiceHarness) -> None:
    async with harness.ready():
        await harness.until_job(await harness.create_job(), "completed")
        harness.shelf.rows = {"9": {"title": "nine"}}
        harness.shelf.gate = asyncio.Event()
        harness.shelf.is_reading.clear()
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        await harness.ok("PUT", f"/_connector/_sync_job/{job_id}/_cancel")
        await harness.until_job(job_id, "canceled")
        harness.shelf.gate.set()

    assert {"one", "two"} <= await harness.titles()


async def test_a_connector_deleted_mid_sync_stops_the_job_and_nothing_is_recreated(
    harness: ServiceHarness,
) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready():
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        await harness.ok("DELETE", f"/_connector/{CONNECTOR}", hard="true", delete_sync_jobs="true")
        await until(lambda: _running_jobs(harness), lambda running: running == 0)
        status, _ = await harness.request("GET", f"/_connector/{CONNECTOR}")
        job_status, _ = await harness.request("GET", f"/_connector/_sync_job/{job_id}")

    assert (status, job_status) == (404, 404)


async def test_j02_a_connector_alone_deleted_mid_sync_stops_its_job_and_can_be_created_anew(
    harness: ServiceHarness,
) -> None:
    harness.shelf.gate = asyncio.Event()
    config = config_for(harness.server, idle_limit_seconds=2.0, job_cleanup_interval_seconds=0.2)
    async with harness.ready(config):
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        await harness.ok("DELETE", f"/_connector/{CONNECTOR}", hard="true")
        left = await harness.job(job_id)
        await until(lambda: _running_jobs(harness), lambda running: running == 0)
        harness.shelf.gate.set()
        status, _ = await harness.request("GET", f"/_connector/{CONNECTOR}")
        written = harness.server.journal.requests(path="/music/_bulk")
        await harness.create_connector()
        await harness.until_connector("needs_configuration")
        await harness.configure()
        job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert left["status"] == "in_progress"
    assert (status, written) == (404, [])
    assert job["status"] == "completed"
    assert await harness.titles() == {"one", "two"}


async def test_a_job_deleted_mid_sync_is_dropped_and_the_next_one_runs(harness: ServiceHarness) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready(config_for(harness.server, idle_limit_seconds=2.0)):
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        await harness.ok("DELETE", f"/_connector/_sync_job/{job_id}")
        harness.shelf.gate = None
        job = await harness.until_job(await harness.create_job(), "completed", "error")
        status, _ = await harness.request("GET", f"/_connector/_sync_job/{job_id}")

    assert job["status"] == "completed"
    assert status == 404


@pytest.mark.parametrize("status", ["error", "canceled", "completed", "suspended"])
async def test_an_ending_somebody_else_wrote_is_not_overwritten(harness: ServiceHarness, status: str) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready() as service:
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        await harness.write(JOBS_INDEX, job_id, {"status": status, "error": "said somebody else"})
        if status == "suspended":
            service.stop()
        else:
            await until(lambda: _running_jobs(harness), lambda running: running == 0)

    job = await harness.job(job_id)
    assert (job["status"], job["error"]) == (status, "said somebody else")


@pytest.mark.parametrize("status", ["in_progress", "completed"])
@pytest.mark.parametrize("ending", ["completes", "fails", "is stopped"])
async def test_j05_a_job_taken_over_is_not_ended_by_the_old_worker(
    harness: ServiceHarness, status: str, ending: str
) -> None:
    theirs = {
        "worker_hostname": "another",
        "started_at": "2040-01-01T00:00:00.000Z",
        "indexed_document_count": 77,
        "status": status,
    }
    job = await _changed_meanwhile(harness, theirs, ending)

    assert {name: job[name] for name in theirs} == theirs
    assert job.get("error") is None


@pytest.mark.parametrize("status", ["error", "canceled", "completed"])
@pytest.mark.parametrize("ending", ["completes", "fails", "is stopped"])
async def test_the_counts_of_a_job_that_somebody_else_ended_are_kept(
    harness: ServiceHarness, status: str, ending: str
) -> None:
    """A worker that was paused, and whose job was ended as idle, has no notice of that when it is done."""
    theirs = {"indexed_document_count": 77, "last_seen": "2040-01-01T00:00:00.000Z", "status": status}
    job = await _changed_meanwhile(harness, theirs, ending)

    assert {name: job[name] for name in theirs} == theirs
    assert job.get("error") is None


async def _changed_meanwhile(harness: ServiceHarness, changes: dict[str, Any], ending: str) -> dict[str, Any]:
    """Change a job between two reports of its worker; return the job as it is in the end."""
    harness.shelf.gate = asyncio.Event()
    never = {"job_check_interval_seconds": 60.0, "job_report_interval_seconds": 60.0}
    async with harness.ready(config_for(harness.server, **never)) as service:
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        reports = f"/_connector/_sync_job/{job_id}/_stats"
        await until(lambda: _count(harness, reports), lambda seen: seen == 1)
        await harness.write(JOBS_INDEX, job_id, changes)
        if ending == "is stopped":
            service.stop()
        elif ending == "fails":
            harness.shelf.read_error = SourceConfigurationError("the old worker fails")
        harness.shelf.gate.set()
        await until(lambda: _held(service), lambda held: held == 0)
    return await harness.job(job_id)


async def test_a_job_keeps_the_configuration_it_was_created_with(harness: ServiceHarness) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready():
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        await harness.configure(host="elsewhere", password="edited")
        harness.shelf.gate.set()
        job = await harness.until_job(job_id, "completed", "error")
        connector = await harness.until_connector("connected")

    assert job["status"] == "completed"
    assert job["connector"]["configuration"]["host"]["value"] == "shelf"
    assert connector["configuration"]["host"]["value"] == "elsewhere"
    assert connector["configuration"]["password"]["value"] == "edited"


@pytest.mark.parametrize("job_type", ["access_control"])
async def test_a_job_of_an_unsupported_type_ends_in_error_once(
    harness: ServiceHarness, job_type: str
) -> None:
    async with harness.ready():
        job = await harness.until_job(await harness.create_job(job_type=job_type), "error")
        other = await harness.until_job(await harness.create_job(), "completed", "error")
        again = await harness.job(job["id"])
        connector = await harness.connector()

    assert job_type in job["error"]
    assert "'full'" in job["error"]
    assert again == job
    assert other["status"] == "completed"
    assert (connector["status"], connector["error"]) == ("connected", None)


@pytest.mark.parametrize(
    "members",
    [
        {"job_type": "sideways"},
        {"job_type": None},
        {"connector": {"service_type": "gramophone"}},
        {"connector": {"configuration": None}},
        {"connector": {"configuration": {"host": None, "port": "x", "password": []}}},
        {"connector": {"filtering": {"rules": [{"id": "1", "rule": "sounds_like"}]}}},
        {"connector": {"index_name": None}},
    ],
    ids=str,
)
async def test_a_broken_job_document_ends_in_error_with_a_reason(
    harness: ServiceHarness, members: Any
) -> None:
    async with harness.ready():
        pass
    broken = await harness.create_job()
    await harness.write(JOBS_INDEX, broken, members)
    async with harness.serving():
        job = await harness.until_job(broken, "error")
        other = await harness.until_job(await harness.create_job(), "completed", "error")

    assert job["error"]
    assert "Unexpected" not in job["error"]
    assert other["status"] == "completed"


async def test_a_pending_job_of_a_connector_that_is_gone_ends_in_error(harness: ServiceHarness) -> None:
    await harness.create_connector("gone", "some-index")
    orphan = await harness.create_job("gone")
    running = await harness.create_job("gone")
    fresh = await harness.create_job("gone")
    await harness.ok("DELETE", "/_connector/gone", hard="true")
    long_ago = "2020-01-01T00:00:00.000Z"
    await harness.write(JOBS_INDEX, orphan, {"last_seen": long_ago})
    await harness.write(JOBS_INDEX, running, {"last_seen": long_ago, "status": "in_progress"})
    async with harness.ready(config_for(harness.server, job_cleanup_interval_seconds=1)):
        ended = [await harness.until_job(job_id, "error") for job_id in (orphan, running)]

    assert all("'gone'" in job["error"] for job in ended)
    assert (await harness.job(fresh))["status"] == "pending"


async def test_a_job_of_a_connector_other_services_serve_is_no_orphan(harness: ServiceHarness) -> None:
    await harness.create_connector("theirs", "some-index")
    theirs = await harness.create_job("theirs")
    await harness.write(
        JOBS_INDEX, theirs, {"last_seen": "2020-01-01T00:00:00.000Z", "status": "in_progress"}
    )
    async with harness.ready(config_for(harness.server, job_cleanup_interval_seconds=1)):
        searches = len(harness.server.journal.requests(path=f"/{CONNECTORS_INDEX}/_doc/theirs"))
        await until(lambda: _count(harness, f"/{CONNECTORS_INDEX}/_doc/theirs"), lambda seen: seen > searches)

    assert (await harness.job(theirs))["status"] == "in_progress"


async def _running_jobs(harness: ServiceHarness) -> int:
    """How many workers still report on a job, going by the last half second of the journal."""
    clock = harness.server.state.clock
    since = clock.elapsed_seconds() - 0.5
    entries = harness.server.journal.requests(path="/_connector/_sync_job/*")
    return sum(entry.began_monotonic > since and entry.opaque_id is not None for entry in entries)


async def _held(service: Service) -> int:
    return len(service.queue.running)


async def _count(harness: ServiceHarness, path: str) -> int:
    return len(harness.server.journal.requests(path=path))
