"""The contract of a feed: a source that tells which rows changed while they change.

    async with source.feed(slices) as feed:              nothing that is committed from here on is missed
        while True:
            moment = await feed.moment(within=2.0)       which rows, by their keys; never what they say
            for slice, keys in moment.keys.items():      rows are read as ever: lock, snapshot, the same lines
                async with slice.snapshot() as snapshot:
                    snapshot.rows(keys)                  a row that is not there is told as absent
            feed.acknowledge(moment)                     it is in the index: the source may forget it

A feed holds something of the source only as long as its connection lives. What happened before it was
opened, or after it was lost, is found by `Snapshot.changes`; so a feed is opened first, and what changed
until then is read afterwards.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from sources.contract import Key, Slice
from sources.errors import SourceError, SourceUnavailableError


class NoFeedError(SourceError):
    """The source has no feed as it is configured: each sentence says what is missing and what to do."""


class FeedLostError(SourceUnavailableError):
    """A feed ended: its connection was lost, or it held back more than it may. Another one may be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What was committed since the moment before, or a part of that if it was much."""

    position: int
    """Everything committed up to here has been told, in this moment or an earlier one. Never falls."""
    keys: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    """By the name of a slice: which rows were written or deleted, each key once.

    If a row's key changed, both are here. Keys are for `Snapshot.rows` of that slice and mean nothing else.
    """
    doubted: Mapping[str, str] = field(default_factory=dict)
    """By the name of a slice: why keys do not tell what changed, as after TRUNCATE; it has to be compared."""
    committed: float | None = None
    """When the oldest change of this moment was committed, in seconds since the epoch, by our clock as far as
    that can be told; None if there is none.
    """
    changes: int = 0
    """How many changes were told, those of one row counted each."""


class Feed(Protocol):
    """An open feed. Used by one task; works on in the background while that task does not wait for it.

    It gathers what comes, up to a bound of its own; beyond that it lets the source wait. Every method raises
    FeedLostError once the feed has ended.
    """

    @property
    def silent(self) -> Mapping[str, str]:
        """Slices whose changes are not told, by name, and why. May grow while the feed is open.

        A slice that becomes silent is `doubted` in the moment from which on it is.
        """

    async def now(self) -> int:
        """Return a position at or after that of every transaction whose commit anybody has seen so far.

        What was not told of these is doubted by the first moment beyond this position, or has ended the feed.
        """

    async def moment(self, within: float) -> Moment:
        """Wait for changes, for so many seconds at most, and a little longer for others to share the work.

        Without any, the moment says how far the feed has come. Canceled, nothing is lost: what was gathered
        is told by the next call. Every moment ends up acknowledged, in the order they were given.
        """

    def acknowledge(self, moment: Moment) -> None:
        """Note that everything up to this moment is where it should be, and never needed again."""


@runtime_checkable
class Feeding(Protocol):
    """A source that has feeds."""

    def feed(self, slices: Sequence[Slice]) -> AbstractAsyncContextManager[Feed]:
        """Open a feed of slices that `Source.slices` returned, or of these narrowed.

        Entering raises NoFeedError, with every reason at once, if that takes a person to change, and
        SourceUnavailableError if it may succeed later. Leaving ends it and leaves nothing behind.
        """
