"""A loop that stood still is noticed, one that runs is not."""

import asyncio

import pytest
import structlog

from ingest.service.stalls import notice_stalls
from ingest.stopping import Stop


@pytest.mark.parametrize(("readings", "logged"), [([0.0, 1.01], []), ([0.0, 31.0], [30.0])])
async def test_a_stall_is_logged_with_its_duration(readings: list[float], logged: list[float]) -> None:
    stop = Stop(grace_seconds=1)
    clock = iter(readings)

    def monotonic() -> float:
        reading = next(clock)
        if reading == readings[-1]:
            stop.ask()
        return reading

    with structlog.testing.capture_logs() as lines:
        await asyncio.wait_for(notice_stalls(stop, monotonic=monotonic), 10)

    assert [line["seconds"] for line in lines if line["event"] == "loop.stalled"] == logged
