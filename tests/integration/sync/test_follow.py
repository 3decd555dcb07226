"""A job that follows keeps the index in step: what is committed arrives, and what is gone disappears."""

import asyncio

import pytest

from ingest.sync.kinds.follow.loop import NEW_SLICES
from ingest.sync.kinds.incremental import incremental_sync
from tests.integration.changes.sessions import another
from tests.integration.sync.follow_job import follow_job
from tests.integration.sync.synced_database import SyncedDatabase
from tests.support.sync_harness import INDEX


@pytest.fixture
def synced(unsynced: SyncedDatabase) -> SyncedDatabase:
    """Two tables whose first sync is that of the job that follows."""
    return unsynced


async def test_what_is_committed_arrives_and_what_is_gone_disappears(synced: SyncedDatabase) -> None:
    async with follow_job(synced) as job:
        await synced.database.execute("UPDATE album SET title = 'new' WHERE id = 7")
        await job.until_equal()
        await synced.database.execute("INSERT INTO track VALUES (31, 31)")
        await job.until_equal()
        await synced.database.execute("DELETE FROM album WHERE id = 3")
        await job.until_equal()
        await synced.database.execute("DELETE FROM track WHERE id = 3; INSERT INTO track VALUES (99, 9)")
        await job.until_equal()

    assert job.stats.deleted == 2


async def test_nothing_is_refreshed_or_searched_for_the_sake_of_rows_that_changed(
    synced: SyncedDatabase,
) -> None:
    async with follow_job(synced) as job:
        paths = synced.index.watch_paths()
        for number in range(5):
            await synced.database.execute(f"INSERT INTO track VALUES ({100 + number}, 0)")
            await job.until_written(1 + number)
        seen = set(paths)

    assert not [path for path in seen if "_refresh" in path or "_count" in path or "_search" in path]


async def test_where_nothing_changes_no_table_is_read(synced: SyncedDatabase) -> None:
    async with follow_job(synced) as job:
        await job.until_calm()
        before = dict(job.stats.counts())
        paths = synced.index.watch_paths()
        await asyncio.sleep(job.seconds * 5)

        assert dict(job.stats.counts()) == before
        assert paths == []


async def test_the_next_job_begins_where_this_one_was(synced: SyncedDatabase) -> None:
    async with follow_job(synced) as job:
        await synced.database.execute("UPDATE album SET title = 'new' WHERE id = 7")
        await job.until_equal()
        await job.until_stored()
        stored = job.stored[-1]
    synced.cursor = stored

    stats = await synced.incremental()

    assert stats.reason == ""
    assert stats.read == 0


async def test_the_end_of_a_job_leaves_a_cursor(synced: SyncedDatabase) -> None:
    async with follow_job(synced) as job:
        await synced.database.execute("DELETE FROM album WHERE id = 3; INSERT INTO album VALUES (99, '')")
        await job.until_equal()
    synced.cursor = job.cursor
    assert job.cursor is not None

    assert (await synced.incremental()).reason == ""


async def test_a_job_asked_to_end_at_once_stores_where_it_is(synced: SyncedDatabase) -> None:
    async with follow_job(synced, urgent=True) as job:
        await synced.database.execute("UPDATE album SET title = 'new' WHERE id = 7")
        await job.until_equal()
    synced.cursor = job.stored[-1]

    stats = await synced.incremental()

    assert (stats.reason, stats.read) == ("", 0)


async def test_an_altered_table_is_compared_and_followed_on(synced: SyncedDatabase) -> None:
    async with follow_job(synced) as job:
        await synced.database.execute("ALTER TABLE album ADD COLUMN year int DEFAULT 1999")
        await job.until_equal()
        await synced.database.execute("UPDATE album SET year = 2000 WHERE id = 9")
        await job.until_equal()


async def test_a_view_is_followed_by_comparing_it(synced: SyncedDatabase) -> None:
    await synced.database.execute("CREATE VIEW recent AS SELECT * FROM album WHERE id > 40")
    synced.configuration = {"tables": "album,recent", "id_columns": "recent(id)"}

    async with follow_job(synced) as job:
        await synced.database.execute("DELETE FROM album WHERE id = 45; UPDATE album SET title = 'x'")
        await job.until_equal()


