"""A stop request and its remaining grace."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LEAST_SECONDS = 0.5
"""What a last request gets even after the deadline."""


@dataclass(slots=True, kw_only=True)
class Stop:
    """A request to stop, made at most once. Every wait of the service also ends with it."""

    grace_seconds: float
    """How long finishing may take."""
    monotonic: Callable[[], float] = time.monotonic
    because: Exception | None = None
    """What made the stop necessary; None if a person asked for it."""
    _event: asyncio.Event = field(default_factory=asyncio.Event)
    _asked_at: float | None = None

    def ask(self, because: Exception | None = None) -> None:
        """Start the grace; asking again changes nothing. `because` is what the process ends with."""
        if self._asked_at is None:
            self.because = because
            self._asked_at = self.monotonic()
            self._event.set()

    @property
    def is_asked(self) -> bool:
        """Whether the service is stopping."""
        return self._asked_at is not None

    @property
    def seconds_left(self) -> float | None:
        """How long finishing may still take; None before a stop was requested."""
        if self._asked_at is None:
            return None
        return max(self._asked_at + self.grace_seconds - self.monotonic(), LEAST_SECONDS)

    async def wait(self) -> None:
        """Return once a stop was requested."""
        await self._event.wait()
