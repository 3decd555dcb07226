"""`elastic-ingest` is told to stop in the middle of something: it ends in time and loses nothing."""

import asyncio
import json
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.elasticsearch import Server
from sandbox.elasticsearch.server.faults import Action, Fault, Hold, Reply
from sandbox.elasticsearch.server.journal import Entry
from sandbox.postgresql import Cluster
from sources.postgresql import PostgreSQL
from tests.support.service_harness import CONNECTOR, ServiceHarness, until
from tests.support.service_process import service_process

STOP_SECONDS = 18.0
"""More than a shutdown_timeout of 2 seconds, less than a fencing_limit of 20, which also ends a worker."""


@pytest.fixture(scope="module")
def albums(cluster: Cluster) -> Cluster:
    """A database with one small table."""
    cluster.execute("CREATE DATABASE signals")
    cluster.execute(
        "CREATE TABLE album (id int PRIMARY KEY, title text);"
        "INSERT INTO album SELECT n, 'title ' || n FROM generate_series(1, 300) n",
        database="signals",
    )
    return cluster


@pytest.fixture
async def harness(elasticsearch: Server, albums: Cluster) -> AsyncIterator[ServiceHarness]:
    """A connector whose configuration is filled in."""
    values: dict[str, Any] = {
        "host": albums.host,
        "port": albums.port,
        "username": albums.user,
        "password": albums.password,
        "database": "signals",
        "schema": "public",
        "tables": "album",
        "ssl_enabled": False,
    }
    fields = {
        name: {**properties, "value": values.get(name, properties.get("value"))}
        for name, properties in PostgreSQL.fields.items()
    }
    async with aiohttp.ClientSession() as session:
        harness = ServiceHarness(elasticsearch, session)
        await harness.create_connector()
        await harness.ok("PUT", f"/_connector/{CONNECTOR}/_configuration", {"configuration": fields})
        yield harness


def config_text(url: str, **service: Any) -> str:
    settings: dict[str, Any] = {"idling": 1, "job_poll_interval": 0.1, "job_report_interval": 0.2, **service}
    return json.dumps(
        {
            "elasticsearch": {"host": url},
            "service": settings,
            "connectors": [{"connector_id": CONNECTOR, "service_type": "postgresql"}],
        }
    )


