"""The state of one slice while it is followed, and when it is due to be polled next. Pure.

    interval of a slice = max(follow_interval, 10 * sqrt(its cost) * sum of sqrt(cost) over all slices)

With that, looking takes a tenth of the time at most, and of all ways to divide this tenth it is the one with
the least delay on average: a table that is dear is looked at less often, and does not hold up those that are
cheap.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Final

from ingest.sync.comparison.checkpoints import Checkpoint
from sources.contract import Slice

SHARE: Final = 0.1
"""Of the time, what looking for changes may take."""
LONGEST_SECONDS: Final = 3600.0


@dataclass(slots=True, kw_only=True)
class FollowedSlice:
    """One slice: how its documents compare with its rows, and when that was seen."""

    slice: Slice
    checkpoint: Checkpoint | None = None
    """Where it is, if what changes from here on can be told; None: its content has to be compared."""
    reason: str = ""
    """Why its content has to be compared."""
    documents: int = 0
    """How many documents it has, by what Elasticsearch acknowledged since they were counted."""
    lacking: int = 0
    """How many of its rows have none: it was refused or dropped."""
    is_refused: bool = False
    """Whether a document was refused or dropped, so that a version of before may stand in its place."""
    counted: int = 0
    """How many documents it had a while ago, and when that was: what it has lost since is limited."""
    counted_at: float = float("-inf")
    seconds: float = 0.0
    """What looking at it takes."""
    seen_at: float = 0.0
    """Up to when its changes are in the index."""
    looked_until: float = 0.0
    """When it was looked at last."""
    state: str | None = None
    """The source's state before it was looked at."""

    @property
    def has_versions(self) -> bool:
        """Whether what changed of it can be told by the source."""
        return self.checkpoint is not None and self.checkpoint.position is not None

    @property
    def is_sound(self) -> bool:
        """Whether another job can begin where this one is."""
        return self.checkpoint is not None and not self.is_refused and self.checkpoint.rows == self.documents

    def is_still(self, state: str | None) -> bool:
        """Whether nothing can have changed of it since it was looked at, if the source is in this state."""
        return state is not None and state == self.state and self.has_versions


def intervals(followed: Iterable[FollowedSlice], least_seconds: float) -> dict[str, float]:
    """Return how often to look at each slice, by its name."""
    roots = {one.slice.name: sqrt(max(0.0, one.seconds)) for one in followed}
    whole = sum(roots.values())
    return {
        name: min(max(least_seconds, root * whole / SHARE), LONGEST_SECONDS) for name, root in roots.items()
    }


def due(followed: Iterable[FollowedSlice], least_seconds: float, now: float) -> list[FollowedSlice]:
    """Return the slices to be looked at now."""
    followed = list(followed)
    every = intervals(followed, least_seconds)
    return [one for one in followed if now - one.looked_until >= every[one.slice.name]]
