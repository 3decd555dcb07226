"""The state of a job that follows its source, for those who show it, and a request to end it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Store = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Keeps a cursor for the next job."""


class Way(StrEnum):
    """How a job learns what changed."""

    POLLING = "polling"
    """It looks for row versions every few seconds."""
    LOG = "log"
    """The source tells it."""


@dataclass(slots=True, kw_only=True)
class Following:
    """One job that follows. Written by the job, except for the request to end."""

    store: Store
    way: Way | None = None
    """None until the job has caught up for the first time."""
    reason: str = ""
    """Why it does not follow the log, or not all slices."""
    ends_because: str = ""
    """Why it was asked to end; empty while it was not."""
    is_urgent: bool = False
    """Whether it was asked to end at once: what is needed to go on later is kept, and no more is proven."""
    monotonic: Callable[[], float] = time.monotonic
    _behind_since: float | None = None
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def ask_to_end(self, reason: str, *, urgent: bool = False) -> None:
        """Ask the job to end in order. The first reason stays."""
        self.ends_because = self.ends_because or reason
        self.is_urgent |= urgent
        self._asked.set()

    @property
    def is_asked(self) -> bool:
        """Whether the job was asked to end."""
        return self._asked.is_set()

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until asked to end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked.wait()

    def behind_since(self, moment: float | None) -> None:
        """Note that everything until a moment of the monotonic clock is in the index; None: everything is."""
        self._behind_since = moment

    @property
    def lag_seconds(self) -> float:
        """How old the oldest change may be that Elasticsearch has not acknowledged."""
        return 0.0 if self._behind_since is None else max(0.0, self.monotonic() - self._behind_since)

    def to_wire(self) -> dict[str, Any]:
        """Render for the job's metadata."""
        way = None if self.way is None else self.way.value
        return {
            "way": way,
            "lag_seconds": round(self.lag_seconds, 1),
            **({"reason": self.reason} if self.reason else {}),
            **({"ends_because": self.ends_because} if self.ends_because else {}),
        }
