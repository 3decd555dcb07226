"""An empty database for each test."""

from collections.abc import AsyncIterator

import pytest

from sandbox.postgresql import Cluster
from tests.support.database import Database, database_on


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    """A database of its own."""
    async with database_on(cluster) as database:
        yield database
