"""A loop that stands still is noticed and, if it does not come back, ended; one that runs is left alone."""

import asyncio
import threading
import time

import pytest
import structlog

from ingest.service import systemd
from ingest.service.watchdog import Watchdog


@pytest.mark.parametrize(("readings", "logged"), [([0.0, 0.011], []), ([0.0, 30.01], [30.0])])
async def test_a_stall_is_logged_with_its_duration(readings: list[float], logged: list[float]) -> None:
    clock = iter(readings)
    watchdog = Watchdog(limit_seconds=lambda: 60, beat_seconds=0.01)

    with structlog.testing.capture_logs() as lines, pytest.raises(RuntimeError, match="StopIteration"):
        await watchdog.beat(lambda: next(clock))

    assert [line["seconds"] for line in lines if line["event"] == "loop.stalled"] == logged


async def test_a_frozen_loop_is_shown_and_then_ended() -> None:
    ended = threading.Event()
    watchdog = Watchdog(limit_seconds=lambda: 0.2, stack_seconds=0.05, beat_seconds=0.01, end=ended.set)
    with structlog.testing.capture_logs() as lines, watchdog:
        beating = asyncio.create_task(watchdog.beat())
        await asyncio.sleep(0.05)
        _stand_still_until(ended)
        beating.cancel()

    events = [line["event"] for line in lines if line["event"] != "loop.stalled"]
    assert events == ["loop.stands_still", "loop.frozen"]
    assert all("_stand_still_until" in line["stack"] for line in lines if "stack" in line)


async def test_a_limit_that_is_changed_holds_from_then_on() -> None:
    ended = threading.Event()
    limits = [3_600.0]
    with Watchdog(limit_seconds=lambda: limits[-1], beat_seconds=0.01, end=ended.set) as watchdog:
        beating = asyncio.create_task(watchdog.beat())
        await asyncio.sleep(0.05)
        limits.append(0.2)
        _stand_still_until(ended)
        beating.cancel()

    assert ended.is_set()


def _stand_still_until(ended: threading.Event) -> None:
    while not ended.is_set():
        time.sleep(0.001)


async def test_a_loop_that_runs_is_reported_as_running() -> None:
    alive = asyncio.Event()
    loop = asyncio.get_running_loop()
    said: list[str] = []

    def notify(state: str) -> None:
        said.append(state)
        if len(said) >= 5:
            loop.call_soon_threadsafe(alive.set)

    with Watchdog(
        limit_seconds=lambda: 30, beat_seconds=0.01, end=lambda: said.append("ended"), notify=notify
    ) as watchdog:
        beating = asyncio.create_task(watchdog.beat())
        await alive.wait()
        beating.cancel()

    assert set(said) == {systemd.ALIVE}
