"""Whatever happens to the tables, keys told and slices doubted cover it: the copy stays equal."""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from sources.feed import FeedLostError
from sources.postgresql.feed.log_feed import LogFeed
from tests.integration.changes.sessions import another
from tests.integration.feed.follower import Copy, Follower, opening, until
from tests.support.database import Database
from tests.support.sweeps import kept

TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE a (id int PRIMARY KEY, t text, m mood);
CREATE TABLE b (x text, y numeric, t text, PRIMARY KEY (y, x));
CREATE TABLE f (id int PRIMARY KEY, t text); ALTER TABLE f REPLICA IDENTITY FULL;
CREATE TABLE p (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);
CREATE TABLE p0 PARTITION OF p FOR VALUES FROM (0) TO (20);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (20) TO (100);
CREATE TABLE loose (t text, id int PRIMARY KEY);
"""

ROWS = """
INSERT INTO a SELECT n, 'a', 'ok' FROM generate_series(0, 50) n;
INSERT INTO b SELECT 'k' || n, n, 'b' FROM generate_series(0, 8) n;
INSERT INTO f SELECT n, 'f' FROM generate_series(0, 25) n;
INSERT INTO p SELECT n, 'p' FROM generate_series(0, 90) n;
"""

WRITES: list[Callable[[random.Random], str]] = [
    lambda r: f"INSERT INTO a VALUES ({r.randrange(60)}, '{r.random()}', 'ok')",
    lambda r: f"UPDATE a SET t = '{r.random()}' WHERE id % {r.randrange(1, 9)} = 0",
    lambda r: f"UPDATE a SET id = {r.randrange(60)} WHERE id = {r.randrange(60)}",
    lambda r: f"DELETE FROM a WHERE id = {r.randrange(60)}",
    lambda r: f"INSERT INTO b VALUES ('k{r.randrange(9)}', {r.randrange(9)}.{'0' * r.randrange(3)}0, 'x')",
    lambda r: f"UPDATE b SET x = x || 'z' WHERE y > {r.randrange(9)} AND length(x) < 9",
    lambda r: f"UPDATE b SET y = y * 1.0 WHERE y = {r.randrange(9)}",
    lambda r: f"DELETE FROM b WHERE y < {r.randrange(4)}",
    lambda r: f"INSERT INTO f SELECT g FROM generate_series({r.randrange(30)}, 35) g ON CONFLICT DO NOTHING",
    lambda r: f"UPDATE f SET id = id + 100, t = 'moved' WHERE id = {r.randrange(30)}",
    lambda r: f"DELETE FROM f WHERE id > {r.randrange(200)}",
    lambda r: f"INSERT INTO p VALUES ({r.randrange(100)}) ON CONFLICT (id) DO UPDATE SET t = '{r.random()}'",
    lambda r: f"UPDATE p SET id = {r.randrange(100)} WHERE id = {r.randrange(100)}",
    lambda r: f"DELETE FROM p WHERE id < {r.randrange(10)}",
    lambda r: f"INSERT INTO loose VALUES ('l', {r.randrange(100, 120)})",
]  # fmt: skip

STRUCTURE: list[Callable[[random.Random], str]] = [
    lambda r: f"TRUNCATE {r.choice(['a', 'b', 'f', 'p', 'p1'])}",
    lambda r: f"ALTER TABLE {r.choice('abfp')} ADD c{r.randrange(3)} int DEFAULT {r.randrange(9)}",
    lambda r: f"ALTER TABLE {r.choice('abfp')} DROP c{r.randrange(3)}",
    lambda r: "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'",
    lambda r: "ALTER TYPE mood RENAME VALUE 'fine' TO 'ok'",
    lambda r: "ALTER TABLE p DETACH PARTITION p1",
    lambda r: "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (20) TO (100)",
    lambda r: "ALTER TABLE p ATTACH PARTITION loose FOR VALUES FROM (100) TO (200)",
    lambda r: "VACUUM FULL a",
]  # fmt: skip

PUBLICATION: list[tuple[str, str]] = [
    ("DROP PUBLICATION chosen", "CREATE PUBLICATION chosen FOR TABLE a, b, f, p"),
    ("ALTER PUBLICATION chosen DROP TABLE a, f", "ALTER PUBLICATION chosen ADD TABLE a, f"),
    ("ALTER PUBLICATION chosen SET TABLE b, p", "ALTER PUBLICATION chosen SET TABLE a, b, f, p"),
    (
        "ALTER PUBLICATION chosen SET (publish = 'insert')",
        "ALTER PUBLICATION chosen SET (publish = 'insert, update, delete, truncate')",
    ),
]
"""What leaves rows out, and what puts them back."""


async def attempt(connection: Any, statement: str) -> None:
    """Run what may fail, as a random statement does."""
    try:
        await connection.execute(statement, timeout=30)
    except asyncpg.PostgresError:
        await connection.execute("ROLLBACK")


async def settled(follower: Follower) -> None:
    """Let the structure be looked at, as the feed does every few seconds, and follow until all is told."""
    assert isinstance(follower.feed, LogFeed)
    await follower.feed._watch.look(follower.feed)
    await follower.require_equal()


async def lost(follower: Follower) -> None:
    while True:
        await follower.feed.moment(within=1)


@pytest.mark.parametrize("seed", kept({0, 1}, of=range(4)))
async def test_the_copy_is_the_tables_after_any_workload(database: Database, seed: int) -> None:
    choose = random.Random(seed)
    await database.execute(TABLES)
    if seed % 2 and await database.value("SELECT current_setting('server_version_num')::int") >= 130000:
        await database.execute("ALTER PUBLICATION elastic_ingest SET (publish_via_partition_root = true)")
    async with another(database) as other, database.source(tables="a, b, f, p") as source:
        slices = await source.slices(None, 0)
        copy = Copy(slices)
        for _ in range(3):
            async with opening(source).feed(slices) as feed:
                follower = Follower(feed, copy)
                await copy.read_all()
                for _ in range(12):
                    for _ in range(choose.randrange(6)):
                        writes = [choose.choice(WRITES)(choose) for _ in range(choose.randrange(1, 4))]
                        end = choose.choice(["COMMIT", "COMMIT", "ROLLBACK", "PREPARE TRANSACTION 'p'"])
                        await attempt(other, "; ".join(["BEGIN", *writes, end]))
                        await attempt(other, choose.choice(["COMMIT", "ROLLBACK"]) + " PREPARED 'p'")
                    if choose.random() < 0.3:
                        await attempt(other, choose.choice(STRUCTURE)(choose))
                    if choose.random() < 0.5:
                        await follower.catch_up()
                await settled(follower)
                if choose.random() < 0.5:
                    await database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
                    with pytest.raises(FeedLostError):
                        await lost(follower)
            await until(database, "SELECT count(*) = 0 FROM pg_replication_slots")
            await attempt(other, choose.choice(WRITES)(choose))


@pytest.mark.parametrize("seed", range(4))
async def test_the_copy_is_the_tables_or_the_feed_is_lost_whatever_is_published(
    database: Database, seed: int
) -> None:
    choose = random.Random(seed)
    await database.execute(f"{TABLES} {ROWS} CREATE PUBLICATION chosen FOR TABLE a, b, f, p")
    source = database.source(tables="a, b, f, p", follow_publication="chosen")
    async with another(database) as other, source as opened:
        slices = await opened.slices(None, 0)
        with suppress(FeedLostError):
            async with opening(opened).feed(slices) as feed:
                follower = Follower(feed, Copy(slices))
                await follower.copy.read_all()
                for _ in range(choose.randrange(1, 5)):
                    left_out, put_back = choose.choice(PUBLICATION)
                    writes = [choose.choice(WRITES)(choose) for _ in range(8)]
                    for statement in [left_out, *writes, *choose.choice(([put_back], []))]:
                        await attempt(other, statement)
                await follower.require_equal()
