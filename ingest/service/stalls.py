"""Noticing that the event loop stood still: something blocked it, or the machine was paused."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from ingest.stopping import Stop

LOOK_SECONDS: Final = 1.0
STALL_SECONDS: Final = 1.0
"""From this delay on heartbeats are late enough for somebody to want to know."""


async def notice_stalls(stop: Stop, *, monotonic: Callable[[], float] = time.monotonic) -> None:
    """Log every time the loop was unable to run for a second or more, until the stop."""
    before = monotonic()
    while not stop.is_asked:
        try:
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
        except TimeoutError:
            now = monotonic()
            stalled_seconds = now - before - LOOK_SECONDS
            if stalled_seconds >= STALL_SECONDS:
                structlog.get_logger().warning("loop.stalled", seconds=round(stalled_seconds, 1))
            before = now
