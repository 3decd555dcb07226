"""A full sync makes the index say what the source says, and nothing else."""

from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest

from ingest.errors import (
    ElasticsearchRefusedError,
    IncompleteSyncError,
    NotFoundError,
    TooManyRejectionsError,
)
from ingest.protocol import Pipeline
from ingest.sync.rules import BasicRules
from sandbox.elasticsearch import Server
from tests.support.sync_harness import INDEX, SyncHarness, sync_harness


@pytest.fixture
async def shop(elasticsearch: Server) -> AsyncIterator[SyncHarness]:
    """A source with one table of seven rows, never synced."""
    async with sync_harness(elasticsearch) as opened:
        opened.put(*(f"shop_album_{number}" for number in range(7)))
        yield opened


def excluding(field: str, value: str) -> BasicRules:
    rule = {"id": "1", "policy": "exclude", "field": field, "rule": "equals", "value": value, "order": 1}
    return BasicRules.from_wire([rule])


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


async def test_an_index_to_which_nothing_was_ever_written_is_not_searched(shop: SyncHarness) -> None:
    paths = shop.watch_paths()

    await shop.sync()

    assert not [path for path in paths if "_pit" in path or "_search" in path]
    assert await shop.content() == shop.expected()


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


async def test_rows_the_rules_exclude_are_counted_and_lose_their_documents(shop: SyncHarness) -> None:
    shop.put("shop_album_3", "shop_album_4", title="secret")
    await shop.sync()
    shop.rules = excluding("title", "secret")

    stats = await shop.sync()
    again = await shop.sync()

    assert (await shop.content()).keys() == shop.expected().keys() - {"shop_album_3", "shop_album_4"}
    assert (stats.filtered, stats.unchanged, stats.indexed) == (2, 5, 0)
    assert (stats.deleted, stats.excluded) == (2, 2)
    assert (again.filtered, again.unchanged, again.indexed, again.deleted) == (2, 5, 0, 0)


async def test_rows_the_rules_want_again_get_their_documents_back(shop: SyncHarness) -> None:
    shop.put("shop_album_3", title="secret")
    shop.rules = excluding("title", "secret")
    await shop.sync()
    shop.rules = BasicRules()

    stats = await shop.sync()

    assert await shop.content() == shop.expected()
    assert (stats.created, stats.updated, stats.unchanged) == (1, 0, 6)


async def test_rewriting_follows_the_rules_too(shop: SyncHarness) -> None:
    await shop.sync()
    shop.put("shop_album_3", title="secret")
    shop.rules = excluding("title", "secret")
    shop.options = replace(shop.options, rewrite=True)

    stats = await shop.sync()

    assert (stats.filtered, stats.updated, stats.deleted) == (1, 6, 1)
    assert "shop_album_3" not in await shop.documents()


async def test_documents_a_rule_excludes_are_not_said_to_have_no_row(shop: SyncHarness) -> None:
    shop.put("shop_album_3", "shop_album_4", "shop_album_5", title="secret")
    await shop.sync()
    shop.rules = excluding("title", "secret")
    del shop.source.tables["album"]["shop_album_6"]

    stats = await shop.sync()

    assert (stats.deleted, stats.excluded) == (4, 3)
    assert stats.warnings == [
        "1 of 7 documents have no row in the source any more and were deleted.",
        "3 of 7 documents are excluded by the sync rules and were deleted.",
    ]


async def test_rows_that_share_an_id_are_reported(shop: SyncHarness) -> None:
    shop.source.put("single", [("shop_album_1", {"title": "the same id"})])

    stats = await shop.sync()

    assert stats.warnings == ["1 rows have the id of another row, so one of each is in the index."]


class TestDocumentsThatElasticsearchRefuses:
    @pytest.fixture(autouse=True)
    async def _strict(self, shop: SyncHarness) -> None:
        await shop.call("PUT", f"/{INDEX}", {"mappings": {"properties": {"length": {"type": "long"}}}})

    async def test_are_told_by_table_with_a_few_ids_and_the_cause(self, shop: SyncHarness) -> None:
        await shop.sync()
        shop.put(*(f"shop_album_{number}" for number in range(5)), length="canary")
        shop.put("shop_track_1", table="track")

        stats = await shop.sync()

        (refused,) = stats.metadata()["refused"]
        assert (refused["name"], refused["count"], refused["stale"]) == ("album", 5, 5)
        assert refused["ids"] == ["shop_album_0", "shop_album_1", "shop_album_2"]
        assert "failed to parse field [length]" in refused["reason"]
        assert "caused by illegal_argument_exception" in refused["reason"]
        (warning,) = stats.warnings
        assert "album: Elasticsearch refused 5 of 7 documents, such as shop_album_0" in warning
        assert "Of 5 of them an old version stays" in warning
        assert "canary" not in str(stats.metadata())
        assert "slice.refused" in [entry["event"] for entry in shop.log.entries]

    async def test_are_not_stale_if_they_were_never_there(self, shop: SyncHarness) -> None:
        shop.put("shop_album_5", "shop_album_6", length="x")

        stats = await shop.sync()

        assert stats.counts()["stale"] == 0
        assert "old version" not in stats.warnings[0]

    async def test_that_are_all_of_a_table_end_the_job_after_the_others_were_synced(
        self, shop: SyncHarness
    ) -> None:
        shop.put("shop_track_1", "shop_track_2", table="track", length="x")

        with pytest.raises(TooManyRejectionsError, match="track: Elasticsearch refused 2 of 2"):
            await shop.sync()

        assert (await shop.content()).keys() == shop.source.tables["album"].keys()


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


