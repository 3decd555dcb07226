"""The connector routes of the side that the parent folder's `conftest.py` opens."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.contract.elasticsearch.api import without_credentials
from tests.contract.elasticsearch.connectors.api import Caller, ConnectorApi


@pytest.fixture
async def api(client_url: str) -> AsyncIterator[ConnectorApi]:
    """The connector routes, with names of the test's own."""
    url, authorization = without_credentials(client_url)
    async with aiohttp.ClientSession() as session:
        api = ConnectorApi(Caller(session, url, authorization))
        yield api
        await api.clean_up()
