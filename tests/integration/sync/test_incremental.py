"""Incremental jobs read what changed and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from ingest.errors import ElasticsearchUnavailableError
from ingest.sync.kinds.full import full_sync
from ingest.sync.kinds.incremental import incremental_sync
from ingest.sync.rules import BasicRules
from sandbox.elasticsearch import Server
from sandbox.postgresql import Cluster
from tests.integration.sync.failing import fail_from
from tests.integration.sync.synced_database import CHANGES, CONTENT, SyncedDatabase, compared, reasons
from tests.support.database import database_on
from tests.support.sync_harness import INDEX, nothing, sync_harness

WRITTEN_BY_OTHERS = "The index was written to since the last job that completed."


async def test_where_nothing_changed_nothing_is_read_scanned_or_sent(synced: SyncedDatabase) -> None:
    paths = synced.index.watch_paths()

    stats = await synced.attempt(incremental_sync)

    assert (stats.read, stats.indexed, stats.deleted) == (0, 0, 0)
    assert stats.counts()["skipped"] == 80
    assert not [path for path in paths if "_pit" in path or "_search" in path or "_bulk" in path]
    await synced.require_equal()


async def test_changed_rows_are_sent_and_nothing_else(synced: SyncedDatabase) -> None:
    await synced.database.execute(
        "UPDATE album SET title = 'new' WHERE id = 7; INSERT INTO track VALUES (31, 31)"
    )

    stats = await synced.incremental()

    assert synced.sent() == [("index", "31"), ("index", "7")]
    assert (stats.read, stats.created, stats.updated, stats.counts()["skipped"]) == (2, 1, 1, 79)
    assert compared(stats) == [("album", CHANGES), ("track", CHANGES)]


async def test_a_row_rewritten_with_equal_content_is_not_sent(synced: SyncedDatabase) -> None:
    await synced.database.execute("UPDATE album SET title = title")

    stats = await synced.incremental()

    assert synced.sent() == []
    assert (stats.read, stats.unchanged) == (50, 50)


async def test_deletes_arrive_with_the_same_job_and_only_their_table_is_compared(
    synced: SyncedDatabase,
) -> None:
    await synced.database.execute("DELETE FROM album WHERE id = 3")

    stats = await synced.incremental()

    assert synced.sent() == [("delete", "3")]
    assert compared(stats) == [("album", CHANGES), ("track", CHANGES), ("album", CONTENT)]
    assert reasons(stats) == ["It has 49 rows and 50 documents."]


async def test_a_row_deleted_and_another_inserted_are_told_apart(synced: SyncedDatabase) -> None:
    await synced.database.execute("DELETE FROM album WHERE id = 3; INSERT INTO album VALUES (99, 'new')")

    await synced.incremental()

    assert synced.sent() == [("delete", "3"), ("index", "99")]


async def test_a_changed_key_is_a_delete_and_an_insert(synced: SyncedDatabase) -> None:
    await synced.database.execute("UPDATE album SET id = 99 WHERE id = 3")

    await synced.incremental()

    assert synced.sent() == [("delete", "3"), ("index", "99")]


async def test_an_altered_table_is_compared_and_the_others_are_not(synced: SyncedDatabase) -> None:
    await synced.database.execute("ALTER TABLE album ADD COLUMN year int DEFAULT 1999")

    stats = await synced.incremental()

    assert len(synced.sent()) == 50
    assert compared(stats) == [("track", CHANGES), ("album", CONTENT)]


async def test_a_table_that_comes_or_goes_is_a_reason_to_compare_everything(synced: SyncedDatabase) -> None:
    await synced.database.execute("CREATE TABLE genre (id int PRIMARY KEY); INSERT INTO genre VALUES (1)")
    assert (await synced.incremental()).reason.startswith("Tables, sync rules or pipelines")
    await synced.database.execute("DROP TABLE track")

    stats = await synced.incremental()

    assert stats.reason.startswith("Tables, sync rules or pipelines")
    assert stats.deleted == 30


async def test_the_first_job_may_be_incremental(cluster: Cluster, elasticsearch: Server) -> None:
    async with database_on(cluster) as database, sync_harness(elasticsearch) as index:
        await database.execute("CREATE TABLE album (id int PRIMARY KEY); INSERT INTO album VALUES (1)")
        synced = SyncedDatabase(database=database, index=index)

        stats = await synced.incremental()

        assert stats.created == 1
        assert stats.reason.startswith("No job of this version has completed yet")
        assert compared(await synced.incremental()) == [("album", CHANGES)]


async def test_what_somebody_else_wrote_or_deleted_is_put_right(synced: SyncedDatabase) -> None:
    ids = sorted(await synced.index.documents())
    await synced.index.call("DELETE", f"/{INDEX}/_doc/{ids[0]}")

    stats = await synced.incremental()

    assert stats.reason == WRITTEN_BY_OTHERS
    assert stats.created == 1


async def test_writes_of_somebody_else_beside_a_job_are_noticed_by_the_next(synced: SyncedDatabase) -> None:
    await synced.database.execute("UPDATE album SET title = 'new' WHERE id = 7")
    documents = await synced.index.documents()
    id_ = next(id_ for id_ in documents if id_.endswith("album_8"))
    seen: list[str] = []

    async def delete_beside(_method: str, path: str, _body: bytes) -> None:
        if path.endswith("/_bulk") and not seen:
            seen.append(path)
            await synced.index.call("DELETE", f"/{INDEX}/_doc/{id_}")

    synced.index.wire.before = delete_beside
    # As many documents are gone as rows, so that counts do not tell.
    await synced.database.execute("DELETE FROM album WHERE id = 9")
    await synced.attempt(incremental_sync)
    synced.index.wire.before = nothing

    assert synced.cursor is None
    await synced.incremental()


async def test_a_rejected_document_is_tried_again_by_every_job(synced: SyncedDatabase) -> None:
    await synced.database.execute("ALTER TABLE track ALTER n TYPE text")
    await synced.index.call(
        "PUT", f"/{INDEX}/_mapping", {"properties": {"public_track_n2": {"type": "long"}}}
    )
    await synced.database.execute("ALTER TABLE track RENAME n TO n2")
    await synced.incremental()
    await synced.database.execute("UPDATE track SET n2 = 'no number' WHERE id = 1")

    first = await synced.attempt(incremental_sync)
    second = await synced.attempt(incremental_sync)
    await synced.database.execute("UPDATE track SET n2 = '7' WHERE id = 1")

    assert first.rejected == 1
    assert second.rejected == 1
    await synced.incremental()


@pytest.mark.parametrize("emptied", ["album", "track"], ids=["of another table", "of its own table"])
async def test_a_refused_document_does_not_hide_in_the_count_that_a_row_is_gone(
    synced: SyncedDatabase, emptied: str
) -> None:
    await synced.database.execute("ALTER TABLE track ADD m text")
    numbers = {"properties": {"public_track_m": {"type": "long"}}}
    await synced.index.call("PUT", f"/{INDEX}/_mapping", numbers)
    await synced.full()
    await synced.database.execute(
        f"DELETE FROM {emptied} WHERE id = 3; INSERT INTO track VALUES (1000, 1, 'no number')"
    )

    stats = await synced.attempt(incremental_sync)

    found, expected = await synced.index.content(), await synced.expected()
    assert stats.rejected > 0
    assert [id_ for id_ in expected if id_ not in found] == [id_ for id_ in expected if id_.endswith("_1000")]
    assert not [id_ for id_ in found if id_ not in expected]


async def test_rules_in_sql_decide_what_is_wanted(synced: SyncedDatabase) -> None:
    rule: dict[str, Any] = {
        "id": "1", "policy": "exclude", "field": "public_album_title", "rule": "equals", "value": "secret",
        "order": 1,
    }  # fmt: skip
    synced.index.rules = BasicRules.from_wire([rule])
    assert (await synced.incremental()).reason.startswith("Tables, sync rules or pipelines")
    synced.sent()

    await synced.database.execute("UPDATE album SET title = 'secret' WHERE id = 5")
    await synced.incremental()
    assert synced.sent() == [("delete", "5")]
    await synced.database.execute("UPDATE album SET title = 'known' WHERE id = 5")
    stats = await synced.incremental()
    assert synced.sent() == [("index", "5")]
    assert compared(stats) == [("album", CHANGES), ("track", CHANGES)]


async def test_rules_on_documents_are_compared_by_content(synced: SyncedDatabase) -> None:
    rule: dict[str, Any] = {
        "id": "1", "policy": "exclude", "field": "public_album_title", "rule": "regex", "value": "secret.*",
        "order": 1,
    }  # fmt: skip
    synced.index.rules = BasicRules.from_wire([rule])
    await synced.attempt(incremental_sync)
    await synced.database.execute("UPDATE album SET title = 'secret 5' WHERE id = 5")

    stats = await synced.attempt(incremental_sync)

    assert stats.deleted == 1
    assert len(await synced.index.documents()) == 79


async def test_another_pipeline_is_a_reason_to_send_everything(synced: SyncedDatabase) -> None:
    synced.index.pipeline = replace(synced.index.pipeline, reduce_whitespace=False)

    stats = await synced.incremental()

    assert stats.reason.startswith("Tables, sync rules or pipelines")
    assert stats.updated == 80


@pytest.mark.slow
@pytest.mark.parametrize("kind", [full_sync, incremental_sync])
async def test_a_job_that_fails_anywhere_is_made_good_by_the_next(synced: SyncedDatabase, kind: Any) -> None:
    await synced.full()
    requests = 0
    while True:
        await synced.database.execute(
            f"UPDATE album SET title = 'at {requests}' WHERE id = 7;"
            f"DELETE FROM album WHERE id = {requests + 10};"
            f"INSERT INTO track VALUES ({requests + 100}, 1)"
        )
        synced.index.wire.before = fail_from(requests)
        try:
            await synced.attempt(kind)
        except ElasticsearchUnavailableError:
            pass
        else:
            break
        finally:
            synced.index.wire.before = nothing
        await synced.incremental()
        requests += 1
    assert requests > 8
    await synced.require_equal()
