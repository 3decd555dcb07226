"""How fast the server's log tells changes, and their rows are read: a server of its own, no Elasticsearch."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import psutil

from benchmarks.figures import Row
from benchmarks.tasks import DATABASE, MEBIBYTE
from sandbox.postgresql import Cluster
from sources.contract import Slice
from sources.feed import Feed, Moment
from sources.postgresql import PostgreSQL

STEADY_SECONDS = 20
STEADY_PER_SECOND = 1_000
LARGE_TRANSACTION = 1_000_000

_SETUP = """
CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, a text, b text);
INSERT INTO t SELECT g, 0, md5(g::text), repeat('x', 100) FROM generate_series(1, {rows}) g;
CREATE PUBLICATION elastic_ingest FOR TABLE t;
CREATE PROCEDURE change(first int, last int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN first..last LOOP
        UPDATE t SET n = n + 1 WHERE id = i;
        COMMIT;
    END LOOP;
END $$;
"""


@dataclass(frozen=True, slots=True)
class Followed:
    """An open feed, and what it is a feed of."""

    cluster: Cluster
    feed: Feed
    slice: Slice

    async def write(self, sql: str) -> None:
        """Run a statement in a session of its own."""
        await asyncio.to_thread(self.cluster.execute, sql, database=DATABASE)

    async def rows(self, moment: Moment) -> None:
        """Read the rows that a moment names."""
        if keys := moment.keys.get(self.slice.name):
            async with self.slice.snapshot() as snapshot, aclosing(snapshot.rows(keys)) as batches:
                async for _ in batches:
                    pass


def measured(changes: int) -> list[Row]:
    """Return the figures of each way to follow so many single-row transactions."""
    with Cluster(settings={"wal_level": "logical"}) as cluster:
        cluster.execute(f"CREATE DATABASE {DATABASE}")
        cluster.execute(_SETUP.format(rows=max(changes, STEADY_PER_SECOND)), database=DATABASE)
        return asyncio.run(_measured(cluster, changes))


async def _measured(cluster: Cluster, changes: int) -> list[Row]:
    rows = []
    for name, reads in (("told", False), ("told, rows read", True)):
        async with _following(cluster) as followed:
            rows.append(Row(name=name, figures=await _backlog(followed, changes, reads=reads)))
    async with _following(cluster) as followed:
        rows.append(Row(name=f"{STEADY_PER_SECOND:,}/s", figures=await _steady(followed)))
    async with _following(cluster) as followed:
        rows.append(Row(name="one large transaction", figures=await _large(followed)))
    return rows


@asynccontextmanager
async def _following(cluster: Cluster) -> AsyncIterator[Followed]:
    configuration = {
        "host": cluster.host, "port": cluster.port, "username": cluster.user, "password": cluster.password,
        "database": DATABASE, "schema": "public", "tables": "t",
    }  # fmt: skip
    async with PostgreSQL(configuration) as source:
        slices = await source.slices(None, 0)
        async with source.feed(slices) as feed:
            yield Followed(cluster, feed, slices[0])


async def _backlog(followed: Followed, changes: int, *, reads: bool) -> Mapping[str, float]:
    """Follow what is being written as fast as the server can."""
    began, cpu = time.perf_counter(), time.process_time()
    writing = asyncio.create_task(followed.write(f"CALL change(1, {changes})"))
    told = moments = 0
    while told < changes:
        moment = await followed.feed.moment(within=5)
        if reads:
            await followed.rows(moment)
        followed.feed.acknowledge(moment)
        told, moments = told + moment.changes, moments + 1
    await writing
    seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    return {"changes/s": told / seconds, "changes per CPU s": told / spent, "moments": moments}


async def _steady(followed: Followed) -> Mapping[str, float]:
    """Follow a steady load: how old the oldest change of each moment is when its rows have been read."""
    writing = asyncio.create_task(_write_steadily(followed))
    ages: list[float] = []
    while not writing.done():
        moment = await followed.feed.moment(within=1)
        await followed.rows(moment)
        followed.feed.acknowledge(moment)
        if moment.committed is not None:
            ages += [time.time() - moment.committed] * moment.changes
    await writing
    return {
        "changes/s": len(ages) / STEADY_SECONDS,
        **{f"p{share} ms": 1000 * _percentile(ages, share) for share in (50, 95, 99)},
    }


async def _write_steadily(followed: Followed) -> None:
    began = time.perf_counter()
    portions = STEADY_SECONDS * 10
    for number in range(portions):
        await followed.write(f"CALL change(1, {STEADY_PER_SECOND // 10})")
        await asyncio.sleep(max(0.0, began + (number + 1) / 10 - time.perf_counter()))


async def _large(followed: Followed) -> Mapping[str, float]:
    """Follow one transaction of many rows, whose slice may be doubted instead."""
    process = psutil.Process()
    before = process.memory_info().rss
    first = 10_000_000
    await followed.write(f"INSERT INTO t SELECT {first} + g FROM generate_series(1, {LARGE_TRANSACTION}) g")
    until, began, most = await followed.feed.now(), time.perf_counter(), before
    position = 0
    while position < until:
        moment = await followed.feed.moment(within=1)
        followed.feed.acknowledge(moment)
        position, most = moment.position, max(most, process.memory_info().rss)
    return {"seconds": time.perf_counter() - began, "grown MiB": (most - before) / MEBIBYTE}


def _percentile(values: Sequence[float], share: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]
