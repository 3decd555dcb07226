"""Documents that Elasticsearch refuses are told by table, and all of a table end the job."""

import pytest

from ingest.errors import (
    TooManyRejectionsError,
)
from tests.support.sync_harness import INDEX, SyncHarness


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
