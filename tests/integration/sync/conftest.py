"""Two tables and their index, before and after the first sync."""

from collections.abc import AsyncIterator

import pytest

from sandbox.elasticsearch import Server
from sandbox.postgresql import Cluster
from tests.integration.sync.synced_database import SyncedDatabase, albums_and_tracks
from tests.support.database import database_on


@pytest.fixture
async def unsynced(cluster: Cluster, elasticsearch: Server) -> AsyncIterator[SyncedDatabase]:
    async with (
        database_on(cluster) as database,
        albums_and_tracks(database, elasticsearch) as unsynced,
    ):
        yield unsynced


@pytest.fixture
async def synced(unsynced: SyncedDatabase) -> SyncedDatabase:
    await unsynced.full()
    unsynced.sent()
    return unsynced
