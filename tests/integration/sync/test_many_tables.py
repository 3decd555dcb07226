"""What many tables cost a job that finds little, or much, changed in them: requests are counted, not time."""

from collections.abc import AsyncIterator

import pytest

from ingest.sync.progress.stats import ComparedBy
from sandbox.elasticsearch import Server
from sandbox.postgresql import Cluster
from tests.integration.sync.synced_database import SyncedDatabase, compared
from tests.support.database import database_on
from tests.support.sync_harness import sync_harness

TABLES = 28
CHANGES, CONTENT = ComparedBy.CHANGES, ComparedBy.CONTENT


@pytest.fixture
async def many(cluster: Cluster, elasticsearch: Server) -> AsyncIterator[SyncedDatabase]:
    """Tables of two rows each, in two schemas, that have been synced."""
    tables = [f"{schema}.t{number}" for schema in ("a", "b") for number in range(TABLES // 2)]
    script = "".join(
        f"CREATE TABLE {name} (id int PRIMARY KEY, v text);INSERT INTO {name} VALUES (1, 'v'), (2, 'w');"
        for name in tables
    )
    async with database_on(cluster) as database, sync_harness(elasticsearch) as index:
        await database.execute(f"CREATE SCHEMA a; CREATE SCHEMA b; {script}")
        synced = SyncedDatabase(database=database, index=index, configuration={"schema": "a, b"})
        await synced.full()
        synced.sent()
        yield synced


async def test_a_delete_is_found_without_counting_every_table(many: SyncedDatabase) -> None:
    await many.database.execute("DELETE FROM b.t7 WHERE id = 1")
    paths = many.index.watch_paths()

    stats = await many.incremental()

    counts = [path for path in paths if path.endswith("/_count")]
    assert [one.name for one in stats.slices if one.compared_by is CONTENT] == ["b.t7"]
    assert many.sent() == [("delete", "1")]
    assert len(counts) < TABLES


async def test_deletes_that_new_rows_of_other_tables_make_up_for_are_found(many: SyncedDatabase) -> None:
    await many.database.execute("DELETE FROM a.t3 WHERE id = 1; INSERT INTO a.t4 VALUES (3, 'new')")

    await many.incremental()

    assert many.sent() == [("delete", "1"), ("index", "3")]


async def test_tables_that_have_to_be_compared_share_one_scan(many: SyncedDatabase) -> None:
    await many.database.execute(
        "".join(f"DELETE FROM {schema}.t{number} WHERE id = 1;" for schema in "ab" for number in range(7, 14))
        + "ALTER TABLE a.t1 ADD w int DEFAULT 7; UPDATE b.t2 SET v = 'new' WHERE id = 2;"
    )
    paths = many.index.watch_paths()

    stats = await many.incremental()

    opened = [path for path in paths if path.endswith("/_pit") and path != "/_pit"]
    assert compared(stats).count(("t1", CONTENT)) == 1
    assert sum(how is CONTENT for _, how in compared(stats)) == 15
    assert sum(action == "delete" for action, _ in many.sent()) == 14
    assert len(opened) < 10


async def test_documents_of_tables_that_are_not_compared_are_left_alone(many: SyncedDatabase) -> None:
    """A scan for `a.t1` and `b.t2` may not take the documents of `a.t2` and `b.t1` for stale ones."""
    await many.database.execute("DELETE FROM a.t1 WHERE id = 1; DELETE FROM b.t2 WHERE id = 1")

    stats = await many.incremental()

    assert stats.deleted == 2
    assert many.sent() == [("delete", "1"), ("delete", "1")]