async def test_the_index_is_scanned_in_pages_it_allows(shop: SyncHarness) -> None:
    await shop.call("PUT", f"/{INDEX}", {"settings": {"index.max_result_window": 3}})
    await shop.sync()
    del shop.source.tables["album"]["shop_album_6"]

    stats = await shop.sync()

    assert (stats.unchanged, stats.deleted) == (6, 1)


class TestTheIndexWeCreate:
    @pytest.mark.needs("mapper-extras")
    async def test_gets_the_derived_mapping_and_our_fields(self, shop: SyncHarness) -> None:
        shop.source.mappings["album"] = {
            "title": {"type": "text"},
            "price": {"type": "scaled_float", "scaling_factor": 100},
        }

        await shop.sync()

        properties = (await shop.call("GET", f"/{INDEX}/_mapping"))[INDEX]["mappings"]["properties"]
        assert properties["title"] == {"type": "text"}
        assert properties["price"] == {"type": "scaled_float", "scaling_factor": 100}
        assert properties["database"] == {"type": "keyword"}
        assert properties["_content_hash"] == {"type": "long", "index": False}

    async def test_says_what_to_do_where_a_type_of_field_is_unknown(self, shop: SyncHarness) -> None:
        shop.source.mappings["album"] = {"price": {"type": "type_of_a_module"}}

        with pytest.raises(ElasticsearchRefusedError, match=r"no type \[type_of_a_module\].* to dynamic"):
            await shop.sync()

    @pytest.mark.needs("analysis-common")
    async def test_analyzes_text_in_the_connectors_language(self, shop: SyncHarness) -> None:
        shop.source.mappings["album"] = {"title": {"type": "text", "fields": {"exact": {"type": "keyword"}}}}
        shop.options = replace(shop.options, language="de")

        await shop.sync()

        properties = (await shop.call("GET", f"/{INDEX}/_mapping"))[INDEX]["mappings"]["properties"]
        assert properties["title"]["analyzer"] == "german"

    async def test_has_room_for_all_columns(self, shop: SyncHarness) -> None:
        shop.source.mappings["album"] = {f"column_{number}": {"type": "long"} for number in range(1600)}

        await shop.sync()

        settings = (await shop.call("GET", f"/{INDEX}/_settings"))[INDEX]["settings"]["index"]
        assert int(settings["mapping"]["total_fields"]["limit"]) > 1600

    async def test_maps_dynamically_if_asked_to(self, shop: SyncHarness) -> None:
        shop.source.mappings["album"] = {"title": {"type": "wildcard"}}
        shop.options = replace(shop.options, derive_mappings=False)

        await shop.sync()

        properties = (await shop.call("GET", f"/{INDEX}/_mapping"))[INDEX]["mappings"]["properties"]
        assert properties["title"]["type"] == "text"


class TestAnIndexThatExists:
    async def test_keeps_its_mapping_but_for_our_hash(self, shop: SyncHarness) -> None:
        await shop.call("PUT", f"/{INDEX}", {"mappings": {"properties": {"title": {"type": "keyword"}}}})
        shop.source.mappings["album"] = {"title": {"type": "text"}}

        await shop.sync()

        properties = (await shop.call("GET", f"/{INDEX}/_mapping"))[INDEX]["mappings"]["properties"]
        assert properties["title"] == {"type": "keyword"}
        assert properties["_content_hash"] == {"type": "long", "index": False}

    async def test_is_kept_in_step_even_if_it_maps_nothing_dynamically(self, shop: SyncHarness) -> None:
        await shop.call("PUT", f"/{INDEX}", {"mappings": {"dynamic": False}})
        await shop.sync()
        del shop.source.tables["album"]["shop_album_2"]

        stats = await shop.sync()

        assert (stats.unchanged, stats.deleted) == (6, 1)
        assert await shop.content() == shop.expected()

    async def test_can_be_an_alias(self, shop: SyncHarness) -> None:
        await shop.call("PUT", "/shop-000001", {"aliases": {INDEX: {}}})
        await shop.sync()
        del shop.source.tables["album"]["shop_album_2"]

        await shop.sync()

        assert await shop.content() == shop.expected()

    @pytest.mark.parametrize(
        ("prepare", "said"),
        [
            (
                [("PUT", "/a", {"aliases": {INDEX: {}}}), ("PUT", "/b", {"aliases": {INDEX: {}}})],
                "alias of 2 indices",
            ),
            ([("PUT", f"/{INDEX}", None), ("POST", f"/{INDEX}/_close", None)], "closed"),
            ([("PUT", f"/{INDEX}", {"settings": {"index.blocks.write": True}})], r"blocks\.write"),
            ([("PUT", f"/{INDEX}", {"settings": {"index.blocks.read_only": True}})], r"blocks\.read_only"),
            (
                [("PUT", f"/{INDEX}", {"mappings": {"properties": {"_content_hash": {"type": "text"}}}})],
                "maps _content_hash as text",
            ),
        ],
    )
    async def test_that_cannot_be_written_like_an_index_is_refused_before_reading(
        self, shop: SyncHarness, prepare: list[tuple[str, str, object]], said: str
    ) -> None:
        for method, path, body in prepare:
            await shop.call(method, path, body)

        with pytest.raises(ElasticsearchRefusedError, match=said):
            await shop.sync()

        assert shop.stats.read == 0


