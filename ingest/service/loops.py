"""Repeating a piece of work at a pace until the stop, whatever goes wrong in it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest import errors
from ingest.log import get_logger
from ingest.service.pacing import Pace
from ingest.stopping.stop import Stop


@dataclass(slots=True, kw_only=True)
class Loop:
    """One of the service's loops, and how its last turn went."""

    name: str
    pace: Pace
    work: Callable[[], Awaitable[None]]
    turned_at: datetime | None = None
    """When the last turn without a failure ended."""
    turn_seconds: float | None = None
    """How long the last turn took."""
    failure: Exception | None = None
    """What went wrong in the last turn; None if nothing did."""

    async def run(self, stop: Stop) -> None:
        """Do the work again and again, slower while it fails, until asked to stop."""
        while not stop.is_asked:
            started = self.pace.monotonic()
            self.failure = await attempt(self.name, self.work)
            self.turn_seconds = self.pace.monotonic() - started
            match self.failure:
                case None:
                    self.turned_at = datetime.now(UTC)
                    self.pace.succeeded()
                case errors.AuthorizationError():
                    self.pace.refused()
                case MemoryError():
                    stop.ask(errors.OutOfMemoryError())
                case _:
                    self.pace.failed()
            await self.pace.pause()


async def attempt(name: str, work: Callable[[], Awaitable[object]], **facts: Any) -> Exception | None:
    """Do the work and return what went wrong: the boundary at which no failure ends the service."""
    log = get_logger()
    try:
        await work()
    except errors.ElasticsearchError as error:
        log.warning(f"{name}.failed", reason=str(error), **facts)
        return error
    except Exception as error:
        # A defect of ours: this connector or loop goes on next time, the others are not affected.
        log.exception(f"{name}.crashed", **facts)
        return error
    return None


async def unless_stopped(stop: Stop, work: Callable[[], Awaitable[None]]) -> bool:
    """Do the work unless asked to stop meanwhile; say whether it was done."""
    working, stopping = asyncio.ensure_future(work()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.wait({working, stopping})
    if working.cancelled():
        return False
    working.result()
    return True
