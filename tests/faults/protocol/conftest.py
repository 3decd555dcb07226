"""The world the service's tests live in."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.elasticsearch import Server
from tests.integration.service.world import World


@pytest.fixture
async def world(elasticsearch: Server) -> AsyncIterator[World]:
    """An embedded Elasticsearch with nothing in it, as a user reaches it."""
    async with aiohttp.ClientSession() as session:
        yield World(elasticsearch, session)
