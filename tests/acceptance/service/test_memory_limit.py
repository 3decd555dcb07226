"""The real process under a limit of memory: what it needs does not grow with the tables."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.elasticsearch import Server
from sandbox.postgresql import Cluster
from tests.acceptance.installation import Installation, Running, installation
from tests.support.database import database_on

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "2"}
MEBIBYTE = 2**20
ADDRESS_SPACE = 340 * MEBIBYTE
"""The interpreter with its libraries takes 180 MiB of it, most of them never resident."""
LIMITED = """
import resource, sys

limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from ingest.__main__ import main

main()
"""
ROWS, ROW_BYTES = 14_000, 8_000


@pytest.fixture
async def installed(elasticsearch: Server, cluster: Cluster, tmp_path: Path) -> AsyncIterator[Installation]:
    """The service with a database, not yet started; requests have their usual size."""
    async with database_on(cluster) as database, installation(elasticsearch, database, tmp_path) as one:
        one.write_config(elasticsearch={"bulk": {}})
        yield one


async def start(installed: Installation) -> Running:
    """Start the service under the limit."""
    return await installed.start(("-c", LIMITED, str(ADDRESS_SPACE)), environment=ENVIRONMENT)


def peak_mebibytes(running: Running) -> float:
    """Return how much memory the process had resident at most."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def fill(installed: Installation, rows: int) -> None:
    """Make a table of rows with long texts."""
    await installed.database.execute(
        "CREATE TABLE long (id int PRIMARY KEY, text text);"
        f"INSERT INTO long SELECT n, repeat(md5(n::text), {ROW_BYTES // 32}) "
        f"FROM generate_series(1, {rows}) AS n"
    )


async def test_r09_l02_a_table_larger_than_the_memory_is_synced_within_150_mebibytes(
    installed: Installation,
) -> None:
    await fill(installed, ROWS)
    running = await start(installed)
    await installed.connect(tables="long")

    job = await installed.sync()

    assert (job["status"], job.get("error"), job["indexed_document_count"]) == ("completed", None, ROWS)
    assert peak_mebibytes(running) < 150