@pytest.mark.needs("ingest-common")
class TestThePipeline:
    @pytest.fixture(autouse=True)
    async def _pipelines(self, shop: SyncHarness) -> None:
        tag = {"set": {"field": "tag", "value": "one"}}
        await shop.call("PUT", "/_ingest/pipeline/tag", {"processors": [tag]})
        shop.pipeline = Pipeline(name="tag")

    async def test_is_applied(self, shop: SyncHarness) -> None:
        await shop.sync()

        assert {document["tag"] for document in (await shop.documents()).values()} == {"one"}

    async def test_that_is_none_keeps_the_default_pipeline_of_the_index_from_running(
        self, shop: SyncHarness
    ) -> None:
        # It is not looked at either, so one that changes ids would make living documents look stale.
        await shop.call("PUT", f"/{INDEX}", {"settings": {"index.default_pipeline": "tag"}})
        shop.pipeline = Pipeline(name="_none")

        await shop.sync()

        assert await shop.content() == shop.expected()

    async def test_that_is_edited_sends_everything_again(self, shop: SyncHarness) -> None:
        await shop.sync()
        assert (await shop.sync()).unchanged == 7
        tag = {"set": {"field": "tag", "value": "two"}}
        await shop.call("PUT", "/_ingest/pipeline/tag", {"processors": [tag]})

        stats = await shop.sync()

        assert stats.updated == 7
        assert {document["tag"] for document in (await shop.documents()).values()} == {"two"}

    async def test_whose_description_is_edited_sends_nothing(self, shop: SyncHarness) -> None:
        await shop.sync()
        tag = {"set": {"field": "tag", "value": "one"}}
        await shop.call("PUT", "/_ingest/pipeline/tag", {"processors": [tag], "description": "new words"})

        assert (await shop.sync()).unchanged == 7

    async def test_that_is_missing_is_an_error_before_reading(self, shop: SyncHarness) -> None:
        shop.pipeline = Pipeline(name="missing")

        with pytest.raises(NotFoundError, match="pipeline missing does not exist"):
            await shop.sync()

        assert shop.stats.read == 0
        assert shop.actions() == []

    @pytest.mark.parametrize("also_by_condition", [{}, {"if": "ctx.id == 'shop_album_3'"}])
    async def test_that_sends_documents_to_another_index_ends_the_job(
        self, shop: SyncHarness, also_by_condition: dict[str, str]
    ) -> None:
        move = {"set": {"field": "_index", "value": "elsewhere", **also_by_condition}}
        await shop.call("PUT", "/_ingest/pipeline/tag", {"processors": [move]})

        with pytest.raises(IncompleteSyncError, match="stored in index elsewhere"):
            await shop.sync()

    async def test_that_drops_documents_is_counted(self, shop: SyncHarness) -> None:
        drop = {"drop": {"if": "ctx.id == 'shop_album_3'"}}
        await shop.call("PUT", "/_ingest/pipeline/tag", {"processors": [drop]})

        stats = await shop.sync()

        assert (stats.created, stats.dropped) == (6, 1)
        assert "shop_album_3" not in await shop.documents()

    async def test_that_removes_our_hash_is_reported_and_the_index_still_follows(
        self, shop: SyncHarness
    ) -> None:
        remove = {"remove": {"field": "_content_hash"}}
        await shop.call("PUT", "/_ingest/pipeline/tag", {"processors": [remove]})
        first = await shop.sync()
        del shop.source.tables["album"]["shop_album_2"]

        second = await shop.sync()

        assert "removes _content_hash" in first.warnings[0]
        assert (second.updated, second.unchanged, second.deleted) == (6, 0, 1)
        assert await shop.content() == shop.expected()
