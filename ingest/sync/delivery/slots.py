"""How many bulk requests may be in flight: up to the configured ceiling, fewer while Elasticsearch is busy.

Additive increase, multiplicative decrease, as TCP does it: every request that went well adds a fraction of
a slot, one that was turned away or took far longer than the fastest halves them, once for all requests then
in flight.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final

SLOW_SECONDS: Final = 10.0
"""Below this no answer counts as slow, whatever the fastest took."""
SLOW_FACTOR: Final = 4.0


class Slots:
    """A semaphore whose size adapts."""

    def __init__(self, ceiling: int, *, clock: Callable[[], float] = monotonic) -> None:
        self._ceiling = ceiling
        self._limit = float(ceiling)
        self._in_use = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._fastest_seconds = float("inf")
        self._lowered_at = float("-inf")
        self.clock = clock

    @property
    def limit(self) -> int:
        """How many may be in use right now."""
        return int(self._limit)

    @property
    def in_use(self) -> int:
        """How many are in use."""
        return self._in_use

    async def acquire(self) -> None:
        """Wait for a free slot and take it."""
        while self._in_use >= self.limit:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                # Woken and canceled at once: wake the next one waiting instead.
                with suppress(ValueError):
                    self._waiting.remove(waiter)
                if not waiter.cancelled():
                    self._wake()
                raise
        self._in_use += 1

    def release(self) -> None:
        """Give a slot back."""
        self._in_use -= 1
        self._wake()

    def succeeded(self, started_at: float) -> None:
        """Note an answer to a request sent at `started_at`."""
        seconds = self.clock() - started_at
        self._fastest_seconds = min(self._fastest_seconds, seconds)
        if seconds > max(SLOW_SECONDS, SLOW_FACTOR * self._fastest_seconds):
            self.overloaded(started_at)
            return
        self._limit = min(float(self._ceiling), self._limit + 1.0 / self._limit)
        self._wake()

    def overloaded(self, started_at: float) -> None:
        """Halve the slots, unless that was done since this request was sent, which then says nothing new."""
        if started_at >= self._lowered_at:
            self._limit = max(1.0, self._limit / 2)
            self._lowered_at = self.clock()

    def _wake(self) -> None:
        free = self.limit - self._in_use
        while free > 0 and self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                free -= 1
