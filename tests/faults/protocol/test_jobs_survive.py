"""Whatever happens to a request of the protocol, the job it belongs to ends as it should.

unavailable   429, 500, 502, 503, a proxy's page, a cut or lost answer, at each call site in turn
lost answer   the server did it, nobody heard: the retry reads back what it finds
"""

import asyncio

import pytest

from ingest.protocol import CONNECTORS_INDEX, JOBS_INDEX
from sandbox.elasticsearch.server.faults import Action, Drop, Hold, Reply
from tests.support.service_harness import ServiceHarness, until
from tests.support.shelf_source import WRONG_PASSWORD
from tests.support.sweeps import sampled

PROXY_PAGE = Reply(502, "<html>Bad Gateway</html>", {"Content-Type": "text/html", "X-elastic-product": None})
BAD_ANSWERS: list[Action] = [Reply(503), PROXY_PAGE, Drop()]

SITES = {
    "read connector": ("GET", f"/{CONNECTORS_INDEX}/_doc/*"),
    "compare and set": ("POST", f"/{CONNECTORS_INDEX}/_update/*"),
    "check in": ("PUT", "/_connector/_sync_job/*/_check_in"),
    "read job": ("GET", f"/{JOBS_INDEX}/_doc/*"),
    "claim or end": ("POST", f"/{JOBS_INDEX}/_update/*"),
    "search": ("POST", f"/{JOBS_INDEX}/_search"),
    "heartbeat": ("PUT", "/_connector/_sync_job/*/_stats"),
}


@pytest.mark.parametrize(("site", "action"), sampled(SITES, BAD_ANSWERS, every=3), ids=str)
async def test_a_bad_answer_costs_time_and_nothing_else(
    harness: ServiceHarness, site: str, action: Action
) -> None:
    method, path = SITES[site]
    async with harness.ready():
        fault = harness.server.faults.add(action, method=method, path=path, times=1)
        job = await harness.until_job(await harness.create_job(), "completed", "error")
        connector = await until(harness.connector, lambda one: one["last_sync_status"] == "completed")

    assert fault.strikes == 1
    assert (job["status"], job["error"], job["indexed_document_count"]) == ("completed", None, 2)
    assert (connector["status"], connector["last_sync_status"]) == ("connected", "completed")


BESIDE_A_JOB = {
    "heartbeat": SITES["heartbeat"],
    "is the job ours?": SITES["read job"],
    "is the connector there?": SITES["read connector"],
}


@pytest.mark.parametrize("action", [Reply(503), Reply(200, {})], ids=str)
@pytest.mark.parametrize("site", BESIDE_A_JOB)
async def test_what_is_asked_beside_a_running_job_may_be_answered_badly(
    harness: ServiceHarness, site: str, action: Action
) -> None:
    method, path = BESIDE_A_JOB[site]
    harness.shelf.gate = asyncio.Event()
    async with harness.ready():
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        fault = harness.server.faults.add(action, method=method, path=path, times=2)
        await until(lambda: _strikes(fault.strikes), lambda seen: seen == 2)
        harness.shelf.gate.set()
        job = await harness.until_job(job_id, "completed", "error")

    assert (job["status"], job["error"], job["indexed_document_count"]) == ("completed", None, 2)


WRITES = {
    "connector: start of sync": (f"/{CONNECTORS_INDEX}/_update/*", 1),
    "connector: end of sync": (f"/{CONNECTORS_INDEX}/_update/*", 2),
    "job: check in": ("/_connector/_sync_job/*/_check_in", 1),
    "job: claim": (f"/{JOBS_INDEX}/_update/*", 1),
    "job: end": (f"/{JOBS_INDEX}/_update/*", 2),
    "job: first stats": ("/_connector/_sync_job/*/_stats", 1),
}


@pytest.mark.parametrize("write", WRITES)
async def test_a_lost_answer_to_a_write_changes_nothing(harness: ServiceHarness, write: str) -> None:
    path, nth = WRITES[write]
    async with harness.ready():
        fault = harness.server.faults.add(Drop(), path=path, nth=nth, applied=True)
        job = await harness.until_job(await harness.create_job(), "completed", "error")
        connector = await until(harness.connector, lambda one: one["last_sync_status"] == "completed")

    assert fault.strikes == 1
    assert (job["status"], job["error"]) == ("completed", None)
    assert (connector["status"], connector["error"]) == ("connected", None)
    assert harness.shelf.reads == 1


async def test_ten_lost_heartbeats_in_a_row_do_not_end_a_job(harness: ServiceHarness) -> None:
    harness.shelf.gate = asyncio.Event()
    async with harness.ready():
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        fault = harness.server.faults.add(Reply(400), path="*/_stats", times=10)
        await until(lambda: _strikes(fault.strikes), lambda seen: seen == 10)
        assert (await harness.job(job_id))["status"] == "in_progress"
        harness.shelf.gate.set()
        job = await harness.until_job(job_id, "completed", "error")

    assert job["status"] == "completed"


async def test_heartbeats_go_on_while_every_bulk_is_held(harness: ServiceHarness) -> None:
    async with harness.ready():
        held = harness.server.faults.add(Hold(), path="*/_bulk")
        job_id = await harness.create_job()
        await held.struck()
        before = _heartbeats(harness)
        await until(lambda: _strikes(_heartbeats(harness)), lambda seen: seen >= before + 5)
        held.release()
        job = await harness.until_job(job_id, "completed", "error")

    assert (job["status"], job["indexed_document_count"]) == ("completed", 2)


async def test_a_secret_in_a_source_s_message_does_not_reach_the_job(harness: ServiceHarness) -> None:
    async with harness.ready():
        await harness.configure(password=WRONG_PASSWORD)
        job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert "check Password" in job["error"]
    assert WRONG_PASSWORD not in job["error"]


async def test_a_mistake_of_ours_ends_the_job_and_not_the_service(harness: ServiceHarness) -> None:
    harness.shelf.read_error = ZeroDivisionError("a row of nobody's business")
    async with harness.ready():
        job = await harness.until_job(await harness.create_job(), "completed", "error")
        harness.shelf.read_error = None
        again = await harness.until_job(await harness.create_job(), "completed", "error")

    assert "Unexpected ZeroDivisionError" in job["error"]
    assert "nobody's business" not in job["error"]
    assert again["status"] == "completed"


def _heartbeats(harness: ServiceHarness) -> int:
    return len(harness.server.journal.requests(path="/_connector/_sync_job/*", method="PUT", status=200))


async def _strikes(number: int) -> int:
    return number
