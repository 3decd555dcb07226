"""The probes measure what they say."""

import asyncio
import time

from benchmarks import probes


async def test_ticks_that_were_slept_through_count_as_late() -> None:
    late: list[float] = []

    async with asyncio.TaskGroup() as group:
        probe = group.create_task(probes.lateness(late))
        await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251 - the stall that is to be seen; the probe then has its turn
        await asyncio.sleep(0.01)
        probe.cancel()

    assert max(late) > 0.09
    assert sum(wait > 0.05 for wait in late) > 20
