"""Two tables that were synced, and changes that the next sync finds."""

from collections.abc import AsyncIterator

import pytest

from sandbox.elasticsearch import Server
from tests.support.sync_harness import SyncHarness, sync_harness


@pytest.fixture
async def shop(elasticsearch: Server) -> AsyncIterator[SyncHarness]:
    """Two tables, synced; then one row of each is gone, one changed, one new."""
    async with sync_harness(elasticsearch) as opened:
        for table in ("album", "track"):
            opened.put(*(f"shop_{table}_{number}" for number in range(10)), table=table)
        await opened.sync()
        for table in ("album", "track"):
            del opened.source.tables[table][f"shop_{table}_2"]
            opened.put(f"shop_{table}_1", f"shop_{table}_new", table=table, title="changed")
        yield opened
