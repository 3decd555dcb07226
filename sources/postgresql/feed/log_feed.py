"""A feed from the server's log: a slot that lives as long as the connection, and keys gathered from it.

    walsender ---> socket ---> pending ---> moment() ---> whoever reads the rows
        ^             |            |                             |
        |             +-- is not read while the pending keys are full
        +---- how far we are, every few seconds and after acknowledge() ----+

Two tasks work while nobody waits: one tells the server that we live, also while the socket is not read; the
other looks at the structure of the tables, which the log does not tell, and at what the slot holds back.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sources.errors import SourceError
from sources.feed import FeedLostError, Moment
from sources.postgresql.connection import Database
from sources.postgresql.failures import translated
from sources.postgresql.feed import queries
from sources.postgresql.feed.ddl_watch import Watch
from sources.postgresql.feed.messages import MessageError
from sources.postgresql.feed.pending_keys import KEY_NOT_TOLD, PendingKeys, Taken
from sources.postgresql.feed.replication import Replication
from sources.postgresql.feed.visibility import Visible, end_of_record, position_of

MESSAGES_AT_ONCE: Final = 2_000
"""How many messages are taken before others get a turn."""
LINGER_SECONDS: Final = 0.1
"""How long a moment stays open for changes that share the work, from the first on."""
LINGERS: Final = 4
"""How often it is looked meanwhile whether there are enough."""
MOST_TIMES_NOT_TOLD: Final = 3
"""In how many moments the key of a slice's row may not be told before nothing of the slice counts as told."""
_LONGEST_PAUSE_SECONDS: Final = 0.2
"""Between two looks whether transactions can be seen."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How often what is done, and how long what may take."""

    report_seconds: float = 10
    watch_seconds: float = 5
    silence_seconds: float = 60
    """How long the server may send nothing although it is asked to answer."""


