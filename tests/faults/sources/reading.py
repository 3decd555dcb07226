"""Read a table while something happens to it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

from sources.contract import Slice
from tests.support.database import Database, Known
from tests.support.service_harness import PATIENCE_SECONDS

ROWS = 20_000


TABLE = (
    "CREATE TABLE t (id int PRIMARY KEY, a text);"
    f"INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, {ROWS}) i"
)
"""20 MB: more than all buffers between server and reader hold, so that a read that waits is in the middle."""


async def slice_of(database: Database, rules: Any = None, **configuration: Any) -> Slice:
    (slice_,) = await database.source(**configuration).slices(rules, 0)
    return slice_


async def backends(database: Database) -> int:
    count: int = await database.value(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'elastic-ingest' AND datname = $1",
        database.name,
    )
    return count


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Poll a condition of which the server gives no notice."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def has_backend(database: Database) -> bool:
    return await backends(database) > 0


async def has_no_backend(database: Database) -> bool:
    return await backends(database) == 0


async def read_with(slice_: Slice, event: Callable[[], Any], *, known: Known | None = None) -> int:
    """Read, letting something happen after the first batch; return how many rows were read."""
    rows = 0
    async with aclosing(slice_.batches(known)) as batches:
        async for batch in batches:
            if rows == 0:
                await event()
            rows += batch.count + batch.unchanged
    return rows


READER: dict[str, Any] = {"username": "reader", "password": "x"}


RULE = [{"tables": ["t"], "query": "SELECT * FROM public.t"}]
