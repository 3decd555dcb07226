"""A server of each version, and an empty database on it for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from sandbox.postgresql import Cluster
from tests.support.database import Database, database_on
from tests.support.postgresql import server, versions


@pytest.fixture(scope="session", params=versions())
def versioned(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A server for the whole run; no test may restart it or crash it."""
    with server(request.param) as cluster:
        yield cluster


@pytest.fixture
async def database(versioned: Cluster) -> AsyncIterator[Database]:
    """A database of its own on each version."""
    async with database_on(versioned) as database:
        yield database


@pytest.fixture(params=versions())
def own_cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A server of the test's own, to be stopped, crashed and set back."""
    with server(request.param) as cluster:
        yield cluster
