"""Workers that make one request when a test says so, and time that passes when a test says so.

    worker ──▶ Gate (waits here until it is let through) ──▶ Elasticsearch

Between two requests a worker is paused. A request that has waited longer
than it may is one whose answer did not come in time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ingest import errors
from ingest.elasticsearch.transport import Request, Response, Transport
from tests.faults.machine.turning_away import without_the_first

LONGEST_WAIT_SECONDS = 60.0
"""How long a request may wait at the gate; afterwards it counts as lost on its way."""
SETTLING_SECONDS = 0.05
"""How long a worker may take to ask for something else while it still waits for other answers."""


class SteppingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps: what became due meanwhile is done at once."""

    skipped_seconds = 0.0

    def time(self) -> float:
        """Return the time, jumps included."""
        return super().time() + self.skipped_seconds


class KilledError(BaseException):
    """The worker was killed: none of its further requests is sent."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A request at the gate."""

    since: float
    passage: asyncio.Future[None]


class Gate:
    """A transport through which requests go one at a time, when they are let."""

    def __init__(
        self, transport: Transport, clock: Callable[[], float], turns_away: Callable[[], bool] = lambda: False
    ) -> None:
        """`turns_away` is asked about each bulk request whether its first document is turned away."""
        self._transport = transport
        self._turns_away = turns_away
        self._clock = clock
        self._waiting: list[Waiting] = []
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._under_way = 0
        self.is_dead = False

    async def __call__(self, request: Request) -> Response:
        """Wait to be let through, then make one attempt."""
        if self.is_dead:
            raise KilledError
        waiting = Waiting(self._clock(), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        try:
            await waiting.passage
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            elif not waiting.passage.cancelled():  # it was let through, and given up before it went on
                self._passed()
            raise
        try:
            if self.is_dead:
                raise KilledError
            if self._clock() - waiting.since > LONGEST_WAIT_SECONDS:
                raise errors.ElasticsearchUnavailableError(f"{request} was lost on its way.")
            if request.path.endswith("/_bulk") and self._turns_away():
                return await without_the_first(request, self._transport)
            return await self._transport(request)
        finally:
            self._passed()

    def _passed(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()

    def kill(self) -> None:
        """Let nothing through any more."""
        self.is_dead = True
        while self._let_through():
            pass

    async def step(self, work: asyncio.Task[None]) -> bool:
        """Let the oldest request through and wait until there may be another; say if there was one."""
        await self._settled(work)
        if not self._let_through():
            return False
        await self._answered(work)
        await self._settled(work)
        return True

    def _let_through(self) -> bool:
        if not self._waiting:
            return False
        waiting = self._waiting.pop(0)
        if not waiting.passage.done():
            self._under_way += 1
            self._idle.clear()
            waiting.passage.set_result(None)
        return True

    async def _answered(self, work: asyncio.Task[None]) -> None:
        """Wait for the answers to what was let through."""
        answer = asyncio.ensure_future(self._idle.wait())
        await asyncio.wait({answer, work}, return_when=asyncio.FIRST_COMPLETED)
        answer.cancel()

    async def _settled(self, work: asyncio.Task[None]) -> None:
        """Wait until there is a request to let through, for a moment at most: the source may take long."""
        if self._waiting or work.done():
            return
        self._arrived.clear()
        arrival = asyncio.ensure_future(self._arrived.wait())
        await asyncio.wait({arrival, work}, timeout=SETTLING_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        arrival.cancel()