async def test_views_that_are_due_together_are_compared_with_one_scan(synced: SyncedDatabase) -> None:
    views = [f"recent_{number}" for number in range(4)]
    for view in views:
        await synced.database.execute(f"CREATE VIEW {view} AS SELECT * FROM album WHERE id > 40")
    ids = ",".join(f"{view}(id)" for view in views)
    synced.configuration = {"tables": ",".join(("album", *views)), "id_columns": ids}
    scans: list[list[str]] = []

    async def note(_method: str, path: str, body: bytes) -> None:
        if path == "/_search" and (named := [view for view in views if f'"{view}"'.encode() in body]):
            scans.append(named)

    synced.index.wire.before = note
    async with follow_job(synced) as job:
        await job.until(lambda: bool(scans))  # of all views, for none was looked at before
        await synced.database.execute("DELETE FROM album WHERE id = 45; UPDATE album SET title = 'x'")
        await job.until_equal()

    assert scans[0] == views


async def test_a_table_that_comes_ends_the_job(
    synced: SyncedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.sync.kinds.follow.loop.SURROUNDINGS_SECONDS", 0.0)
    async with follow_job(synced) as job:
        await synced.database.execute("CREATE TABLE artist (id int PRIMARY KEY)")
        await job.until_ended()

    assert job.following.ends_because == NEW_SLICES


async def test_a_table_that_goes_ends_the_job(synced: SyncedDatabase) -> None:
    async with follow_job(synced) as job:
        await synced.database.execute("DROP TABLE track")
        await job.until_ended()

    assert job.following.ends_because == NEW_SLICES


async def test_a_document_deleted_by_somebody_else_is_noticed(synced: SyncedDatabase) -> None:
    """Nobody asks the index what it holds; but the numbers of its writes tell that somebody else wrote."""
    async with follow_job(synced) as job:
        await job.until_calm()
        (id_,) = [one for one in await synced.index.content() if one.endswith("album_7")]
        await synced.index.call("DELETE", f"/{INDEX}/_doc/{id_}")
        await synced.database.execute("INSERT INTO track VALUES (31, 31)")
        await job.until_ended()
    synced.cursor = job.cursor

    assert job.cursor is None
    await synced.attempt(incremental_sync)
    await synced.require_equal()


async def test_rows_read_again_because_of_an_open_transaction_are_not_asked_about_again(
    synced: SyncedDatabase,
) -> None:
    async with follow_job(synced) as job, another(synced.database) as open_one:
        await open_one.execute("BEGIN; UPDATE album SET title = title WHERE id = 1")
        await synced.database.execute("UPDATE track SET n = n + 1")
        await job.until_equal()
        await job.until_stored()
        asked: list[bytes] = []

        async def note(_method: str, path: str, body: bytes) -> None:
            asked.extend([body] if path.endswith("_mget") else [])

        synced.index.wire.before = note
        before = job.stats.read
        for number in range(3):
            await synced.database.execute(f"UPDATE album SET title = '{number}' WHERE id = 2")
            await job.until_equal()
        await job.until(lambda: job.stats.read >= before + 60)
        assert asked
        assert not [body for body in asked if b"track" in body]
        await open_one.execute("ROLLBACK")


async def test_following_with_rules_leaves_out_what_they_leave_out(synced: SyncedDatabase) -> None:
    rule = {
        "id": "1", "policy": "exclude", "rule": "equals", "field": "public_album_title",
        "value": "hidden", "order": 1,
    }  # fmt: skip
    synced.index.rules = synced.index.rules.from_wire([rule])

    async with follow_job(synced) as job:
        await synced.database.execute("UPDATE album SET title = 'hidden' WHERE id = 7")
        await job.until_equal()
        await synced.database.execute("UPDATE album SET title = 'shown' WHERE id = 7")
        await job.until_equal()
