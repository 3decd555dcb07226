"""Many replicas as real processes, killed and paused at random: every promise about jobs holds afterwards.

Limits are scaled down: fencing 1.2 s, idle 2.5 s. The history is checked offline from the server's journal.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.elasticsearch import Server
from tests.acceptance.service.replica import ROWS
from tests.support.history.events import Bulk, Event, StatusWritten, events_of
from tests.support.history.promises import Circumstances, problems
from tests.support.service_harness import ServiceHarness, until
from tests.support.shelf_source import ShelfSource

ROOT = Path(__file__).parents[3]
CONNECTORS = [f"connector-{number:02}" for number in range(50)]
PAUSE_SECONDS = 3.5
LIMITS: dict[str, Any] = {
    "idling_seconds": 2,
    "job_poll_interval_seconds": 0.2,
    "job_check_interval_seconds": 0.3,
    "job_report_interval_seconds": 0.2,
    "fencing_limit_seconds": 1.2,
    "idle_limit_seconds": 2.5,
    "job_cleanup_interval_seconds": 1,
    "shutdown_timeout_seconds": 4,
    "max_concurrent_content_syncs": 3,
}


class Replicas:
    """The processes, and what is done to them."""

    def __init__(self, url: str, logs: Path) -> None:
        self.logs = logs
        self.settings = json.dumps({"host": url, "connectors": CONNECTORS, "service": LIMITS})
        self.running: list[asyncio.subprocess.Process] = []
        self.kills = 0
        self.pauses = 0

    async def start(self) -> None:
        """Start one more."""
        log = self.logs / f"replica-{len(self.running) + self.kills}.log"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.acceptance.service.replica", self.settings),
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )
        self.running.append(process)

    async def kill_one(self) -> None:
        """End one without a warning and start another."""
        process = random.choice(self.running)
        self.running.remove(process)
        process.kill()
        await process.wait()
        self.kills += 1
        await self.start()

    async def pause_one(self) -> None:
        """Stop one for longer than its lease and let it go on."""
        process = random.choice(self.running)
        os.kill(process.pid, signal.SIGSTOP)
        self.pauses += 1
        try:
            await asyncio.sleep(PAUSE_SECONDS)
        finally:
            if process.returncode is None:
                os.kill(process.pid, signal.SIGCONT)

    async def stop(self) -> list[int]:
        """Ask all to stop and return their exit codes."""
        for process in self.running:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        return [await process.wait() for process in self.running]


@asynccontextmanager
async def replicas_of(server: Server, count: int, logs: Path) -> AsyncIterator[Replicas]:
    replicas = Replicas(server.url, logs)
    try:
        for _ in range(count):
            await replicas.start()
        yield replicas
    finally:
        for process in replicas.running:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def configure(harness: ServiceHarness) -> None:
    """Create the connectors, and fill in their configuration."""
    fields = {name: {**properties, "value": "shelf"} for name, properties in ShelfSource.fields.items()}
    for connector_id in CONNECTORS:
        await harness.create_connector(connector_id, f"index-{connector_id}")
        await harness.ok("PUT", f"/_connector/{connector_id}/_configuration", {"configuration": fields})


async def chaos(harness: ServiceHarness, replicas: Replicas, seconds: float) -> dict[str, str]:
    """Create jobs while replicas die and stall; return whose job each job is."""
    connector_of: dict[str, str] = {}
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    next_blow = loop.time() + 2
    async with asyncio.TaskGroup() as group:
        while loop.time() < end:
            connector_id = random.choice(CONNECTORS[: len(CONNECTORS) // 2])
            connector_of[await harness.create_job(connector_id)] = connector_id
            await asyncio.sleep(0.15)
            if loop.time() >= next_blow:
                next_blow += 1.2
                group.create_task(random.choice([replicas.kill_one, replicas.pause_one])())
    return connector_of


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("count", "seconds"), [(2, 3), (4, 4), (8, 5)])
async def test_every_job_runs_once_whoever_dies_or_stalls(
    elasticsearch: Server, count: int, seconds: float, tmp_path: Path
) -> None:
    async with aiohttp.ClientSession() as session, replicas_of(elasticsearch, count, tmp_path) as replicas:
        harness = ServiceHarness(elasticsearch, session)
        await configure(harness)
        for connector_id in CONNECTORS:
            await until_connected(harness, connector_id)
        connector_of = await chaos(harness, replicas, seconds)
        await until(lambda: unfinished(harness), lambda jobs: not jobs, within_seconds=60)
        await until(lambda: in_progress(harness), lambda connectors: not connectors, within_seconds=20)
        codes = await replicas.stop()
        circumstances = await circumstances_of(harness, connector_of)

    events = events_of(elasticsearch.journal)
    assert problems(without_stragglers(events), circumstances) == []
    # One that was just started may not have come to its signal handlers.
    assert set(codes) <= {0, -signal.SIGTERM}
    assert replicas.kills + replicas.pauses > 0
    assert any(isinstance(event, StatusWritten) and event.status == "completed" for event in events)


def without_stragglers(events: Sequence[Event]) -> list[Event]:
    """Leave out the one bulk request a worker may have had under way when it was paused.

    It had passed the last look at the lease, so nothing calls it back; that a second one follows would be a
    fault. A replica has one bulk request under way at a time.
    """
    kept: list[Event] = []
    holder: dict[str, str] = {}
    forgiven: set[tuple[str, str]] = set()
    for event in events:
        match event:
            case StatusWritten(status="in_progress"):
                holder[event.job] = event.worker
            case StatusWritten(status="canceling"):
                pass
            case StatusWritten():
                holder.pop(event.job, None)
            case Bulk() if (
                holder.get(event.job) != event.worker and (event.worker, event.job) not in forgiven
            ):
                forgiven.add((event.worker, event.job))
                continue
        kept.append(event)
    return kept


async def until_connected(harness: ServiceHarness, connector_id: str) -> None:
    """Wait for the first replica to get to a connector; on a busy machine a process starts slowly."""
    await until(
        lambda: harness.connector(connector_id), lambda one: one["status"] == "connected", within_seconds=60
    )


async def circumstances_of(harness: ServiceHarness, connector_of: dict[str, str]) -> Circumstances:
    """Return what the history is judged by: how jobs and connectors are in the end."""
    connectors = await harness.ok("GET", "/_connector", size="100")
    return Circumstances(
        connector_of=connector_of,
        living=frozenset(map(str, range(ROWS))),
        jobs={job["id"]: job for job in await jobs(harness)},
        connectors={one["id"]: one for one in connectors["results"]},
    )


async def jobs(harness: ServiceHarness) -> list[dict[str, Any]]:
    """Return all jobs."""
    return list((await harness.ok("GET", "/_connector/_sync_job", size="1000"))["results"])


async def unfinished(harness: ServiceHarness) -> list[str]:
    """Return the jobs that have not ended."""
    return [
        f"{job['id']} {job['status']} {job.get('worker_hostname')}"
        for job in await jobs(harness)
        if job["status"] not in ("completed", "error", "canceled")
    ]


async def in_progress(harness: ServiceHarness) -> list[str]:
    """Return the connectors that say they are syncing."""
    answer = await harness.ok("GET", "/_connector", size="100")
    return [one["id"] for one in answer["results"] if one.get("last_sync_status") == "in_progress"]
