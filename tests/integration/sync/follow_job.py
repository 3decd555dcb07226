"""A job that follows, run beside a test that changes tables and looks at the index."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ingest.sync.comparison.cursor import Cursor
from ingest.sync.kinds.follow.loop import follow
from ingest.sync.progress.following import Following, Way
from ingest.sync.progress.stats import Stats
from tests.integration.sync.synced_database import SyncedDatabase, as_text

PATIENCE_SECONDS = 120.0
INTERVAL_SECONDS = 0.05


@dataclass(slots=True, kw_only=True)
class FollowJob:
    """The job, and what it has stored so far."""

    world: SyncedDatabase
    stats: Stats
    following: Following
    stored: list[Any] = field(default_factory=list)
    cursor: Any = None
    """What the job returned."""
    seconds: float = INTERVAL_SECONDS
    caught_up_with: int = 0
    """How many writes were acknowledged when it had caught up."""
    stored_after: int = -1
    """How many were when it stored the cursor last."""
    task: "asyncio.Task[Any] | None" = None

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something; fail if the job ends before it is so, or if it takes very long."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self._require_alive()
                await asyncio.sleep(self.seconds / 2)

    async def until_equal(self) -> None:
        """Wait until the index is the tables."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while as_text(await self.world.index.content()) != as_text(await self.world.expected()):
                self._require_alive()
                await asyncio.sleep(self.seconds)

    async def until_written(self, count: int) -> None:
        """Wait until so many documents were written since the job had caught up."""
        before = self.caught_up_with
        await self.until(lambda: self.stats.written - before >= count)

    async def until_calm(self) -> None:
        """Wait until it has looked once and stored where it is."""
        await self.until(lambda: self.stats.counts()["skipped"] == 80)
        await self.until_stored()

    async def until_stored(self) -> None:
        """Wait until the cursor was stored after what was written last."""
        written = self.stats.written
        await self.until(lambda: bool(self.stored) and self.stored_after >= written)

    async def until_ended(self) -> None:
        """Wait for the job to end by itself."""
        assert self.task is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait({self.task})

    def _require_alive(self) -> None:
        assert self.task is not None
        if self.task.done():
            self.task.result()
            raise AssertionError(f"The job ended: {self.following.ends_because}")


@asynccontextmanager
async def follow_job(
    world: SyncedDatabase, *, urgent: bool = False, way: Way | None = Way.POLLING
) -> AsyncIterator[FollowJob]:
    """Run a job until the end of the block, once it has caught up; it ends in order."""
    stats = Stats()
    stored: list[Any] = []

    async def store(wire: Mapping[str, Any]) -> None:
        stored.append(orjson.loads(orjson.dumps(wire)))
        job.stored_after = stats.written

    following = Following(store=store)
    stats.following = following
    job = FollowJob(world=world, stats=stats, following=following, stored=stored)

    async def run() -> None:
        async with world.database.source(**world.configuration) as opened:
            request = replace(
                world.index.request(opened),
                cursor=world.cursor,
                options=replace(world.index.options, follow_seconds=INTERVAL_SECONDS),
            )
            cursor: Cursor | None = await follow(
                request, replace(world.index.context(stats), following=following)
            )
        job.cursor = None if cursor is None else orjson.loads(orjson.dumps(await cursor.to_wire()))

    job.task = asyncio.create_task(run())
    try:
        await job.until(lambda: following.way is (way or following.way or Way.LOG))
        job.caught_up_with = stats.written
        yield job
        following.ask_to_end("The test is over.", urgent=urgent)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await job.task
    finally:
        job.task.cancel()
        await asyncio.wait({job.task})
