"""A slice that was not read to its end, or counts that nothing explains, end the job without deletes."""

import asyncio
from dataclasses import replace

import pytest

from ingest.errors import (
    IncompleteSyncError,
)
from ingest.sync.rules import BasicRules
from sandbox.elasticsearch.server.faults import Hold
from sources.errors import SourceConfigurationError, SourceUnavailableError
from tests.integration.sync.incomplete.interference import at_the_first_bulk, losing
from tests.support.sync_harness import INDEX, SyncHarness


async def test_more_documents_than_rows_that_nothing_explains_end_the_job(shop: SyncHarness) -> None:
    async def write_once() -> None:
        document = {**(await shop.documents())["shop_album_3"], "id": "shop_album_ghost"}
        await shop.index_document("shop_album_ghost", document)

    at_the_first_bulk(shop, write_once)

    with pytest.raises(IncompleteSyncError, match="1 documents more"):
        await shop.sync()

    await shop.sync()
    assert await shop.content() == shop.expected()


async def test_fewer_documents_than_rows_that_nothing_explains_end_the_job(shop: SyncHarness) -> None:
    async def delete_once() -> None:
        await shop.call("DELETE", f"/{INDEX}/_doc/shop_track_7")

    at_the_first_bulk(shop, delete_once)

    with pytest.raises(IncompleteSyncError, match="1 documents fewer"):
        await shop.sync()

    await shop.sync()
    assert await shop.content() == shop.expected()


async def test_documents_of_other_tools_that_a_row_overwrites_are_no_surplus(shop: SyncHarness) -> None:
    await shop.index_document("shop_album_new", {"written": "by another tool"})

    await shop.sync()

    assert await shop.content() == shop.expected()


async def test_j11_what_a_rule_excludes_keeps_its_documents_unless_all_was_read(shop: SyncHarness) -> None:
    rule = {"id": "1", "policy": "exclude", "field": "table", "rule": "equals", "value": "album", "order": 1}
    shop.rules = BasicRules.from_wire([rule])
    losing(shop, 3)
    before = await shop.content()

    with pytest.raises(SourceUnavailableError):
        await shop.sync()

    assert shop.deletes() == []
    assert before.keys() <= (await shop.content()).keys()


async def test_a_source_lost_three_times_ends_the_job_and_nothing_is_deleted(shop: SyncHarness) -> None:
    losing(shop, 3)

    with pytest.raises(SourceUnavailableError):
        await shop.sync()

    assert shop.deletes() == []
    assert shop.stats.slices[0].readings == 3


async def test_a_source_lost_more_often_than_asked_for_ends_the_job(shop: SyncHarness) -> None:
    losing(shop, 1)
    shop.options = replace(shop.options, readings=1)

    with pytest.raises(SourceUnavailableError):
        await shop.sync()

    assert shop.deletes() == []


async def test_b1_a_slice_that_cannot_be_read_ends_the_job_and_nothing_is_deleted(shop: SyncHarness) -> None:
    def refuse(name: str, _batch: int) -> None:
        if name == "track":
            raise SourceConfigurationError("permission denied for table track (42501)")

    shop.source.before_batch = refuse

    with pytest.raises(SourceConfigurationError, match="42501"):
        await shop.sync()

    assert shop.deletes() == []
    assert shop.stats.slices[0].finished_at is not None


async def test_a_source_that_does_not_ask_about_its_rows_cannot_cause_deletes(shop: SyncHarness) -> None:
    shop.source.asks_about_rows = False

    with pytest.raises(IncompleteSyncError, match="asked about 0"):
        await shop.sync()

    assert shop.deletes() == []


async def test_l04_while_all_requests_are_held_the_source_is_not_read(shop: SyncHarness) -> None:
    shop.put(*(f"shop_album_{number}" for number in range(1000)), title="changed too")
    shop.with_bulk(chunk_size=10, max_concurrency=2)
    hold = shop.server.faults.add(Hold(), path="*/_bulk")
    running = asyncio.create_task(shop.sync())
    await hold.struck()
    for _ in range(200):
        await asyncio.sleep(0)

    read_while_held = shop.stats.read

    shop.server.faults.remove(hold)
    await running
    assert read_while_held <= 40
    assert await shop.content() == shop.expected()
