"""A worker that dies before any one of its requests for a job: nothing is lost but time.

Every crash has an Elasticsearch of its own; several run at once, because most of their time they wait for
the idle limit.
"""

import asyncio
import fnmatch

import aiohttp
import pytest

from ingest.protocol import CONNECTORS_INDEX, JOBS_INDEX
from sandbox.elasticsearch import Server, serve
from sandbox.elasticsearch.server.faults import Reset
from sandbox.elasticsearch.server.journal import Entry
from tests.support.service_harness import PATIENCE_SECONDS, ServiceHarness, config_for, until
from tests.support.sweeps import part_of, parts

LIMITS = {
    "fencing_limit_seconds": 1.6,
    "idle_limit_seconds": 2.0,
    "job_cleanup_interval_seconds": 0.3,
    "shutdown_timeout_seconds": 0.0,
}
CONNECTOR_READ, CONNECTOR_WRITE = f"GET /{CONNECTORS_INDEX}/_doc/*", f"POST /{CONNECTORS_INDEX}/_update/*"
JOB_READ, JOB_WRITE = f"GET /{JOBS_INDEX}/_doc/*", f"POST /{JOBS_INDEX}/_update/*"
REQUESTS = [
    (CONNECTOR_READ, 1),
    (CONNECTOR_WRITE, 1),  # between here and the claim the connector is in progress and no job is
    ("PUT /_connector/_sync_job/*/_check_in", 1),
    (JOB_READ, 1),
    (JOB_WRITE, 1),
    (JOB_READ, 2),
    (f"POST /{JOBS_INDEX}/_search", 1),
    ("PUT /_connector/_sync_job/*/_stats", 1),
    ("GET /music", 1),
    ("PUT /music", 1),
    ("POST /music/_bulk", 1),
    ("POST /music/_refresh", 1),
    (JOB_WRITE, 2),
    (CONNECTOR_WRITE, 2),  # here the job has ended and the connector does not know
]
"""Before which request of a job the worker dies: its kind, and which one of that kind."""
PARTS = 3


class Crash:
    """Cuts a service off from Elasticsearch at a request for a job, for good."""

    def __init__(self, server: Server, kind: str, nth: int) -> None:
        self.kind = kind
        self.left = nth
        self.struck = asyncio.Event()
        server.faults.add(Reset(), when=self.strikes)

    def strikes(self, entry: Entry) -> bool:
        """Whether this request is not answered."""
        if not entry.headers.get("User-Agent", "").startswith("elastic-ingest"):
            return False
        if entry.opaque_id is not None and fnmatch.fnmatchcase(f"{entry.method} {entry.path}", self.kind):
            self.left -= 1
            if self.left == 0:
                self.struck.set()
        return self.struck.is_set()


async def die_and_recover(kind: str, nth: int) -> None:
    """Let a worker die, and another come."""
    async with serve() as server, aiohttp.ClientSession() as session:
        harness = ServiceHarness(server, session)
        async with harness.ready(config_for(server, **LIMITS)):
            crash = Crash(server, kind, nth)
            job_id = await harness.create_job()
            await asyncio.wait_for(crash.struck.wait(), PATIENCE_SECONDS)
        server.faults.clear()
        async with harness.serving(config_for(server, **{**LIMITS, "shutdown_timeout_seconds": 5.0})):
            job = await harness.until_job(job_id, "completed", "error")
            await until(harness.connector, lambda one: one["last_sync_status"] != "in_progress")
        async with harness.serving():  # with limits that a busy machine does not reach
            harness.shelf.rows = {"2": {"title": "two"}, "3": {"title": "three"}}
            clean = await harness.until_job(await harness.create_job(), "completed", "error")
            connector = await until(harness.connector, lambda one: one["last_sync_status"] == "completed")

        if job["status"] == "error":
            assert "No report since" in job["error"], kind
        assert (clean["status"], clean["error"]) == ("completed", None), kind
        assert connector["status"] == "connected", kind
        assert await harness.titles() == {"two", "three"}, kind


@pytest.mark.parametrize("part", parts(PARTS))
async def test_a_worker_that_dies_anywhere_leaves_nothing_that_stays_broken(part: int) -> None:
    at_once = asyncio.Semaphore(5)

    async def in_turn(kind: str, nth: int) -> None:
        async with at_once:
            await die_and_recover(kind, nth)

    async with asyncio.TaskGroup() as group:
        for number in part_of(range(len(REQUESTS)), part + 1, PARTS):
            group.create_task(in_turn(*REQUESTS[number]))
