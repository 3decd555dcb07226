"""A database and its index, brought in step by jobs of both kinds, each beginning where the last ended."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ingest.sync.comparison.cursor import Cursor
from ingest.sync.kinds.full import full_sync
from ingest.sync.kinds.incremental import incremental_sync
from ingest.sync.progress.stats import ComparedBy, Stats
from ingest.sync.request import SyncContext, SyncRequest
from sandbox.elasticsearch import Server
from tests.support.database import Database, read
from tests.support.sync_harness import SyncHarness, actions_in, sync_harness

CHANGES, CONTENT, DIGEST = ComparedBy.CHANGES, ComparedBy.CONTENT, ComparedBy.DIGEST
Kind = Callable[[SyncRequest, SyncContext], Awaitable[Cursor | None]]


@dataclass(slots=True, kw_only=True)
class SyncedDatabase:
    """Keeps the cursor as a connector's document would."""

    database: Database
    index: SyncHarness
    cursor: Any = None
    configuration: dict[str, Any] = field(default_factory=dict)

    async def full(self) -> Stats:
        """Run a full job, and make sure that the index is the tables."""
        return await self._run(full_sync)

    async def incremental(self) -> Stats:
        """Run an incremental job, and make sure that the index is the tables."""
        return await self._run(incremental_sync)

    async def attempt(self, kind: Kind) -> Stats:
        """Run a job; only one that completes leaves a cursor."""
        stats = Stats()
        async with self.database.source(**self.configuration) as source:
            request = replace(self.index.request(source), cursor=self.cursor)
            cursor = await kind(request, self.index.context(stats))
        self.cursor = None if cursor is None else orjson.loads(orjson.dumps(await cursor.to_wire()))
        return stats

    async def expected(self) -> dict[str, dict[str, Any]]:
        """Return what the index has to hold: every row, as a reading from scratch gives it."""
        documents: dict[str, dict[str, Any]] = {}
        async with self.database.source(**self.configuration) as source:
            for slice_ in await source.slices(None, 0):
                narrowed = slice_.narrowed(self.index.rules.tests)
                assert narrowed is not None
                documents |= (await read(narrowed)).documents
        return documents

    async def require_equal(self) -> None:
        """Fail unless the index is the tables."""
        found, expected = await self.index.content(), await self.expected()
        assert sorted(found) == sorted(expected)
        assert as_text(found) == as_text(expected)

    async def _run(self, kind: Kind) -> Stats:
        stats = await self.attempt(kind)
        await self.require_equal()
        return stats

    def sent(self) -> list[tuple[str, str]]:
        """Return and forget the bulk actions that were sent: kind and the key at the end of the id."""
        actions = [
            (action, id_.rpartition("_")[2])
            for body in self.index.wire.bulk_bodies
            for action, id_ in actions_in(body)
        ]
        self.index.wire.bulk_bodies.clear()
        return sorted(actions)


@asynccontextmanager
async def albums_and_tracks(database: Database, server: Server) -> AsyncIterator[SyncedDatabase]:
    """Create two tables of 50 and 30 rows, to be synced to an index of the server."""
    await database.execute(
        "CREATE TABLE album (id int PRIMARY KEY, title text);"
        "CREATE TABLE track (id int PRIMARY KEY, n int);"
        "INSERT INTO album SELECT n, 'title ' || n FROM generate_series(1, 50) AS n;"
        "INSERT INTO track SELECT n, n FROM generate_series(1, 30) AS n"
    )
    async with sync_harness(server) as index:
        yield SyncedDatabase(database=database, index=index)


def as_text(documents: dict[str, dict[str, Any]]) -> bytes:
    """Render documents so that they compare whatever types their numbers were read as."""
    return orjson.dumps(documents, option=orjson.OPT_SORT_KEYS, default=float)


def compared(stats: Stats) -> list[tuple[str, ComparedBy]]:
    """Return how each slice was compared, in order."""
    return [(one.name.partition(".")[2], one.compared_by) for one in stats.slices]


def reasons(stats: Stats) -> Iterable[str]:
    """Return why slices were compared by their content."""
    return [one.reason for one in stats.slices if one.reason] or [stats.reason]
