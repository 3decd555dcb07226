"""Tasks that run beside a contestant and note how long they had to wait."""

import asyncio

import aiohttp

TICK_SECONDS = 0.002
BEAT_SECONDS = 0.1


async def lateness(late: list[float]) -> None:
    """Wake every two milliseconds and note how late; ticks that were slept through count as late too.

    Without those, one stall of a second would be one late wake-up among thousands, whereas whatever became
    ready during that second had to wait.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + TICK_SECONDS
    while True:
        await asyncio.sleep(due - loop.time())
        now = loop.time()
        while due <= now:
            late.append(now - due)
            due += TICK_SECONDS


async def beat(sink: str, beats: list[float]) -> None:
    """Check in ten times a second, as the service's protocol calls do, and note when the answer was there."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.put(f"{sink}/_connector/benchmark/_check_in") as answer:
                await answer.read()
            beats.append(loop.time() - due)
            due = max(due + BEAT_SECONDS, loop.time())
            await asyncio.sleep(due - loop.time())
