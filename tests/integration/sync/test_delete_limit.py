"""A job deletes no more of a table's documents than its connector allows, and says how to let it pass."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ingest.errors import TooManyDeletesError
from ingest.sync.rules import BasicRules
from sandbox.elasticsearch import Server
from tests.support.sync_harness import SyncHarness, actions_in, sync_harness

ROWS = 1_200


@pytest.fixture
async def shop(elasticsearch: Server) -> AsyncIterator[SyncHarness]:
    """A source with a table of 1,200 rows and a small one, both synced."""
    async with sync_harness(elasticsearch) as opened:
        opened.put(*(f"shop_album_{number}" for number in range(ROWS)))
        opened.put(*(f"shop_note_{number}" for number in range(20)), table="note")
        await opened.sync()
        yield opened


def leave(shop: SyncHarness, table: str, rows: int) -> None:
    """Delete all but the first rows of a table."""
    kept = [f"shop_{table}_{number}" for number in range(rows)]
    shop.source.tables[table].clear()
    if kept:
        shop.put(*kept, table=table)


async def test_an_emptied_table_ends_the_job_and_deletes_nothing(shop: SyncHarness) -> None:
    leave(shop, "album", 0)
    leave(shop, "note", 3)

    with pytest.raises(TooManyDeletesError, match=r"album.*1,200 of 1,200.*max_deleted_share"):
        await shop.sync()

    assert len(await shop.documents()) == ROWS + 20
    assert shop.stats.deleted == 0


async def test_what_a_table_still_has_is_written_all_the_same(shop: SyncHarness) -> None:
    leave(shop, "album", 3)
    shop.put("shop_album_0", title="changed")

    with pytest.raises(TooManyDeletesError):
        await shop.sync()

    assert (await shop.documents())["shop_album_0"]["title"] == "changed"


async def test_up_to_the_share_documents_are_deleted(shop: SyncHarness) -> None:
    leave(shop, "album", ROWS // 2)

    stats = await shop.sync()

    assert stats.deleted == ROWS // 2


async def test_a_connector_may_allow_any_share(shop: SyncHarness) -> None:
    leave(shop, "album", 0)
    shop.options = replace(shop.options, max_deleted_share=1.0)

    stats = await shop.sync()

    assert stats.deleted == ROWS
    assert len(await shop.documents()) == 20


async def test_requests_that_delete_hold_to_the_limits_of_bulk_requests(shop: SyncHarness) -> None:
    leave(shop, "album", ROWS // 2)
    shop.with_bulk(chunk_size=100)
    shop.wire.bulk_bodies.clear()

    stats = await shop.sync()

    assert stats.deleted == ROWS // 2
    assert [len(actions_in(body)) for body in shop.wire.bulk_bodies] == [100] * 6


async def test_a_small_table_may_lose_all_of_its_documents(shop: SyncHarness) -> None:
    leave(shop, "note", 0)

    assert (await shop.sync()).deleted == 20


async def test_new_ids_for_the_same_rows_are_no_loss(shop: SyncHarness) -> None:
    shop.source.tables["album"].clear()
    shop.put(*(f"shop_album_new_{number}" for number in range(ROWS)))

    stats = await shop.sync()

    assert (stats.created, stats.deleted) == (ROWS, ROWS)


async def test_what_a_rule_excludes_is_no_loss(shop: SyncHarness) -> None:
    rule = {"id": "1", "policy": "exclude", "field": "table", "rule": "equals", "value": "album", "order": 1}
    shop.rules = BasicRules.from_wire([rule])

    stats = await shop.sync()

    assert stats.deleted == ROWS


async def test_with_rules_lost_rows_still_stop_the_job(shop: SyncHarness) -> None:
    rule = {"id": "1", "policy": "exclude", "field": "table", "rule": "equals", "value": "note", "order": 1}
    shop.rules = BasicRules.from_wire([rule])
    leave(shop, "album", 0)

    with pytest.raises(TooManyDeletesError):
        await shop.sync()

    assert len(await shop.documents()) == ROWS + 20
