"""A server and a standby that replays what it does; each is asked over a connection of the moment."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg

from sandbox.postgresql import Cluster
from tests.support.postgresql import server


@asynccontextmanager
async def connected(cluster: Cluster) -> AsyncIterator[Any]:
    """Connect to the database `postgres`."""
    connection = await asyncpg.connect(
        host=cluster.host, port=cluster.port, user=cluster.user, password=cluster.password,
        database="postgres",
    )  # fmt: skip
    try:
        yield connection
    finally:
        await connection.close()


async def run(cluster: Cluster, *scripts: str) -> None:
    """Run scripts, one after the other."""
    async with connected(cluster) as connection:
        for script in scripts:
            await connection.execute(script)


async def value(cluster: Cluster, query: str) -> Any:
    """Return the first value of a query."""
    async with connected(cluster) as connection:
        return await connection.fetchval(query)


async def until_answering(cluster: Cluster) -> None:
    """Wait until a server that starts or recovers takes connections."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await run(cluster, "SELECT 1")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.1)


@contextmanager
def standby_of(primary: Cluster, settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """Copy a stopped primary's files, and start the copy as a standby that replays what the primary does."""
    standby = server(
        primary.version,
        {
            "hot_standby": "on",
            "primary_conninfo": f"host={primary.host} port={primary.port} user={primary.user} "
            f"password={primary.password}",
            **(settings or {}),
        },
    )
    standby.password = primary.password
    primary.stop()
    with standby:
        standby.stop()
        shutil.rmtree(standby.data_folder)
        subprocess.run(["cp", "-a", str(primary.data_folder), str(standby.data_folder)], check=True)
        (standby.data_folder / "standby.signal").touch()
        primary.start()
        standby.start()
        yield standby


async def caught_up(primary: Cluster, standby: Cluster) -> None:
    """Wait until the standby shows what the primary has written."""
    await _until_at(primary, standby, "pg_last_wal_replay_lsn()")


async def received(primary: Cluster, standby: Cluster) -> None:
    """Wait until the standby has what the primary has written, whether or not it shows it yet."""
    await _until_at(primary, standby, "pg_last_wal_receive_lsn()")


async def _until_at(primary: Cluster, standby: Cluster, position: str) -> None:
    there = await value(primary, "SELECT pg_current_wal_insert_lsn()::text")
    async with asyncio.timeout(60):
        while not await value(standby, f"SELECT {position} >= '{there}'::pg_lsn"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
