"""Following by a feed: one moment after the other, as long as the feed lives.

    feed opened -> everything is looked at once -> moment -> settled -> acknowledged -> moment -> ...

What happened before the feed was opened is found by that look, whose snapshots are later. A feed that is lost
is forgotten: another one is opened, and everything is looked at again.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ingest.sync.kinds.follow.apply import ChangeApplier
from ingest.sync.kinds.follow.followed_slice import FollowedSlice
from ingest.sync.run import SyncRun
from sources.contract import Slice
from sources.feed import Feed, Moment

MARKING_SECONDS = 300.0
"""How often the positions are renewed from which another job would have to read again."""


@dataclass(slots=True, kw_only=True)
class Tailing:
    """One open feed."""

    sync: SyncRun
    feed: Feed
    followed: Mapping[str, FollowedSlice]
    applier: ChangeApplier
    monotonic: Callable[[], float] = time.monotonic
    _marked_at: float = 0.0
    _positions: dict[str, str] = field(default_factory=dict)
    """Positions that become valid once everything is acknowledged up to `_valid_from`, doubts included."""
    _valid_from: int | None = None

    def __post_init__(self) -> None:
        self._marked_at = self.monotonic()

    @property
    def untold(self) -> list[FollowedSlice]:
        """The slices of which this feed tells nothing."""
        return [
            one for name, one in self.followed.items() if name in self.feed.silent or not one.has_versions
        ]

    async def settle(self, moment: Moment) -> bool:
        """Bring the index in step with a moment and acknowledge it; False as `ChangeApplier.apply`."""
        seen_at = self.monotonic()
        if (moment.keys or moment.doubted) and not await self.applier.apply(moment):
            return False
        self.feed.acknowledge(moment)
        for name, one in self.followed.items():
            if name not in self.feed.silent:
                one.seen_at = seen_at
        if self._valid_from is not None and moment.position > self._valid_from:
            self._mark()
        elif self._valid_from is None and self.monotonic() - self._marked_at >= MARKING_SECONDS:
            await self._take_positions()
        return True

    async def _take_positions(self) -> None:
        """Take the position of each slice, and after all of them that of the feed."""
        self._positions = {}
        for name, one in self.followed.items():
            if name in self.feed.silent or one.checkpoint is None or one.checkpoint.position is None:
                continue
            async with wanted(self.sync, one.slice).snapshot() as snapshot:
                if (
                    snapshot.incompatibility(one.checkpoint.position) is None
                    and snapshot.position is not None
                ):
                    self._positions[name] = snapshot.position
        self._valid_from = await self.feed.now()
        self._marked_at = self.monotonic()

    def _mark(self) -> None:
        for name, position in self._positions.items():
            one = self.followed[name]
            if one.checkpoint is not None:
                one.checkpoint = replace(one.checkpoint, position=position)
        self._positions, self._valid_from = {}, None


def wanted(sync: SyncRun, slice_: Slice) -> Slice:
    """Return a slice without what the rules exclude, if its source can leave that out."""
    rules = sync.request.rules
    narrowed = None if rules.is_default else slice_.narrowed(rules.tests)
    return narrowed or slice_
