"""Sync after sync with a fault in each, in one process: it holds in the end what it held after the first few.

SOAK_SYNCS=20000 .venv/bin/pytest -m slow tests/acceptance/service/test_soak.py      a night of it
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import psutil
import pytest

from sandbox.elasticsearch import Server
from sandbox.elasticsearch.server.faults import Action, Drop, FailItems, Hold, Reply, Reset, Truncate
from sandbox.postgresql import Cluster
from tests.acceptance.installation import Installation, Running, installation
from tests.support.database import database_on
from tests.support.service_harness import until

SYNCS = int(os.environ.get("SOAK_SYNCS", "40"))
WARM_UP = 15
MEBIBYTE = 2**20
MOST_GROWTH_BYTES = 6 * MEBIBYTE
END_BACKENDS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name = 'elastic-ingest'"
)
BACKENDS = END_BACKENDS.replace("pg_terminate_backend(pid)", "*")
FAULTS: list[tuple[Action, bool]] = [
    (Reply(503), False),
    (Reply(429), True),
    (Reset(), False),
    (Drop(), True),
    (FailItems(429), True),
    (Truncate(10), True),
    (Reply(403), False),
    (Hold(), False),
]
"""Each with whether the request is carried out all the same. While one is held the database ends its
connections."""


@dataclass(frozen=True, slots=True)
class Census:
    """What a process holds while it has nothing to do."""

    descriptors: int
    threads: int
    resident_bytes: int


def census(running: Running) -> Census:
    """Count it."""
    process = psutil.Process(running.process.pid)
    with process.oneshot():
        return Census(process.num_fds(), process.num_threads(), process.memory_info().rss)


@pytest.fixture
async def installed(elasticsearch: Server, cluster: Cluster, tmp_path: Path) -> AsyncIterator[Installation]:
    """The service with a database, not yet started."""
    async with database_on(cluster) as database, installation(elasticsearch, database, tmp_path) as one:
        yield one


async def play(installed: Installation, action: Action, *, applied: bool) -> int:
    """Change rows and sync with one broken bulk request; return how many connections the database ended."""
    await installed.change()
    ended = 0
    fault = installed.server.faults.add(action, path="*/_bulk", nth=1, applied=applied)
    job_id = await installed.create_job()
    if isinstance(action, Hold):
        await fault.struck()
        ended = int(await installed.database.value(END_BACKENDS))
        fault.release()
    job = await installed.end_of(job_id)
    installed.server.faults.remove(fault)
    assert fault.strikes == 1, action
    assert job["status"] == ("error" if action == Reply(403) else "completed"), job
    await until(lambda: installed.database.value(BACKENDS), lambda backends: backends == 0)
    installed.server.journal.clear()
    installed.job_ids.clear()
    return ended


@pytest.mark.slow
@pytest.mark.timeout(0)
async def test_l05_after_many_syncs_with_faults_the_process_holds_what_it_held_before(
    installed: Installation,
) -> None:
    running = await installed.set_up()
    ended = 0
    for action, applied in islice(cycle(FAULTS), WARM_UP):
        await play(installed, action, applied=applied)
    before = census(running)
    for action, applied in islice(cycle(FAULTS), SYNCS):
        ended += await play(installed, action, applied=applied)
    after = census(running)
    clean = await installed.sync()

    assert clean["status"] == "completed"
    assert await installed.titles() == await installed.expected_titles()
    assert ended > 0
    assert after.descriptors <= before.descriptors + 1
    assert after.threads <= before.threads
    assert after.resident_bytes <= before.resident_bytes + MOST_GROWTH_BYTES
