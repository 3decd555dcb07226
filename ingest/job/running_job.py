"""A job that this process is busy with: who, since when, how far. The log and the status page read it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from ingest.elasticsearch.retry import Backoff
from ingest.protocol import SyncJob
from ingest.sync.progress.following import Following
from ingest.sync.progress.stats import Stats

LONG_PAUSE_SECONDS: Final = 5.0
"""From this length on a pause before a retry makes room for the jobs of other connectors."""


class Phase(StrEnum):
    """How far a job is on its way through this process."""

    CLAIMING = "claiming"
    CHECKING = "checking"
    """The source is opened and checked; nothing has been written."""
    SYNCING = "syncing"
    ENDING = "ending"
    """The outcome is known and is being reported."""


@dataclass(slots=True, kw_only=True)
class RunningJob:
    """One job from the attempt to claim it until its ending was reported.

    Written by the runner alone. Readers get plain values and must not keep references to `stats`, which
    changes while they look.
    """

    job: SyncJob
    """As it was found waiting; from the claim on, as it was claimed."""
    phase: Phase = Phase.CLAIMING
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    stats: Stats = field(default_factory=Stats)
    following: Following | None = None
    """Of a job that follows its source."""
    ended: SyncJob | None = None
    """As it was when its ending had been reported; None before, and if it was lost."""
    monotonic: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _long_pauses: int = 0

    def __post_init__(self) -> None:
        self._started = self.monotonic()

    @property
    def seconds(self) -> float:
        """How long this process has been busy with the job."""
        return self.monotonic() - self._started

    @property
    def attempt(self) -> int:
        """Which attempt at the job this is, from 1 on; earlier ones were suspended."""
        return len(self.job.attempts()) + 1

    @property
    def needs_room(self) -> bool:
        """Whether it counts among the jobs that may run at a time.

        One that has caught up and stays does little, and would never give its room back.
        """
        return not self.is_paused and not self.is_following

    @property
    def is_following(self) -> bool:
        """Whether the job has caught up and stays."""
        return self.following is not None and self.following.way is not None

    @property
    def is_paused(self) -> bool:
        """Whether the job waits for its next retry and needs no room meanwhile."""
        return self._long_pauses > 0

    def noticing_pauses(self, policy: Backoff) -> Backoff:
        """Return the retry policy with its pauses noted here."""

        async def sleep(seconds: float) -> None:
            with self._pausing(seconds):
                await policy.sleep(seconds)

        return replace(policy, sleep=sleep)

    @contextmanager
    def _pausing(self, seconds: float) -> Iterator[None]:
        counted = int(seconds >= LONG_PAUSE_SECONDS)
        self._long_pauses += counted
        try:
            yield
        finally:
            self._long_pauses -= counted
