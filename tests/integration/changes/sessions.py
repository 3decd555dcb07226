"""Sessions of a test's own beside the source's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.support.database import Database


@asynccontextmanager
async def another(database: Database) -> AsyncIterator[Any]:
    """Open a second session."""
    cluster = database.cluster
    connection = await asyncpg.connect(
        host=cluster.host, port=cluster.port, user=cluster.user, password=cluster.password,
        database=database.name,
    )  # fmt: skip
    try:
        yield connection
    finally:
        await connection.close()
