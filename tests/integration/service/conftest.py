"""The harness the service's tests live in."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.elasticsearch import Server
from tests.support.service_harness import ServiceHarness


@pytest.fixture
async def harness(elasticsearch: Server) -> AsyncIterator[ServiceHarness]:
    """An embedded Elasticsearch with nothing in it, as a user reaches it."""
    async with aiohttp.ClientSession() as session:
        yield ServiceHarness(elasticsearch, session)
