"""Following a database as the service does: gather moments, read their rows, keep what they say."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import orjson

from sources.contract import ID_END, Batch, Slice
from sources.errors import SourceError
from sources.feed import Feed, Moment
from sources.postgresql import PostgreSQL
from sources.postgresql.feed.log_feed import Times
from sources.postgresql.feed.opening import Opening
from tests.support.database import BRISK, Database

OFTEN = Times(report_seconds=0.5, watch_seconds=0.3)


@dataclass(slots=True)
class Copy:
    """What an index would hold: lines by id, for each slice."""

    slices: Sequence[Slice]
    lines: dict[str, dict[str, bytes]] = field(default_factory=dict)

    async def read_all(self) -> None:
        """Read every slice anew."""
        for slice_ in self.slices:
            await self._read(slice_)

    async def apply(self, moment: Moment) -> None:
        """Read the rows a moment tells of; a doubted slice is read anew."""
        for slice_ in self.slices:
            if slice_.name in moment.doubted:
                await self._read(slice_)
            elif keys := moment.keys.get(slice_.name):
                async with slice_.snapshot() as snapshot, aclosing(snapshot.rows(keys)) as batches:
                    async for batch in batches:
                        self._take(self.lines.setdefault(slice_.name, {}), batch)

    async def _read(self, slice_: Slice) -> None:
        lines: dict[str, bytes] = {}
        try:
            async with aclosing(slice_.batches()) as batches:
                async for batch in batches:
                    self._take(lines, batch)
        except SourceError as error:
            if not any(said in str(error) for said in ("is gone", "does not exist")):
                raise
        self.lines[slice_.name] = lines

    def _take(self, lines: dict[str, bytes], batch: Batch) -> None:
        assert batch.count == batch.lines.count(b"\n")
        told = [orjson.loads(line[: line.index(ID_END)]) for line in batch.lines.splitlines()]
        assert len(set(told)) == len(told)
        assert not set(told) & set(batch.absent)
        lines.update(zip(told, batch.lines.splitlines(), strict=True))
        for absent in batch.absent:
            lines.pop(absent, None)


@dataclass(slots=True)
class Follower:
    """An open feed and the copy it keeps."""

    feed: Feed
    copy: Copy
    moments: list[Moment] = field(default_factory=list)

    async def catch_up(self) -> None:
        """Follow until everything is told that has been committed so far."""
        until = await self.feed.now()
        while True:
            moment = await self.feed.moment(within=1)
            await self.copy.apply(moment)
            self.feed.acknowledge(moment)
            self.moments.append(moment)
            if moment.position >= until:
                return

    async def moment(self) -> Moment:
        """Follow to now and return all that was told since the last time, as one moment."""
        self.moments.clear()
        await self.catch_up()
        keys: dict[str, tuple[object, ...]] = {}
        doubted: dict[str, str] = {}
        for one in self.moments:
            doubted |= one.doubted
            for name, some in one.keys.items():
                keys[name] = (*keys.get(name, ()), *some)
        return Moment(
            position=self.moments[-1].position,
            keys=keys,
            doubted=doubted,
            changes=sum(one.changes for one in self.moments),
        )

    async def require_equal(self) -> None:
        """Make sure that the copy is what the tables are."""
        await self.catch_up()
        now = Copy(self.copy.slices)
        await now.read_all()
        assert self.copy.lines == now.lines


def opening(source: PostgreSQL, times: Times = OFTEN) -> Opening:
    """Return how the source opens a feed, with other times."""
    return Opening(database=source.database, times=times)


async def until(database: Database, condition: str) -> None:
    """Wait until a query says true."""
    async with asyncio.timeout(120):
        while not await database.value(condition):  # noqa: ASYNC110  # the server has no event to wait for
            await asyncio.sleep(0.02)


@asynccontextmanager
async def following(
    database: Database, *, times: Times = OFTEN, **configuration: object
) -> AsyncIterator[Follower]:
    """Open a feed of all slices of a database, and a copy of them as they are then."""
    async with database.source(BRISK, **configuration) as source:
        slices = await source.slices(None, 0)
        async with opening(source, times).feed(slices) as feed:
            copy = Copy(slices)
            await copy.read_all()
            yield Follower(feed, copy)
