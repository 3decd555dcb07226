"""A database and the index that is kept in step with it."""

from collections.abc import AsyncIterator

import pytest

from sandbox.elasticsearch import Server
from sandbox.postgresql import Cluster
from tests.integration.sync.mirror import Mirror
from tests.support.database import database_on
from tests.support.sync_harness import sync_harness


@pytest.fixture
async def mirror(cluster: Cluster, elasticsearch: Server) -> AsyncIterator[Mirror]:
    async with database_on(cluster) as database, sync_harness(elasticsearch) as index:
        yield Mirror(database, index)
