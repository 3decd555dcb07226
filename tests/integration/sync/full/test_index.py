"""The index a full sync creates, and what it asks of one that exists."""

from dataclasses import replace

import pytest

from ingest.errors import (
    ElasticsearchRefusedError,
)
from ingest.sync.comparison.checkpoints import Checkpoint
from ingest.sync.kinds.follow.totals import add_to_totals
from ingest.sync.kinds.reconciliation import reconcile_all
from ingest.sync.run import SyncRun
from tests.support.sync_harness import INDEX, SyncHarness


async def test_an_index_to_which_nothing_was_ever_written_is_not_searched(shop: SyncHarness) -> None:
    paths = shop.watch_paths()

    await shop.sync()

    assert not [path for path in paths if "_pit" in path or "_search" in path]
    assert await shop.content() == shop.expected()


async def test_how_far_an_index_is_written_is_asked_when_a_sync_begins_and_when_it_ends(
    shop: SyncHarness,
) -> None:
    asked = []
    for _ in range(2):
        paths = shop.watch_paths()
        await shop.sync()
        asked.append(paths.count(f"/{INDEX}/_stats/docs"))

    assert asked == [2, 2]


async def test_what_a_sync_has_written_to_an_untouched_index_is_found_when_it_looks_again(
    shop: SyncHarness,
) -> None:
    sync = await SyncRun.begin(shop.request(shop.source), shop.context(shop.stats))
    await reconcile_all(sync)
    add_to_totals(shop.stats)  # as a job that follows does
    del shop.source.tables["album"]["shop_album_6"]

    await reconcile_all(sync)

    assert shop.deletes() == ["shop_album_6"]


async def test_a_cursor_says_where_the_sync_was_when_it_was_asked_for_it(shop: SyncHarness) -> None:
    sync = await SyncRun.begin(shop.request(shop.source), shop.context(shop.stats))
    cursor = sync.cursor(sync.begun)

    sync.checkpoints["album"] = Checkpoint(rows=6)

    assert cursor.checkpoints == {}


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
