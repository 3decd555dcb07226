"""A job that follows the log: exact by key, without reading tables."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from ingest.errors import TooManyDeletesError
from ingest.sync.progress.following import Way
from ingest.sync.progress.stats import ComparedBy
from sandbox.elasticsearch import Server
from tests.integration.sync.follow_job import follow_job
from tests.integration.sync.synced_database import SyncedDatabase, albums_and_tracks
from tests.support.database import Database
from tests.support.sync_harness import INDEX


@pytest.fixture
async def synced(database: Database, elasticsearch: Server) -> AsyncIterator[SyncedDatabase]:
    async with albums_and_tracks(database, elasticsearch) as synced:
        yield synced


async def test_changes_and_deletes_arrive_without_a_table_being_compared(synced: SyncedDatabase) -> None:
    async with follow_job(synced, way=Way.LOG) as job:
        looked = {key: one.tally.read for key, one in job.stats.earlier.items() if key[1] != ComparedBy.KEYS}
        await synced.database.execute(
            "UPDATE album SET title = 'new' WHERE id = 7; DELETE FROM album WHERE id = 3;"
            "INSERT INTO track VALUES (99, 9); UPDATE track SET id = 100 WHERE id = 5"
        )
        await job.until_equal()

        assert job.stats.deleted == 2
        assert looked == {
            key: one.tally.read for key, one in job.stats.earlier.items() if key[1] != ComparedBy.KEYS
        }
    synced.cursor = job.cursor

    stats = await synced.incremental()
    assert stats.reason == ""


async def test_the_driver_never_asks_what_a_type_is(
    synced: SyncedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would in each new connection, in four queries, for an array of anything but text and oid."""
    asked: list[Any] = []
    introspect = asyncpg.Connection._introspect_types

    async def noted(connection: Any, types: Any, timeout: Any) -> Any:
        asked.append(types)
        return await introspect(connection, types, timeout)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", noted)
    await synced.full()
    async with follow_job(synced, way=Way.LOG) as job:
        await synced.database.execute("UPDATE album SET title = 'new' WHERE id = 7")
        await job.until_equal()
    synced.cursor = job.cursor
    await synced.incremental()

    assert asked == []


async def test_the_cursor_that_is_stored_is_one_to_begin_from(synced: SyncedDatabase) -> None:
    async with follow_job(synced, urgent=True, way=Way.LOG) as job:
        await synced.database.execute("DELETE FROM album WHERE id = 3; INSERT INTO track VALUES (99, 9)")
        await job.until_equal()
    synced.cursor = job.stored[-1]

    stats = await synced.incremental()

    assert (stats.reason, stats.deleted) == ("", 0)


async def test_what_keys_do_not_tell_is_looked_at(synced: SyncedDatabase) -> None:
    async with follow_job(synced, way=Way.LOG) as job:
        await synced.database.execute("ALTER TABLE album ADD COLUMN year int DEFAULT 1999")
        await synced.database.execute("UPDATE album SET year = 2000 WHERE id = 9")
        await job.until_equal()
        await synced.database.execute("TRUNCATE track; INSERT INTO track VALUES (1, 1)")
        await job.until_equal()
        await synced.database.execute("INSERT INTO track VALUES (2, 2)")
        await job.until_equal()


async def test_a_table_that_the_log_does_not_tell_of_is_polled(synced: SyncedDatabase) -> None:
    await synced.database.execute("ALTER TABLE track REPLICA IDENTITY NOTHING")
    async with follow_job(synced, way=Way.LOG) as job:
        assert "public.track" in job.following.reason
        await synced.database.execute("INSERT INTO track VALUES (99, 9)")
        await job.until_equal()
        await synced.database.execute("DELETE FROM album WHERE id = 3")
        await job.until_equal()


async def test_a_lost_connection_costs_a_look_and_another_slot(synced: SyncedDatabase) -> None:
    async with follow_job(synced, way=Way.LOG) as job:
        await synced.database.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active;"
            "DELETE FROM album WHERE id = 3; UPDATE track SET n = 0 WHERE id = 9"
        )
        await job.until_equal()
        await job.until(lambda: job.following.way is Way.LOG)
        await synced.database.execute("DELETE FROM album WHERE id = 4")
        await job.until_equal()


async def test_a_document_that_somebody_else_wrote_is_not_deleted(synced: SyncedDatabase) -> None:
    async with follow_job(synced, way=Way.LOG) as job:
        (id_,) = [one for one in await synced.index.content() if one.endswith("album_7")]
        await synced.index.index_document(id_, {"id": id_, "theirs": True})
        await synced.database.execute("DELETE FROM album WHERE id IN (7, 8)")
        await job.until(lambda: job.stats.deleted == 1)

        assert id_ in await synced.index.content()


async def test_a_table_that_is_emptied_keeps_most_of_its_documents(synced: SyncedDatabase) -> None:
    await synced.database.execute("INSERT INTO album SELECT n, '' FROM generate_series(51, 1200) AS n")

    async def empty() -> None:
        async with follow_job(synced, way=Way.LOG) as job:
            await synced.database.execute("DELETE FROM album WHERE id > 100")
            await job.until_ended()

    with pytest.raises(TooManyDeletesError):
        await empty()

    # What is told before the share is reached is deleted.
    found = await synced.index.content()
    assert len([one for one in found if "_album_" in one]) >= 600


async def test_nothing_is_refreshed_for_the_sake_of_what_the_log_tells(synced: SyncedDatabase) -> None:
    async with follow_job(synced, way=Way.LOG) as job:
        paths = synced.index.watch_paths()
        await synced.database.execute("INSERT INTO track VALUES (99, 9)")
        await job.until_written(1)
        await synced.database.execute("DELETE FROM track WHERE id = 99")
        await job.until_written(2)
        seen = set(paths)

    assert not [path for path in seen if "_refresh" in path or "_count" in path or "_search" in path]
    assert f"/{INDEX}/_mget" in seen


async def test_a_large_transaction_arrives_whole(synced: SyncedDatabase) -> None:
    async with follow_job(synced, way=Way.LOG) as job:
        await synced.database.execute(
            "INSERT INTO track SELECT n, n FROM generate_series(1000, 8000) AS n;"
            "DELETE FROM track WHERE id % 7 = 0 AND id >= 1000"
        )
        await job.until_written(6_000)
        await job.until_stored()
    synced.index.page_size = 10_000
    await synced.require_equal()
