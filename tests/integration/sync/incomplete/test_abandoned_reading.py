"""A slice whose source is lost is read again: counted once, and its abandoned rows prove nothing."""

import asyncio

import pytest

from ingest.errors import (
    IncompleteSyncError,
)
from ingest.protocol import Pipeline
from sources.errors import SourceUnavailableError
from tests.integration.sync.incomplete.interference import lose_and_delete, losing
from tests.support.sync_harness import INDEX, SyncHarness


@pytest.mark.parametrize("batch", [0, 2, -1], ids=["at the first row", "in the middle", "after the last row"])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_slice_whose_source_is_lost_is_read_again_and_counted_once(
    shop: SyncHarness, times: int, batch: int
) -> None:
    losing(shop, times, batch=batch)

    stats = await shop.sync()

    assert await shop.content() == shop.expected()
    assert (stats.read, stats.indexed, stats.unchanged, stats.deleted) == (20, 4, 16, 2)
    assert stats.slices[0].readings == times + 1
    assert stats.slices[1].readings == 1


async def test_what_was_sent_before_the_loss_cannot_overwrite_what_is_sent_after_it(
    shop: SyncHarness,
) -> None:
    # The race: a chunk of the first reading is still under way when the second reads the row's newer state.
    shop.with_bulk(chunk_size=1)
    landed = asyncio.Event()

    async def slow_down_old_state(_method: str, _path: str, body: bytes) -> None:
        if b'"old state"' in body:
            await asyncio.sleep(0.05)
            landed.set()

    def change_and_lose(name: str, batch: int) -> None:
        if (name, batch) == ("album", 1) and not landed.is_set():
            shop.put("shop_album_0", title="new state")
            raise SourceUnavailableError("lost")

    shop.put("shop_album_0", title="old state")
    shop.wire.before = slow_down_old_state
    shop.source.before_batch = change_and_lose

    await shop.sync()

    assert landed.is_set()
    assert (await shop.content())["shop_album_0"]["title"] == "new state"


async def test_a_row_that_changed_and_changed_back_between_two_readings_is_not_left_as_it_was_sent(
    shop: SyncHarness,
) -> None:
    await shop.sync()
    before = shop.source.tables["album"]["shop_album_0"]
    readings = 0

    def change_back_and_lose(name: str, batch: int) -> None:
        nonlocal readings
        if (name, batch) == ("album", -1):
            readings += 1
            if readings == 1:
                shop.source.put("album", [("shop_album_0", before)])
                raise SourceUnavailableError("lost")

    shop.with_bulk(chunk_size=1)
    shop.put("shop_album_0", "shop_album_9", title="for a moment")  # the second one pushes the first one out
    shop.source.before_batch = change_back_and_lose

    await shop.sync()

    assert readings == 2
    assert await shop.content() == shop.expected()


@pytest.mark.parametrize("is_first", [True, False], ids=["never synced before", "synced before"])
@pytest.mark.parametrize("batch", [1, 3, -1])
async def test_rows_that_are_gone_when_a_slice_is_read_again_leave_no_documents(
    shop: SyncHarness, is_first: bool, batch: int
) -> None:
    if is_first:
        await shop.call("DELETE", f"/{INDEX}")
    shop.with_bulk(chunk_size=1)
    for number in (0, 3, 5):
        shop.put(f"shop_album_{number}", title="for a moment")
    album = shop.source.tables["album"]
    lose_and_delete(shop, [f"shop_album_{number}" for number in (0, 1, 3, 4, 5, 8, "new")], batch=batch)

    stats = await shop.sync()

    assert stats.slices[0].readings == 2
    assert len(album) == 3
    assert await shop.content() == shop.expected()
    assert (await shop.sync()).indexed == 0


async def test_documents_of_slices_read_before_the_loss_are_not_taken_for_those_of_the_abandoned_reading(
    shop: SyncHarness,
) -> None:
    await shop.call("DELETE", f"/{INDEX}")
    shop.with_bulk(chunk_size=1)
    lose_and_delete(shop, ["shop_track_1", "shop_track_4"], slice_="track", batch=2)

    await shop.sync()

    assert await shop.content() == shop.expected()
    assert len(shop.source.tables["album"]) == 10


async def test_a_row_that_moves_to_an_earlier_slice_while_its_own_is_read_again_keeps_its_document(
    shop: SyncHarness,
) -> None:
    # The race: both slices give a row with this id. The mark of the reading that counts must stay.
    shop.source.put("album", [("shop_shared", {"title": "in the first slice"})])
    await shop.sync()
    shop.source.put("track", [("shop_shared", {"title": "in the first slice"})])
    lose_and_delete(shop, ["shop_shared"], slice_="track", batch=-1)

    await shop.sync()

    assert (await shop.content()).keys() == shop.expected().keys()
    assert "shop_shared" in await shop.content()


async def test_a_document_of_an_earlier_slice_that_an_abandoned_reading_overwrote_is_not_deleted(
    shop: SyncHarness,
) -> None:
    # The race: never synced before, so the ledger cannot hold the mark that the first slice made.
    await shop.call("DELETE", f"/{INDEX}")
    for table in ("album", "track"):
        shop.source.put(table, [("shop_shared", {"title": "the same id"})])
    shop.with_bulk(chunk_size=1)
    lose_and_delete(shop, ["shop_shared", "shop_track_5"], slice_="track", batch=-1)
    shop.put("shop_track_last", table="track")  # pushes the row before it out of the chunk

    with pytest.raises(IncompleteSyncError, match="share their ids"):
        await shop.sync()

    assert shop.deletes() == []
    await shop.sync()
    assert await shop.content() == shop.expected()


async def test_an_abandoned_reading_whose_documents_cannot_be_found_again_ends_the_job(
    shop: SyncHarness,
) -> None:
    stamp = {"set": {"field": "_timestamp", "value": "2026-01-01T00:00:00Z"}}
    await shop.call("PUT", "/_ingest/pipeline/stamp", {"processors": [stamp]})
    shop.pipeline = Pipeline(name="stamp")
    shop.with_bulk(chunk_size=1)
    lose_and_delete(shop, ["shop_album_0", "shop_album_new"], batch=-1)

    with pytest.raises(IncompleteSyncError, match="only 0 can be found"):
        await shop.sync()

    await shop.sync()
    assert (await shop.content()).keys() == shop.expected().keys()