class LogFeed:
    """See `sources.feed.Feed`."""

    def __init__(
        self,
        database: Database,
        replication: Replication,
        pending: PendingKeys,
        watch: Watch,
        times: Times,
    ) -> None:
        self._database = database
        self._replication = replication
        self._pending = pending
        self._times = times
        self._watch = watch
        self._clock_ahead = 0.0
        self._silent: dict[str, str] = {}
        self._times_not_told: Counter[str] = Counter()
        self._told = asyncio.Event()
        self._sealed: Taken | None = None
        self._sealed_position = 0
        self._given = self._acknowledged = pending.position
        self._failure: SourceError | None = None

    @property
    def silent(self) -> Mapping[str, str]:
        return self._silent

    async def now(self) -> int:
        self.require_open()
        text: str = await self._value(queries.NOW)
        await self._asked(self._watch.look(self))  # after it, so that it sees what was changed until then
        return end_of_record(position_of(text))

    async def moment(self, within: float) -> Moment:
        deadline = time.monotonic() + within
        if self._sealed is None:
            await self._something(deadline)
            while self._pending.unknown:
                await self._asked(self._watch.place(self))
            self._sealed, self._sealed_position = self._pending.take(), self._pending.position
            self.read_on()
        is_seen = await self._is_seen(self._sealed.xids, deadline)
        self.require_open()
        if not is_seen:
            return Moment(position=self._given)
        taken, self._sealed = self._sealed, None
        self._given = self._sealed_position
        return Moment(
            position=self._given,
            keys={name: tuple(keys) for name, keys in taken.keys.items()},
            doubted=self._doubted(taken),
            committed=None if taken.committed is None else taken.committed + self._clock_ahead,
            changes=taken.changes,
        )

    def acknowledge(self, moment: Moment) -> None:
        self.require_open()
        if moment.position > self._acknowledged:
            self._acknowledged = moment.position
            self._report(ask=False)

    def start(self, silent: Mapping[str, str], clock_ahead_seconds: float) -> None:
        """Note what nothing will be told of, and how far our clock is ahead of the server's."""
        self._silent.update(silent)
        self._clock_ahead = clock_ahead_seconds

    def become_silent(self, name: str, reason: str) -> None:
        """Note that the log tells nothing of a slice any more."""
        self._silent[name] = reason
        self.doubt(name, reason)

    def doubt(self, name: str, reason: str) -> None:
        """Note that keys do not tell what changed of a slice."""
        self._pending.doubt(name, reason)
        self._told.set()

    def fail(self, error: SourceError) -> None:
        """End the feed: whatever is asked of it from now on raises this."""
        if self._failure is None:
            self._failure = error
            self._replication.unwatch()
            self._told.set()

    def require_open(self) -> None:
        """Raise FeedLostError if the feed has ended."""
        if self._failure is not None:
            raise FeedLostError(str(self._failure)) from self._failure

    def read_on(self) -> None:
        """Read from the socket, unless what was told waits to be taken."""
        if self._failure is None and not self._pending.is_full:
            self._replication.watch(self._readable)
            self._drain()

    @property
    def is_reading(self) -> bool:
        """Whether the server is listened to."""
        return self._replication.is_watched

    async def keep_alive(self) -> None:
        """Tell the server how far we are as long as the feed is open, whether or not the socket is read."""
        while self._failure is None:
            await asyncio.sleep(self._times.report_seconds)
            silent_for = time.monotonic() - self._replication.heard
            if self.is_reading and silent_for > self._times.silence_seconds:
                self.fail(FeedLostError(f"The server sent nothing for {silent_for:.0f} seconds."))
            self._report(ask=True)

    def _readable(self) -> None:
        try:
            self._replication.consume()
        except SourceError as error:
            self.fail(error)
        else:
            self._drain()

    def _drain(self) -> None:
        """Take messages that have arrived, as long as there is room."""
        if self._failure is not None or self._pending.is_full:
            return
        try:
            is_all = self._replication.receive(self._pending, MESSAGES_AT_ONCE)
        except (SourceError, MessageError) as error:
            self.fail(
                error
                if isinstance(error, SourceError)
                else FeedLostError(f"The server's log cannot be read: {error}.")
            )
            return
        self._told.set()
        if self._replication.asked:
            self._report(ask=False)
        if self._pending.is_full:
            self._replication.unwatch()
        elif not is_all:
            asyncio.get_running_loop().call_soon(self._drain)

    def _report(self, *, ask: bool) -> None:
        if self._failure is not None:
            return
        try:
            self._replication.report(self._pending.position, self._acknowledged, ask=ask)
        except SourceError as error:
            self.fail(error)

    async def _something(self, deadline: float) -> None:
        """Wait until something was told, and a little longer; at most until the deadline."""
        while True:
            self.require_open()
            self._told.clear()
            if not self._pending.is_empty:
                break
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            try:
                async with asyncio.timeout(remaining):
                    await self._told.wait()
            except TimeoutError:
                return
        for _ in range(LINGERS):
            if not self._pending.is_much:
                await asyncio.sleep(LINGER_SECONDS / LINGERS)

    async def _is_seen(self, xids: set[int], deadline: float) -> bool:
        """Wait until a snapshot sees these transactions."""
        pause = 0.002
        while xids:
            seen = Visible.parsed(await self._value(queries.SNAPSHOT))
            if seen.includes(xids):
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        return True

    def _doubted(self, taken: Taken) -> dict[str, str]:
        """Return what is doubted. Where keys are not told again and again, the slice becomes silent.

        A doubt means a look at once, however long that takes; silent slices are looked at in their turn.
        """
        doubted = {
            name: reason
            for name, reason in taken.doubted.items()
            if reason != KEY_NOT_TOLD or name not in self._silent
        }
        for name, reason in doubted.items():
            self._times_not_told[name] += reason == KEY_NOT_TOLD
            if self._times_not_told[name] >= MOST_TIMES_NOT_TOLD:
                self._silent.setdefault(name, KEY_NOT_TOLD)
        return doubted

    async def _value(self, query: str, *arguments: Any) -> Any:
        return await self._asked(value(self._database, query, *arguments))

    async def _asked(self, asking: Awaitable[_Answer]) -> _Answer:
        """Return what the server answers; a feed that cannot ask has ended."""
        try:
            return await asking
        except SourceError as error:
            self.fail(error)
            self.require_open()
            raise


async def value(database: Database, query: str, *arguments: Any) -> Any:
    """Return the first value of a query in a transaction of its own. Raises SourceError."""
    with translated("Asking about the server's log"):
        async with database.transaction() as connection:
            return await connection.fetchval(query, *arguments, timeout=database.limits.command_seconds)
