"""A worker that dies before its k-th request, for every k of a short job: nothing is lost but time.

Every k has an Elasticsearch of its own; several run at once, because most of their time they wait for the
idle limit.
"""

import asyncio

import aiohttp

from ingest.protocol import CONNECTORS_INDEX, JOBS_INDEX
from sandbox.elasticsearch import Server, serve
from sandbox.elasticsearch.faults import Reset
from sandbox.elasticsearch.journal import Entry
from tests.integration.service.world import CONNECTOR, World, config_for, until

REQUESTS_OF_A_JOB = 30
LIMITS = {
    "fencing_limit_seconds": 0.8,
    "idle_limit_seconds": 1.0,
    "job_cleanup_interval_seconds": 0.3,
    "shutdown_timeout_seconds": 0.0,
}


class Crash:
    """Cuts a service off from Elasticsearch at its k-th request for a job, for good."""

    def __init__(self, server: Server, k: int) -> None:
        self.k = k
        self.seen = 0
        self.at = ""
        self.struck = asyncio.Event()
        self.fault = server.faults.add(Reset(), when=self.strikes)

    def strikes(self, entry: Entry) -> bool:
        """Whether this request is not answered."""
        if not entry.headers.get("User-Agent", "").startswith("elastic-ingest"):
            return False
        if entry.opaque_id is not None:
            self.seen += 1
        if self.seen >= self.k and not self.struck.is_set():
            self.at = entry.path
            self.struck.set()
        return self.struck.is_set()


async def die_and_recover(k: int) -> tuple[str, str]:
    """Let a worker die at its k-th request and another come; return how the job ended and where it died."""
    async with serve() as server, aiohttp.ClientSession() as session:
        world = World(server, session)
        config = config_for(server, **LIMITS)
        async with world.ready(config):
            crash = Crash(server, k)
            job_id = await world.create_job()
            dying = asyncio.ensure_future(crash.struck.wait())
            done = asyncio.ensure_future(world.until_job(job_id, "completed"))
            await asyncio.wait({dying, done}, return_when=asyncio.FIRST_COMPLETED)
            dying.cancel()
            done.cancel()
            crash.struck.set()
        server.faults.clear()
        async with world.serving(config_for(server, **{**LIMITS, "shutdown_timeout_seconds": 5.0})):
            job = await world.until_job(job_id, "completed", "error", "canceled")
            world.shelf.rows = {"2": {"title": "two"}, "3": {"title": "three"}}
            clean = await world.until_job(await world.create_job(), "completed", "error")
            assert clean["status"] == "completed", (k, clean["error"])
            connector = await until(world.connector, lambda one: one["last_sync_status"] == "completed")
            assert connector["status"] == "connected", k
            assert await world.titles() == {"two", "three"}, k
        return str(job["status"]), crash.at.replace(job_id, "<job>")


async def test_a_worker_that_dies_anywhere_leaves_nothing_that_stays_broken() -> None:
    at_once = asyncio.Semaphore(6)

    async def in_turn(k: int) -> tuple[str, str]:
        async with at_once:
            return await die_and_recover(k)

    endings = await asyncio.gather(*map(in_turn, range(1, REQUESTS_OF_A_JOB + 1)))

    assert {status for status, _ in endings} == {"completed", "error"}
    assert {where for _, where in endings} >= {
        f"/{CONNECTORS_INDEX}/_doc/{CONNECTOR}",
        f"/{CONNECTORS_INDEX}/_update/{CONNECTOR}",
        "/_connector/_sync_job/<job>/_check_in",
        f"/{JOBS_INDEX}/_doc/<job>",
        f"/{JOBS_INDEX}/_update/<job>",
        f"/{JOBS_INDEX}/_search",
        "/_connector/_sync_job/<job>/_stats",
        "/music",
        "/music/_bulk",
    }
