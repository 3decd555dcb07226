"""One side of the contract: the embedded server, or the real cluster that ELASTICSEARCH_URL names."""

import os
from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.elasticsearch import Security, User, serve
from tests.contract.elasticsearch.api import Api, without_credentials

CLUSTER = os.environ.get("ELASTICSEARCH_URL")
SIDES = ["cluster"] if CLUSTER else ["embedded"]


@pytest.fixture(params=SIDES)
async def client_url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The address of an Elasticsearch, with user and password in it."""
    if request.param == "cluster":
        yield CLUSTER or ""
        return
    async with serve(security=Security([User("elastic", "changeme")])) as server:
        yield server.url.replace("http://", "http://elastic:changeme@")


@pytest.fixture
async def api(client_url: str) -> AsyncIterator[Api]:
    """An Elasticsearch in which the test has its own names."""
    url, authorization = without_credentials(client_url)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as session:
        api = Api(session, url, authorization, is_embedded=client_url != CLUSTER)
        yield api
        await api.clean_up()
