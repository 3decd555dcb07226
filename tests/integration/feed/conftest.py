"""A server of each version that writes what logical replication needs, and a database for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from sandbox.postgresql import Cluster
from tests.support.database import Database, database_on
from tests.support.postgresql import server, versions


@pytest.fixture(scope="session", params=versions())
def logical(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A server for the whole run."""
    settings = {"wal_level": "logical", "wal_sender_timeout": "3s", "max_replication_slots": "6"}
    with server(request.param, settings) as cluster:
        yield cluster


@pytest.fixture
async def database(logical: Cluster) -> AsyncIterator[Database]:
    """A database of its own, all of whose tables are published."""
    async with database_on(logical) as database:
        await database.execute("CREATE PUBLICATION elastic_ingest FOR ALL TABLES")
        yield database
        assert await database.value("SELECT count(*) FROM pg_replication_slots") == 0
