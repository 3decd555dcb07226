"""Fixtures every test may use: a real PostgreSQL server and an embedded Elasticsearch."""

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from sandbox.elasticsearch import Server, serve
from sandbox.postgresql import Cluster

# An example is judged by what it shows, not by how long it took on a machine that does other things as well.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL server for the whole run of this worker."""
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
async def elasticsearch() -> AsyncIterator[Server]:
    """An embedded Elasticsearch of its own for each test, in this process, empty."""
    async with serve() as server:
        yield server
