"""A full sync through an ingest pipeline."""

import pytest

from ingest.errors import (
    IncompleteSyncError,
    NotFoundError,
)
from ingest.protocol import Pipeline
from tests.support.sync_harness import INDEX, SyncHarness


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
        # It is not looked at either, so one that changes ids would make documents of rows look stale.
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
