"""When to try again: the one policy behind every retry.

A wait is drawn from uniform(0, min(ceiling, initial * 2^n)) (full jitter, so that many workers do not return
at the same moment), never shorter than what `Retry-After` asked for, and the waits of one request share a
budget. Sleeping is a plain awaitable, so canceling the task ends a wait at once.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRANSIENT_STATUSES = frozenset({408, 429, 499})
"""Answers below 500 after which the same request may work later; from 500 on all are."""

RETRY_AFTER_CEILING_SECONDS = 120.0
"""The longest `Retry-After` we obey; a proxy that asks for an hour does not decide our budget."""


def is_transient(status: int) -> bool:
    """Say whether an HTTP status, of a request or of a bulk item, is worth another try."""
    return status in TRANSIENT_STATUSES or status >= 500


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Read `Retry-After` as seconds or as a date; 0 if absent or unreadable."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), RETRY_AFTER_CEILING_SECONDS)
    try:
        wait = (parsedate_to_datetime(text) - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return min(max(wait, 0.0), RETRY_AFTER_CEILING_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """A retry policy; immutable, so one may be shared by everything that retries alike."""

    budget_seconds: float
    initial_seconds: float = 1.0
    multiplier: float = 2.0
    ceiling_seconds: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    uniform: Callable[[float, float], float] = random.uniform

    def attempts(self) -> "Attempts":
        """Start the budget of one request."""
        return Attempts(self, self.clock() + self.budget_seconds)


@dataclass(slots=True)
class Attempts:
    """The attempts at one request: how many there were, and whether there may be another."""

    policy: Backoff
    deadline: float
    made: int = field(default=1)
    """Attempts made so far, the first one included."""

    def next_delay(self, at_least_seconds: float = 0.0) -> float | None:
        """Draw the wait before the next attempt; None if it would end after the budget."""
        policy = self.policy
        growth = policy.multiplier ** min(self.made - 1, 64)
        bound = min(policy.ceiling_seconds, policy.initial_seconds * growth)
        delay = max(policy.uniform(0.0, bound), at_least_seconds)
        if policy.clock() + delay >= self.deadline:
            return None
        self.made += 1
        return delay

    async def wait(self, at_least_seconds: float = 0.0) -> bool:
        """Sleep until the next attempt is due; False, at once, if there must be no next attempt."""
        delay = self.next_delay(at_least_seconds)
        if delay is None:
            return False
        await self.policy.sleep(delay)
        return True
