"""The wish to stop: who waits for it, and how much time is left once it was made."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LEAST_SECONDS = 0.5
"""What a last request gets even after the deadline."""


@dataclass(slots=True, kw_only=True)
class Stop:
    """Asked for at most once; everything that waits in the service also waits for this."""

    grace_seconds: float
    """How long finishing may take."""
    monotonic: Callable[[], float] = time.monotonic
    _event: asyncio.Event = field(default_factory=asyncio.Event)
    _asked_at: float | None = None

    def ask(self) -> None:
        """Start the grace; asking again changes nothing."""
        if self._asked_at is None:
            self._asked_at = self.monotonic()
            self._event.set()

    @property
    def is_asked(self) -> bool:
        """Whether the service is stopping."""
        return self._asked_at is not None

    @property
    def seconds_left(self) -> float | None:
        """How long finishing may still take; None while nobody asked to stop."""
        if self._asked_at is None:
            return None
        return max(self._asked_at + self.grace_seconds - self.monotonic(), LEAST_SECONDS)

    async def wait(self) -> None:
        """Return once somebody asked to stop."""
        await self._event.wait()
