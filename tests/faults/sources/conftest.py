"""A database of its own for every test, directly or behind a proxy that can break."""

from collections.abc import AsyncIterator

import pytest

from sandbox.postgresql import Cluster
from tests.support.database import Database, database_on
from tests.support.fault_proxy import FaultProxy


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    async with database_on(cluster) as database:
        yield database


@pytest.fixture
async def proxied(database: Database) -> AsyncIterator[tuple[FaultProxy, Database]]:
    async with FaultProxy(database.cluster.host, database.cluster.port) as proxy:
        yield proxy, database
