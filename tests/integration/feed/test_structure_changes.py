"""What no row tells: TRUNCATE, DDL, publications and identities that change while a feed is open."""

import pytest

from sources.feed import FeedLostError
from sources.postgresql.feed.log_feed import Times
from tests.integration.feed.follower import Follower, following
from tests.support.database import Database

NEVER_BY_ITSELF = Times(report_seconds=0.5, watch_seconds=3600)


async def doubted(follower: Follower) -> dict[str, str]:
    """Wait for the first moment that doubts something."""
    while True:
        moment = await follower.feed.moment(within=5)
        await follower.copy.apply(moment)
        follower.feed.acknowledge(moment)
        if moment.doubted:
            return dict(moment.doubted)


async def test_truncate_is_told_in_its_transaction(database: Database) -> None:
    await database.execute(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY REFERENCES a)"
    )
    await database.execute("INSERT INTO a VALUES (1), (2); INSERT INTO b VALUES (1)")
    async with following(database) as follower:
        await database.execute("TRUNCATE a CASCADE; INSERT INTO a VALUES (3)")
        assert set((await follower.moment()).doubted) == {"public.a", "public.b"}
        await follower.require_equal()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE a ADD d int DEFAULT 7",
        "ALTER TABLE a DROP t",
        "ALTER TABLE a RENAME t TO u",
        "ALTER TABLE a ALTER t TYPE varchar(5)",
        "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'",
        "ALTER TYPE pair ADD ATTRIBUTE c int",
        "ALTER TABLE p DETACH PARTITION p1",
        "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20)",
        "DROP TABLE p1",
        "TRUNCATE p1",
    ],
)
async def test_what_changes_without_a_row_is_doubted(database: Database, statement: str) -> None:
    await database.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a int, b int);"
        "CREATE TABLE a (id int PRIMARY KEY, t text, m mood, r pair);"
        "INSERT INTO a VALUES (1, 'x', 'sad', (1, 2));"
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE p2 (id int PRIMARY KEY);"
        "INSERT INTO p VALUES (1); INSERT INTO p2 VALUES (11)"
    )
    async with following(database, tables="a, p") as follower:
        await database.execute(statement)
        assert set(await doubted(follower)) == {
            "public.p" if "p1" in statement or "p2" in statement else "public.a"
        }
        await follower.require_equal()


async def test_a_part_that_was_a_table_of_its_own_is_told_from_when_it_is_one(database: Database) -> None:
    await database.execute(
        "CREATE TABLE p (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 (id int PRIMARY KEY, t text)"
    )
    async with following(database, tables="p") as follower:
        await database.execute("INSERT INTO p1 VALUES (1)")
        assert (await follower.moment()).keys == {}
        await database.execute("ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10)")
        await database.execute("UPDATE p SET t = 'x'")
        await doubted(follower)
        await database.execute("UPDATE p SET t = 'y'")
        await follower.require_equal()


async def test_a_table_that_takes_the_name_of_another_is_doubted(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1)")
    async with following(database) as follower:
        await database.execute("BEGIN; DROP TABLE a; CREATE TABLE a (id int PRIMARY KEY); COMMIT")
        await database.execute("INSERT INTO a VALUES (2)")
        assert set(await doubted(follower)) == {"public.a"}
        await follower.require_equal()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("ALTER TABLE a REPLICA IDENTITY NOTHING", "replica identity"),
        ("ALTER TABLE a RENAME TO z", "another table than before"),
    ],
)
async def test_a_table_that_is_no_longer_told_becomes_silent_and_is_doubted(
    database: Database, statement: str, reason: str
) -> None:
    await database.execute(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);"
        "CREATE PUBLICATION chosen FOR TABLE a, b"
    )
    async with following(database, follow_publication="chosen") as follower:
        await database.execute(statement)
        found = await doubted(follower)
        assert set(found) == set(follower.feed.silent) == {"public.a"}
        assert reason in found["public.a"]
        await database.execute("INSERT INTO b VALUES (1)")
        assert (await follower.moment()).keys == {"public.b": (("1",),)}


@pytest.mark.parametrize(
    ("left_out", "put_back"),
    [
        ("DROP PUBLICATION chosen", "CREATE PUBLICATION chosen FOR TABLE a, b"),
        ("ALTER PUBLICATION chosen DROP TABLE a", "ALTER PUBLICATION chosen ADD TABLE a"),
        ("ALTER PUBLICATION chosen SET TABLE b", "ALTER PUBLICATION chosen SET TABLE a, b"),
        (
            "ALTER PUBLICATION chosen SET (publish = 'insert')",
            "ALTER PUBLICATION chosen SET (publish = 'insert, update, delete, truncate')",
        ),
        ("DROP PUBLICATION chosen", ""),
        ("ALTER PUBLICATION chosen DROP TABLE a", ""),
        ("ALTER PUBLICATION chosen SET (publish = 'insert')", ""),
        ("ALTER PUBLICATION chosen ADD TABLE c", ""),
    ],
)
async def test_a_publication_that_is_changed_ends_the_feed(
    database: Database, left_out: str, put_back: str
) -> None:
    await database.execute(
        "CREATE TABLE a (id int PRIMARY KEY, t text); INSERT INTO a VALUES (1, 'old');"
        "CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY);"
        "CREATE PUBLICATION chosen FOR TABLE a, b"
    )
    async with following(database, times=NEVER_BY_ITSELF, follow_publication="chosen") as follower:
        for statement in filter(None, (left_out, "UPDATE a SET t = 'new'", put_back)):
            await database.execute(statement)
        with pytest.raises(FeedLostError):
            await follower.catch_up()
