"""A full sync makes the index say what the source says, and nothing else."""

from dataclasses import replace

import orjson

from ingest.protocol import Pipeline
from sandbox.elasticsearch import Server
from sources.contract import ADDED_MEMBERS
from tests.support.sync_harness import SyncHarness, sync_harness


async def test_the_index_says_what_the_source_says(shop: SyncHarness) -> None:
    shop.put("shop_track_1", "shop_track_2", table="track", length=210, name='quo"te\\\n')

    stats = await shop.sync()

    assert await shop.content() == shop.expected()
    assert (stats.read, stats.created, stats.total_documents) == (9, 9, 9)


async def test_a_document_carries_what_the_protocol_asks_for(shop: SyncHarness) -> None:
    shop.pipeline = Pipeline(name="_none", run_ml_inference=False)

    await shop.sync()

    document = (await shop.documents())["shop_album_0"]
    assert document["_extract_binary_content"] is True
    assert document["_reduce_whitespace"] is True
    assert document["_run_ml_inference"] is False
    assert document["_timestamp"].endswith("Z")
    assert isinstance(document["_content_hash"], int)
    assert document.keys() == shop.expected()["shop_album_0"].keys() | ADDED_MEMBERS


async def test_a_first_sync_refreshes_once_and_counts_its_documents_once(shop: SyncHarness) -> None:
    paths = shop.watch_paths()

    stats = await shop.sync()

    ends = [path.rpartition("/")[2] for path in paths]
    assert (ends.count("_refresh"), ends.count("_count")) == (1, 2)  # ours, and all in the index
    assert stats.total_documents == 7


async def test_a_second_sync_writes_nothing(shop: SyncHarness) -> None:
    await shop.sync()
    sent = len(shop.actions())

    stats = await shop.sync()

    assert len(shop.actions()) == sent
    assert (stats.unchanged, stats.indexed, stats.deleted, stats.sent_bytes) == (7, 0, 0, 0)


async def test_inserts_updates_deletes_and_key_changes_arrive(shop: SyncHarness) -> None:
    await shop.sync()
    album = shop.source.tables["album"]
    shop.put("shop_album_7")
    shop.put("shop_album_1", title="changed")
    del album["shop_album_2"]
    album["shop_album_33"] = album.pop("shop_album_3")

    stats = await shop.sync()

    assert await shop.content() == shop.expected()
    assert (stats.created, stats.updated, stats.deleted, stats.unchanged) == (2, 1, 2, 4)


async def test_many_stale_documents_are_not_searched_by_a_query_with_a_clause_for_each(
    shop: SyncHarness,
) -> None:
    sizes: list[int] = []

    async def measure(_method: str, path: str, body: bytes) -> None:
        if path == "/_search" and b'"terms"' in body:
            conditions = orjson.loads(body)["query"]["bool"]["filter"]
            sizes.extend(len(one["terms"]["_content_hash"]) for one in conditions if "terms" in one)

    extra = [f"shop_album_{number}" for number in range(10, 110)]
    shop.put(*extra)
    await shop.sync()
    shop.wire.before = measure
    for few_or_many in (extra[:2], extra[2:]):
        for id_ in few_or_many:
            del shop.source.tables["album"][id_]
        assert (await shop.sync()).deleted == len(few_or_many)

    assert set(sizes) == {2}
    assert await shop.content() == shop.expected()


async def test_a_table_that_is_no_longer_selected_loses_its_documents(shop: SyncHarness) -> None:
    shop.put("shop_track_1", table="track")
    await shop.sync()
    del shop.source.tables["track"]

    await shop.sync()

    assert await shop.content() == shop.expected()


async def test_an_empty_source_empties_the_index_with_a_warning(shop: SyncHarness) -> None:
    await shop.sync()
    shop.source.tables["album"].clear()

    stats = await shop.sync()

    assert await shop.content() == {}
    assert "7 of 7 documents" in stats.warnings[0]


async def test_rewriting_sends_everything_and_still_deletes_what_is_gone(shop: SyncHarness) -> None:
    await shop.sync()
    del shop.source.tables["album"]["shop_album_2"]
    shop.options = replace(shop.options, rewrite=True)

    stats = await shop.sync()

    assert (stats.updated, stats.unchanged, stats.deleted) == (6, 0, 1)
    assert await shop.content() == shop.expected()


async def test_documents_of_other_tools_are_never_touched(shop: SyncHarness) -> None:
    await shop.sync()
    foreign = {"id": "note", "database": "shop", "text": "no table, no timestamp"}
    of_another_database = {
        "id": "x", "database": "other", "table": "t", "_timestamp": "2026-01-01T00:00:00Z", "_content_hash": 5
    }  # fmt: skip
    await shop.index_document("note", foreign)
    await shop.index_document("x", of_another_database)
    shop.source.tables["album"].clear()

    await shop.sync()

    assert await shop.documents() == {"note": foreign, "x": of_another_database}


async def test_two_databases_share_an_index(shop: SyncHarness, elasticsearch: Server) -> None:
    await shop.sync()
    async with sync_harness(elasticsearch) as other:
        other.source.database = "library"
        other.put("library_album_1")
        await other.sync()
        del other.source.tables["album"]["library_album_1"]
        await other.sync()

    stats = await shop.sync()

    assert await shop.content() == shop.expected()
    assert stats.unchanged == 7


async def test_documents_of_elastics_service_are_taken_over_once(shop: SyncHarness) -> None:
    written = {
        "database": "shop",
        "schema": "public",
        "table": "album",
        "_timestamp": "2024-05-05T10:00:00+00:00",
    }
    for id_ in ("shop_album_0", "shop_album_gone"):
        await shop.index_document(id_, {"id": id_, **written})
    await shop.index_document("shop_lookalike", {"id": "another", **written})

    first = await shop.sync()
    second = await shop.sync()

    assert (first.created, first.updated, first.deleted) == (6, 1, 1)
    assert (second.unchanged, second.indexed, second.deleted) == (7, 0, 0)
    assert (await shop.content()).keys() == {*shop.expected(), "shop_lookalike"}


async def test_a_document_somebody_wrote_since_the_scan_is_not_deleted(shop: SyncHarness) -> None:
    await shop.sync()
    del shop.source.tables["album"]["shop_album_2"]

    async def write_before_the_delete(_method: str, path: str, body: bytes) -> None:
        if path.endswith("/_bulk") and b'"delete"' in body:
            await shop.index_document("shop_album_2", {"written": "by another tool"})

    shop.wire.before = write_before_the_delete
    stats = await shop.sync()

    assert (await shop.documents())["shop_album_2"] == {"written": "by another tool"}
    assert stats.deleted == 0


async def test_rows_that_share_an_id_are_reported(shop: SyncHarness) -> None:
    shop.source.put("single", [("shop_album_1", {"title": "the same id"})])

    stats = await shop.sync()

    assert stats.warnings == ["1 rows have the id of another row, so one of each is in the index."]


async def test_many_small_chunks_arrive_whole(shop: SyncHarness) -> None:
    shop.put(*(f"shop_album_{number}" for number in range(100)))
    shop.with_bulk(chunk_size=7, max_concurrency=2)

    stats = await shop.sync()

    assert await shop.content() == shop.expected()
    assert stats.requests >= 100 / 7


async def test_compressed_chunks_arrive_whole(shop: SyncHarness) -> None:
    shop.put(*(f"shop_album_{number}" for number in range(200)))
    shop.with_bulk(compress=True)

    stats = await shop.sync()

    assert await shop.content() == shop.expected()
    assert stats.sent_bytes < stats.indexed_bytes / 3
