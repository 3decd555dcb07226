"""Reads of a hot standby, whose replay cancels them where the primary removed what they still see."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from sandbox.postgresql import Cluster
from sources.contract import Slice
from sources.errors import SourceUnavailableError
from sources.postgresql import PostgreSQL
from tests.support.database import BRISK
from tests.support.postgresql import server
from tests.support.standby import caught_up, received, run, standby_of, until_answering, value

ROWS = 20_000
TABLE = (
    "CREATE TABLE t (id int PRIMARY KEY, a text);"
    f"INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, {ROWS}) i"
)
IMPATIENT = {"max_standby_streaming_delay": "0", "hot_standby_feedback": "off"}
CONFLICTS = "SELECT confl_snapshot FROM pg_stat_database_conflicts WHERE datname = 'postgres'"


async def rows_read(slice_: Slice, after_first: Callable[[], Awaitable[None]] | None = None) -> int:
    """Read a slice and count its rows; do something while it is being read."""
    rows = 0
    async with aclosing(slice_.batches()) as batches:
        async for batch in batches:
            rows += batch.count
            if after_first is not None:
                await after_first()
                after_first = None
    return rows


async def remove_what_is_seen(primary: Cluster, standby: Cluster) -> None:
    """Let the standby receive, and want to replay, that rows are gone for good which a read still sees."""
    await run(primary, "DELETE FROM t WHERE id % 2 = 0", "VACUUM t")
    await received(primary, standby)


async def test_p13_a_read_that_replay_cancels_is_transient_and_the_next_one_is_whole() -> None:
    with server() as primary:
        await run(primary, TABLE)
        with standby_of(primary, IMPATIENT) as standby:
            await until_answering(standby)
            await caught_up(primary, standby)
            source = PostgreSQL(
                {
                    "host": standby.host, "port": standby.port, "username": standby.user,
                    "password": standby.password, "database": "postgres", "schema": "public", "tables": "t",
                },
                BRISK,
            )  # fmt: skip
            async with source:
                (slice_,) = await source.slices(None, 0)
                with pytest.raises(SourceUnavailableError):
                    await rows_read(slice_, after_first=lambda: remove_what_is_seen(primary, standby))
                await caught_up(primary, standby)
                rows = await rows_read(slice_)

            assert await value(standby, CONFLICTS) >= 1
            assert rows == ROWS // 2
