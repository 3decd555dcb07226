"""A source with one table that was never synced."""

from collections.abc import AsyncIterator

import pytest

from sandbox.elasticsearch import Server
from tests.support.sync_harness import SyncHarness, sync_harness


@pytest.fixture
async def shop(elasticsearch: Server) -> AsyncIterator[SyncHarness]:
    """A source with one table of seven rows, never synced."""
    async with sync_harness(elasticsearch) as opened:
        opened.put(*(f"shop_album_{number}" for number in range(7)))
        yield opened
