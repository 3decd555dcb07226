"""Full jobs prove by one sum what did not change; where sums or states are missing, each table is counted."""

import pytest

from ingest.errors import ElasticsearchRefusedError
from ingest.sync.kinds.full import full_sync
from sources.errors import SourceUnavailableError
from sources.postgresql.read.snapshots import TableSnapshot
from tests.integration.sync.synced_database import CHANGES, CONTENT, DIGEST, SyncedDatabase, compared
from tests.support.sync_harness import INDEX


async def test_a_full_job_proves_by_sums_what_did_not_change(synced: SyncedDatabase) -> None:
    assert compared(await synced.full()) == [("album", CONTENT), ("track", CONTENT)]
    paths = synced.index.watch_paths()

    stats = await synced.attempt(full_sync)

    assert compared(stats) == [("album", DIGEST), ("track", DIGEST)]
    assert (stats.read, stats.counts()["skipped"]) == (0, 80)
    assert not [path for path in paths if "_pit" in path or "_search" in path]


async def test_a_full_job_compares_the_tables_that_changed(synced: SyncedDatabase) -> None:
    await synced.full()
    await synced.database.execute("UPDATE album SET title = 'new' WHERE id = 7")

    stats = await synced.full()

    assert compared(stats) == [("track", DIGEST), ("album", CONTENT)]
    assert stats.updated == 1


async def test_rows_that_swap_their_values_do_not_cancel_out(synced: SyncedDatabase) -> None:
    await synced.full()
    await synced.database.execute("UPDATE album SET title = 'title ' || (15 - id) WHERE id IN (7, 8)")

    stats = await synced.full()

    assert stats.updated == 2


async def test_a_full_job_trusts_no_sum_once_others_wrote_to_the_index(synced: SyncedDatabase) -> None:
    await synced.full()
    ids = sorted(await synced.index.documents())
    await synced.index.call("DELETE", f"/{INDEX}/_doc/{ids[0]}")

    stats = await synced.full()

    assert stats.created == 1


async def test_an_incremental_job_leaves_sums_of_tables_that_did_not_change(synced: SyncedDatabase) -> None:
    await synced.full()
    await synced.database.execute("UPDATE album SET title = 'new' WHERE id = 7")
    await synced.incremental()

    assert compared(await synced.full()) == [("track", DIGEST), ("album", CONTENT)]


async def test_what_an_abandoned_reading_sent_leaves_no_sum_of_before(
    synced: SyncedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that a reading sends is as sent when it is read again, so that nothing seems to have changed."""
    await synced.full()
    await synced.database.execute("UPDATE album SET title = 'new' WHERE id IN (7, 8)")
    synced.index.with_bulk(chunk_size=1)
    count, is_lost = TableSnapshot.count, False

    async def lose_once(snapshot: TableSnapshot) -> int:
        nonlocal is_lost
        if not is_lost:
            is_lost = True
            # The one that was not sent yet is then as it was.
            await synced.database.execute("UPDATE album SET title = 'title 8' WHERE id = 8")
            raise SourceUnavailableError("the connection was closed")
        return await count(snapshot)

    monkeypatch.setattr(TableSnapshot, "count", lose_once)
    await synced.incremental()
    assert is_lost
    await synced.database.execute("UPDATE album SET title = 'title 7' WHERE id = 7")

    stats = await synced.full()

    assert stats.updated == 1


async def test_tables_whose_names_differ_by_the_place_of_a_dot_alone_are_told_apart(
    synced: SyncedDatabase,
) -> None:
    await synced.database.execute(
        'CREATE SCHEMA a; CREATE SCHEMA "a.b";'
        'CREATE TABLE a."b.c" (id int PRIMARY KEY); CREATE TABLE "a.b".c (id int PRIMARY KEY);'
        'INSERT INTO a."b.c" VALUES (1); INSERT INTO "a.b".c VALUES (2), (3)'
    )
    synced.configuration = {"schema": "a, a.b"}
    await synced.full()
    await synced.full()
    await synced.database.execute('DELETE FROM "a.b".c WHERE id = 3')

    assert [by for _, by in compared(await synced.full())] == [DIGEST, CONTENT]


async def test_where_elasticsearch_tells_no_states_each_table_is_counted_by_itself(
    synced: SyncedDatabase,
) -> None:

    async def refuse(_method: str, path: str, _body: bytes) -> None:
        if "/_stats" in path:
            raise ElasticsearchRefusedError("There is no such route.", status=410)

    synced.index.wire.before = refuse
    await synced.full()
    id_ = next(id_ for id_ in await synced.index.documents() if id_.endswith("track_8"))
    await synced.index.call("DELETE", f"/{INDEX}/_doc/{id_}")
    await synced.database.execute("DELETE FROM album WHERE id = 9")

    await synced.incremental()


async def test_counts_have_to_do_where_elasticsearch_tells_no_states(synced: SyncedDatabase) -> None:

    async def refuse(_method: str, path: str, _body: bytes) -> None:
        if "/_stats" in path:
            raise ElasticsearchRefusedError("There is no such route.", status=410)

    synced.index.wire.before = refuse
    await synced.full()
    await synced.database.execute("UPDATE album SET title = 'new' WHERE id = 7")

    stats = await synced.incremental()

    assert compared(stats) == [("album", CHANGES), ("track", CHANGES)]
    assert {by for _, by in compared(await synced.full())} == {CONTENT}