@asynccontextmanager
async def daemon(
    folder: Path, text: str, *, below: tuple[str, ...] = ()
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the service with this configuration, `below` another command."""
    (folder / "config.yml").write_text(text)
    async with service_process(folder, below=below) as process:
        yield process


def is_of_a_job(entry: Entry) -> bool:
    return entry.opaque_id is not None


async def stopped(process: asyncio.subprocess.Process, number: signal.Signals) -> int:
    """Send the signal; return the exit code."""
    process.send_signal(number)
    return await asyncio.wait_for(process.wait(), STOP_SECONDS)


MIDDLES: dict[str, tuple[Action, str]] = {
    "claiming": (Hold(), "/.elastic-connectors-v1/_update/*"),
    "writing": (Hold(), "/music/_bulk"),
    "waiting to write again": (Reply(503), "/music/_bulk"),
}


@pytest.mark.parametrize(
    ("middle", "number"),
    [
        ("writing", signal.SIGTERM),
        pytest.param("claiming", signal.SIGTERM, marks=pytest.mark.sweep),
        pytest.param("writing", signal.SIGINT, marks=pytest.mark.sweep),
        pytest.param("waiting to write again", signal.SIGTERM, marks=pytest.mark.sweep),
    ],
)
async def test_a_stop_in_the_middle_loses_nothing(
    harness: ServiceHarness, tmp_path: Path, middle: str, number: signal.Signals
) -> None:
    action, path = MIDDLES[middle]
    # A compare-and-set carried out after its worker has gone is repaired after a share of the idle limit.
    text = config_text(harness.server.url, idle_limit=30, fencing_limit=20, shutdown_timeout=2)
    async with daemon(tmp_path, text) as process:
        await harness.until_connector("connected")
        fault = harness.server.faults.add(action, path=path, when=is_of_a_job)
        job_id = await harness.create_job()
        await fault.struck()
        code = await stopped(process, number)
        job = await harness.job(job_id)
    harness.server.faults.clear()
    async with daemon(tmp_path, text) as process:
        resumed = await harness.until_job(job_id, "completed", "error")
        await stopped(process, number)

    assert code == 0
    assert job["status"] in ("suspended", "pending")
    assert (resumed["status"], resumed["error"], resumed["total_document_count"]) == ("completed", None, 300)


async def test_a_second_signal_ends_it_at_once(harness: ServiceHarness, tmp_path: Path) -> None:
    async with daemon(tmp_path, config_text(harness.server.url, shutdown_timeout=60)) as process:
        await harness.until_connector("connected")
        held = harness.server.faults.add(Hold(), when=is_of_a_job)
        await harness.create_job()
        await held.struck()
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        assert process.returncode is None
        code = await stopped(process, signal.SIGTERM)

    assert code == -signal.SIGTERM


async def test_it_can_be_stopped_while_it_waits(tmp_path: Path, elasticsearch: Server) -> None:
    elasticsearch.faults.add(Reply(503))
    async with daemon(tmp_path, config_text(elasticsearch.url)) as process:
        await elasticsearch.journal.wait_for(lambda entry: entry.status == 503)
        code = await stopped(process, signal.SIGTERM)

    assert code == 0


async def test_a_job_whose_worker_was_killed_is_resumed_at_once_by_the_next_one(
    harness: ServiceHarness, tmp_path: Path
) -> None:
    """The idle limit is the default of five minutes, which nobody waits for."""
    text = config_text(harness.server.url)
    async with daemon(tmp_path, text) as first:
        await harness.until_connector("connected")
        job_ids = [await killed_in_a_job(harness, first)]
    async with daemon(tmp_path, text) as second:
        resumed = [await harness.until_job(job_ids[0], "completed", "error")]
        await harness.ok("DELETE", "/music")
        job_ids.append(await killed_in_a_job(harness, second))
    async with daemon(tmp_path, text) as third:
        resumed.append(await harness.until_job(job_ids[1], "completed", "error"))
        await stopped(third, signal.SIGTERM)

    for job in resumed:
        assert (job["status"], job["error"], job["total_document_count"]) == ("completed", None, 300)
        assert job["metadata"]["lost_workers"] == 1
        assert len(job["metadata"]["attempts"]) == 1


async def killed_in_a_job(harness: ServiceHarness, process: asyncio.subprocess.Process) -> str:
    """Kill the service while a job writes; return the job's id."""
    held = harness.server.faults.add(Hold(), path="/music/_bulk")
    job_id = await harness.create_job()
    await held.struck()
    process.kill()
    await process.wait()
    harness.server.faults.clear()
    return job_id


CONTAINER = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child")
"""Process ids of its own, as a container has them."""


def has_containers() -> bool:
    """Whether this machine lets us make such process ids."""
    return (
        shutil.which("unshare") is not None
        and subprocess.run([*CONTAINER, "true"], check=False).returncode == 0
    )


@pytest.mark.skipif(not has_containers(), reason="needs unshare, and the right to use it")
async def test_a_new_container_with_the_lock_file_of_a_killed_one_resumes_its_job_at_once(
    harness: ServiceHarness, tmp_path: Path
) -> None:
    """The idle limit is the default of five minutes, which nobody waits for."""
    text = config_text(harness.server.url, lock_file=str(tmp_path / "lock"))
    async with daemon(tmp_path, text, below=CONTAINER) as process:
        await harness.until_connector("connected")
        job_id = await killed_in_a_job(harness, process)
    async with daemon(tmp_path, text, below=CONTAINER):
        job = await harness.until_job(job_id, "completed", "error")

    assert (job["status"], job["error"], job["metadata"]["lost_workers"]) == ("completed", None, 1)


@pytest.mark.sweep  # without processes: test_job_states.py
@pytest.mark.timeout(400)  # five processes, one after the other
async def test_a_job_that_kills_its_workers_is_given_up_after_three_resumptions(
    harness: ServiceHarness, tmp_path: Path
) -> None:
    text = config_text(harness.server.url)
    held = harness.server.faults.add(Hold(), path="/music/_bulk")
    job_id = None
    for workers in range(1, 5):
        async with daemon(tmp_path, text) as process:
            if job_id is None:
                await harness.until_connector("connected")
                job_id = await harness.create_job()
            await until(lambda: _strikes(held), lambda seen, wanted=workers: seen >= wanted)  # type: ignore[misc]
            process.kill()
            await process.wait()
    assert job_id is not None
    harness.server.faults.clear()
    async with daemon(tmp_path, text) as process:
        job = await harness.until_job(job_id, "completed", "error")
        again = await harness.until_job(await harness.create_job(), "completed", "error")
        await stopped(process, signal.SIGTERM)

    assert job["status"] == "error"
    assert "It was resumed 3 times." in job["error"]
    assert again["status"] == "completed"


async def _strikes(fault: Fault) -> int:
    return fault.strikes
