"""Opening a feed: what is missing is said first, then a slot, then everything from there on is told."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sources.contract import Slice
from sources.errors import SourceError, SourceUnavailableError
from sources.feed import FeedLostError, NoFeedError
from sources.postgresql.connection import Database
from sources.postgresql.failures import translated
from sources.postgresql.feed import coverage, queries
from sources.postgresql.feed.coverage import Server
from sources.postgresql.feed.coverage_query import Observation, observe
from sources.postgresql.feed.ddl_watch import Watch, relations_of, silences, watch
from sources.postgresql.feed.log_feed import LogFeed, Times, value
from sources.postgresql.feed.pending_keys import ROOM_BYTES, PendingKeys
from sources.postgresql.feed.replication import Replication, connected, require_one_server
from sources.postgresql.feed.visibility import position_of
from sources.postgresql.read.tables import TableSlice

SLOT_SECONDS: Final = 30
"""How long to wait for the transactions that are open when a slot is created."""
SEEN_SECONDS: Final = 2
"""How long to wait for those that were open when it was there to be seen."""
_GONE_ATTEMPTS: Final = 20
_NO_TABLE: Final = "The result of a rule has no rows of its own in the log."


@dataclass(slots=True, kw_only=True)
class Opening:
    """What it takes to open a feed, and what was learned from those before."""

    database: Database
    converts: bool = True
    """Whether the server is asked to convert texts: until it meets one, of whatever table, that it cannot."""
    times: Times = field(default_factory=Times)
    slot_seconds: float = SLOT_SECONDS
    room_bytes: int = ROOM_BYTES

    @asynccontextmanager
    async def feed(self, slices: Sequence[Slice]) -> AsyncIterator[LogFeed]:
        """Open a feed of slices; see `sources.feed.Feeding`."""
        silent = {one.name: _NO_TABLE for one in slices if not isinstance(one, TableSlice)}
        observation = await self._observed([one for one in slices if isinstance(one, TableSlice)])
        silent |= self._silent(observation)
        slot = f"{coverage.SLOT_PREFIX}{secrets.token_hex(8)}"
        server = observation.server
        encoding, codec = self._encoding_of(server)
        async with connected(self.database, encoding) as replication:
            pid = replication.pid
            await require_one_server(replication, server.started)
            times = await self._times_of(replication)
            begins = await self._slot(replication, slot)
            pending = PendingKeys(self.room_bytes, codec)
            pending.alive(begins)
            told = [table for table in observation.tables if table.label not in silent]
            for oid, followed in relations_of(told).items():
                pending.place(oid, followed)
            watched = Watch(
                database=self.database,
                slot=slot,
                pending=pending,
                seen=observation,
                unseen=await self._unseen(),
            )
            feed = LogFeed(self.database, replication, pending, watched, times)
            feed.start(silent, await self._clock_ahead())
            await replication.start(slot, self.database.settings.follow_publication)
            try:
                async with _at_work(feed, watched, times):
                    yield feed
            finally:
                self.converts = self.converts and not replication.has_met_unconvertible
        await self._require_gone(slot, pid)

    def _encoding_of(self, server: Server) -> tuple[str, str]:
        """Return what texts are sent in, and the codec that reads keys.

        SQL_ASCII may hold anything, which is read as UTF-8 like rows are. Of what any other encoding leaves
        unconverted ASCII alone is certain; a slice is doubted when a key is something else.
        """
        if server.encoding in ("UTF8", "SQL_ASCII"):
            return server.encoding, "utf-8"
        return ("UTF8", "utf-8") if self.converts else (server.encoding, "ascii")

    async def _observed(self, slices: Sequence[TableSlice]) -> Observation:
        """Look at the server and the tables. Raises NoFeedError if the log tells nothing of any."""
        settings, limits = self.database.settings, self.database.limits
        with translated("Asking about the server's log"):
            async with self.database.transaction() as connection:
                targets = [one.target for one in slices]
                observation = await observe(connection, settings, targets, limits.command_seconds)
        if gaps := coverage.server_gaps(observation.server, settings.follow_publication):
            raise NoFeedError(" ".join(str(gap) for gap in gaps))
        return observation

    def _silent(self, observation: Observation) -> dict[str, str]:
        publication = self.database.settings.follow_publication
        silent = silences(observation, publication)
        if len(silent) == len(observation.tables):
            gaps = coverage.table_gaps(
                observation.tables, publication, tells_roots=observation.server.tells_roots
            )
            reasons = [str(gap) for gap in gaps] or [_NO_TABLE]
            raise NoFeedError(" ".join(["The log tells nothing of what is to be followed.", *reasons]))
        return dict(silent)

    async def _slot(self, replication: Replication, name: str) -> int:
        """Create the slot; return the position from which on everything is told."""
        try:
            async with asyncio.timeout(self.slot_seconds):
                return position_of(await replication.create_slot(name))
        except TimeoutError:
            blocking = await self._value(queries.BLOCKING, replication.pid)
            prepared = await self._value(queries.PREPARED)
            named = [f"prepared {prepared}" if prepared else "", blocking or ""]
            raise SourceUnavailableError(
                f"The server's log cannot be followed before transactions end that have been open for over"
                f" {self.slot_seconds:g} seconds ({', '.join(filter(None, named)) or 'which are not shown'})."
            ) from None
        finally:
            if not replication.has_slot:  # the server would go on waiting, and not notice that we are gone
                with suppress(SourceError):
                    await self._value(queries.END_SESSION, replication.pid)

    async def _unseen(self) -> frozenset[int]:
        """Return the transactions that were open when the slot began, but for those that end soon.

        One whose commit was on disk before that, and which is still not seen, will be told by nobody.
        """
        open_then = frozenset(await self._value(queries.RUNNING))
        deadline = asyncio.get_running_loop().time() + SEEN_SECONDS
        while open_then and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
            open_then &= frozenset(await self._value(queries.RUNNING))
        return open_then

    async def _times_of(self, replication: Replication) -> Times:
        """Return how often to report, which the server may want to be more often."""
        text = (await replication.rows(queries.SENDER_TIMEOUT))[0][0]
        timeout = int(text or 0) / 1000
        if not timeout:
            return self.times
        return replace(self.times, report_seconds=min(self.times.report_seconds, timeout / 3))

    async def _clock_ahead(self) -> float:
        before = time.time()
        theirs: float = await self._value(queries.CLOCK)
        return (before + time.time()) / 2 - theirs

    async def _value(self, query: str, *arguments: Any) -> Any:
        return await value(self.database, query, *arguments)

    async def _require_gone(self, slot: str, pid: int) -> None:
        """Wait until the server has noticed, and end its process if it does not."""
        with suppress(SourceError):
            for attempt in range(_GONE_ATTEMPTS):
                if not await self._value(queries.SLOT_IS_THERE, slot):
                    return
                if attempt == _GONE_ATTEMPTS // 2:
                    await self._value(queries.END_SESSION, pid)
                await asyncio.sleep(0.02 * attempt)


@asynccontextmanager
async def _at_work(feed: LogFeed, watched: Watch, times: Times) -> AsyncIterator[None]:
    """Let a feed read, report and look while the body runs."""
    tasks = [
        asyncio.create_task(feed.keep_alive()),
        asyncio.create_task(watch(watched, feed, times.watch_seconds)),
    ]
    for task in tasks:
        task.add_done_callback(lambda done: _fail_with(done, feed))
    feed.read_on()
    try:
        yield
    finally:
        feed.fail(FeedLostError("The feed was closed."))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _fail_with(task: "asyncio.Task[None]", feed: LogFeed) -> None:
    """End a feed that nobody looks after any more, whatever the reason."""
    if not task.cancelled() and (error := task.exception()) is not None:
        feed.fail(FeedLostError(f"Looking after the feed failed: {error}"))
