"""Opens a feed in the background and holds it: opening may have to wait for open transactions."""

import asyncio
from collections.abc import Sequence

from sources.contract import Slice
from sources.feed import Feed, Feeding


class HeldFeed:
    """Opens a feed at once, in a task of its own, and holds it until it is closed."""

    def __init__(self, source: Feeding, slices: Sequence[Slice]) -> None:
        self._opened: asyncio.Future[Feed] = asyncio.get_running_loop().create_future()
        self._released = asyncio.Event()
        self._task = asyncio.create_task(self._hold(source, slices))

    @property
    def is_decided(self) -> bool:
        """Whether the feed is open, or known not to open."""
        return self._opened.done() or self._task.done()

    def feed(self) -> Feed:
        """Return the feed that was opened. Raises why there is none."""
        if self._opened.done():
            return self._opened.result()
        self._task.result()
        raise RuntimeError("The feed is not open yet.")

    async def close(self) -> None:
        """Let the feed go, open or not."""
        self._released.set()
        if not self._opened.done():
            self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()  # was raised to whoever asked for the feed, or concerns nobody any more

    async def _hold(self, source: Feeding, slices: Sequence[Slice]) -> None:
        async with source.feed(slices) as feed:
            self._opened.set_result(feed)
            await self._released.wait()
