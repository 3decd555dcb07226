"""A source with two tables and an index that holds an older state of them."""

from collections.abc import AsyncIterator

import pytest

from sandbox.elasticsearch import Server
from tests.support.sync_harness import SyncHarness, sync_harness


@pytest.fixture
async def shop(elasticsearch: Server) -> AsyncIterator[SyncHarness]:
    """Synced once, changed since: what a sync must add, update, keep and delete."""
    async with sync_harness(elasticsearch) as opened:
        await age(opened)
        yield opened


async def age(shop: SyncHarness) -> None:
    """Sync, then change the source: one insert, one update, one delete a table."""
    for table in ("album", "track"):
        shop.put(*(f"shop_{table}_{number}" for number in range(5)), table=table)
    await shop.sync()
    for table in ("album", "track"):
        shop.put(f"shop_{table}_new", table=table)
        shop.put(f"shop_{table}_1", table=table, title="changed")
        del shop.source.tables[table][f"shop_{table}_2"]
    shop.server.journal.clear()
    shop.wire.bulk_bodies.clear()
