"""Intervals of the loops, and the order in which waiting jobs are taken up. Pure but for the waiting."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from ingest.protocol import SyncJob

LONGEST_PAUSE_SECONDS: Final = 60.0
"""Between two tries while they fail."""
JITTER: Final = 0.1
FIRST_DEFERRAL_SECONDS: Final = 1.0
LONGEST_DEFERRAL_SECONDS: Final = 15.0


@dataclass(slots=True)
class Pace:
    """The rhythm of one loop: its interval, with jitter, slower while it fails, at once when woken."""

    interval_seconds: float
    uniform: Callable[[float, float], float] = random.uniform
    monotonic: Callable[[], float] = time.monotonic
    _failures: int = 0
    _soon_seconds: float | None = None
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def succeeded(self) -> None:
        """Go back to the interval."""
        self._failures = 0

    def failed(self) -> None:
        """Slow down: double the pause."""
        self._failures += 1

    def refused(self) -> None:
        """Take the longest pause: a refused key is not accepted a second later."""
        self._failures = 64

    def wake(self) -> None:
        """End the current pause, or skip the next."""
        self._woken.set()

    def look_within(self, seconds: float) -> None:
        """Make the next pause no longer than this."""
        self._soon_seconds = seconds if self._soon_seconds is None else min(self._soon_seconds, seconds)

    def next_pause(self) -> float:
        """Draw the next pause."""
        pause = self.interval_seconds
        if self._failures:
            pause = min(pause * 2.0 ** min(self._failures, 32), max(LONGEST_PAUSE_SECONDS, pause))
        pause *= self.uniform(1 - JITTER, 1 + JITTER)
        soon, self._soon_seconds = self._soon_seconds, None
        return pause if soon is None or self._failures else min(pause, max(soon, 0.0))

    async def pause(self) -> None:
        """Wait for the next turn of the loop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.next_pause()):
                await self._woken.wait()
        self._woken.clear()


@dataclass(slots=True)
class Turns:
    """The order of waiting jobs: oldest first, but a connector that was served waits until the others were.

    A connector whose job could not be claimed (it is being synced elsewhere, or not configured) is left
    alone for a while that grows, so that it costs neither requests nor the others' turns.
    """

    monotonic: Callable[[], float] = time.monotonic
    served: dict[str, int] = field(default_factory=dict)
    """When each connector last had its turn, as a running number."""
    deferred: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Until when a connector is left alone, and for how long that is."""
    count: int = 0

    def choose(self, waiting: Iterable[SyncJob], busy: Collection[str], room: int) -> list[SyncJob]:
        """Pick at most `room` of the jobs, given oldest first; one of a connector, none of a busy one."""
        oldest: dict[str, SyncJob] = {}
        for job in waiting:
            if job.connector_id not in busy and not self.is_deferred(job.connector_id):
                oldest.setdefault(job.connector_id, job)
        # The sort is stable, so connectors that were never served keep the order of their jobs.
        ordered = sorted(oldest.values(), key=lambda job: self.served.get(job.connector_id, 0))
        return ordered[:room]

    def serve(self, connector_id: str) -> None:
        """Note that a job of the connector was run."""
        self.count += 1
        self.served[connector_id] = self.count
        self.deferred.pop(connector_id, None)

    def defer(self, connector_id: str) -> None:
        """Note that a job of the connector could not be claimed."""
        _, seconds = self.deferred.get(connector_id, (0.0, FIRST_DEFERRAL_SECONDS / 2))
        seconds = min(seconds * 2, LONGEST_DEFERRAL_SECONDS)
        self.deferred[connector_id] = (self.monotonic() + seconds, seconds)

    def is_deferred(self, connector_id: str) -> bool:
        """Whether a connector is left alone for now."""
        until, _ = self.deferred.get(connector_id, (self.monotonic(), 0.0))
        return until > self.monotonic()

    def reconsider(self, connector_id: str) -> None:
        """Note that the connector changed, so that its job may be claimed now."""
        self.deferred.pop(connector_id, None)
