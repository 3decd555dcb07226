"""The two sides of the contract: the embedded server, and a real cluster when ELASTICSEARCH_URL names one."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest

from sandbox.elasticsearch import Security, User, serve
from tests.contract.elasticsearch.connectors.api import Caller, ConnectorApi, without_credentials

EMBEDDED = "embedded"
CLUSTER = os.environ.get("ELASTICSEARCH_URL")


@pytest.fixture(
    params=[EMBEDDED, *([CLUSTER] if CLUSTER else [])], ids=[EMBEDDED, *(["cluster"] if CLUSTER else [])]
)
async def api(request: pytest.FixtureRequest) -> AsyncIterator[ConnectorApi]:
    """An Elasticsearch in which the test has its own names."""
    async with AsyncExitStack() as stack:
        if request.param == EMBEDDED:
            security = Security(users=(User("elastic", "changeme"),))
            server = await stack.enter_async_context(serve(security=security))
            address = server.url.replace("http://", "http://elastic:changeme@")
        else:
            address = request.param
        url, authorization = without_credentials(address)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        api = ConnectorApi(Caller(session, url, authorization))
        stack.push_async_callback(api.clean_up)
        yield api
