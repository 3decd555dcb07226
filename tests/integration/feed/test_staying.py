"""A job that stays and is told by the log what changes: exact by key, without reading tables."""

from collections.abc import AsyncIterator

import pytest

from ingest.errors import TooManyDeletesError
from ingest.sync.following import Way
from ingest.sync.stats import ComparedBy
from sandbox.elasticsearch import Server
from tests.integration.sync.following import Following
from tests.integration.sync.staying import staying
from tests.support.database import Database
from tests.support.sync_harness import INDEX, sync_harness


@pytest.fixture
async def following(database: Database, elasticsearch: Server) -> AsyncIterator[Following]:
    async with sync_harness(elasticsearch) as index:
        await database.execute(
            "CREATE TABLE album (id int PRIMARY KEY, title text);"
            "CREATE TABLE track (id int PRIMARY KEY, n int);"
            "INSERT INTO album SELECT n, 'title ' || n FROM generate_series(1, 50) AS n;"
            "INSERT INTO track SELECT n, n FROM generate_series(1, 30) AS n"
        )
        yield Following(database=database, index=index)


async def test_changes_and_deletes_arrive_without_a_table_being_compared(following: Following) -> None:
    async with staying(following, way=Way.LOG) as job:
        looked = {key: one.tally.read for key, one in job.stats.earlier.items() if key[1] != ComparedBy.KEYS}
        await following.database.execute(
            "UPDATE album SET title = 'new' WHERE id = 7; DELETE FROM album WHERE id = 3;"
            "INSERT INTO track VALUES (99, 9); UPDATE track SET id = 100 WHERE id = 5"
        )
        await job.until_equal()

        assert job.stats.deleted == 2
        assert looked == {
            key: one.tally.read for key, one in job.stats.earlier.items() if key[1] != ComparedBy.KEYS
        }
    following.cursor = job.cursor

    stats = await following.incremental()
    assert stats.reason == ""


async def test_the_cursor_that_is_stored_is_one_to_begin_from(following: Following) -> None:
    async with staying(following, urgent=True, way=Way.LOG) as job:
        await following.database.execute("DELETE FROM album WHERE id = 3; INSERT INTO track VALUES (99, 9)")
        await job.until_equal()
    following.cursor = job.stored[-1]

    stats = await following.incremental()

    assert (stats.reason, stats.deleted) == ("", 0)


async def test_what_keys_do_not_tell_is_looked_at(following: Following) -> None:
    async with staying(following, way=Way.LOG) as job:
        await following.database.execute("ALTER TABLE album ADD COLUMN year int DEFAULT 1999")
        await following.database.execute("UPDATE album SET year = 2000 WHERE id = 9")
        await job.until_equal()
        await following.database.execute("TRUNCATE track; INSERT INTO track VALUES (1, 1)")
        await job.until_equal()
        await following.database.execute("INSERT INTO track VALUES (2, 2)")
        await job.until_equal()


async def test_a_table_that_the_log_does_not_tell_of_is_polled(following: Following) -> None:
    await following.database.execute("ALTER TABLE track REPLICA IDENTITY NOTHING")
    async with staying(following, way=Way.LOG) as job:
        assert "public.track" in job.following.reason
        await following.database.execute("INSERT INTO track VALUES (99, 9)")
        await job.until_equal()
        await following.database.execute("DELETE FROM album WHERE id = 3")
        await job.until_equal()


async def test_a_lost_connection_costs_a_look_and_another_slot(following: Following) -> None:
    async with staying(following, way=Way.LOG) as job:
        await following.database.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active;"
            "DELETE FROM album WHERE id = 3; UPDATE track SET n = 0 WHERE id = 9"
        )
        await job.until_equal()
        await job.until(lambda: job.following.way is Way.LOG)
        await following.database.execute("DELETE FROM album WHERE id = 4")
        await job.until_equal()


async def test_a_document_that_somebody_else_wrote_is_not_deleted(following: Following) -> None:
    async with staying(following, way=Way.LOG) as job:
        (id_,) = [one for one in await following.index.content() if one.endswith("album_7")]
        await following.index.index_document(id_, {"id": id_, "theirs": True})
        await following.database.execute("DELETE FROM album WHERE id IN (7, 8)")
        await job.until(lambda: job.stats.deleted == 1)

        assert id_ in await following.index.content()


async def test_a_table_that_is_emptied_keeps_most_of_its_documents(following: Following) -> None:
    await following.database.execute("INSERT INTO album SELECT n, '' FROM generate_series(51, 1200) AS n")

    async def empty() -> None:
        async with staying(following, way=Way.LOG) as job:
            await following.database.execute("DELETE FROM album WHERE id > 100")
            await job.until_ended()

    with pytest.raises(TooManyDeletesError):
        await empty()

    # What is told before the share is reached is deleted.
    found = await following.index.content()
    assert len([one for one in found if "_album_" in one]) >= 600


async def test_nothing_is_refreshed_for_the_sake_of_what_the_log_tells(following: Following) -> None:
    async with staying(following, way=Way.LOG) as job:
        paths = following.index.watch_paths()
        await following.database.execute("INSERT INTO track VALUES (99, 9)")
        await job.until_written(1)
        await following.database.execute("DELETE FROM track WHERE id = 99")
        await job.until_written(2)
        seen = set(paths)

    assert not [path for path in seen if "_refresh" in path or "_count" in path or "_search" in path]
    assert f"/{INDEX}/_mget" in seen


async def test_a_large_transaction_arrives_whole(following: Following) -> None:
    async with staying(following, way=Way.LOG) as job:
        await following.database.execute(
            "INSERT INTO track SELECT n, n FROM generate_series(1000, 21000) AS n;"
            "DELETE FROM track WHERE id % 7 = 0 AND id >= 1000"
        )
        await job.until_written(17_000)
        await job.until_stored()
    following.index.page_size = 10_000
    await following.require_equal()
