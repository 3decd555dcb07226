"""A job counts as alive by its worker's reports, not by rows that arrive."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from sandbox.elasticsearch import Server
from tests.support.service_harness import ServiceHarness, config_for

IDLE_LIMIT_SECONDS = 300.0


@pytest.fixture
async def harness(elasticsearch: Server) -> AsyncIterator[ServiceHarness]:
    """An embedded Elasticsearch with nothing in it, as a user reaches it."""
    async with aiohttp.ClientSession() as session:
        yield ServiceHarness(elasticsearch, session)


async def test_b4_a_source_that_gives_no_row_for_half_an_hour_is_not_idle(harness: ServiceHarness) -> None:
    """The server's clock goes ahead by a minute after each report; nobody waits half an hour."""
    harness.shelf.gate = asyncio.Event()
    config = config_for(
        harness.server,
        job_report_interval_seconds=0.05,
        job_cleanup_interval_seconds=0.05,
        idle_limit_seconds=IDLE_LIMIT_SECONDS,
    )
    async with harness.ready(config):
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        for _ in range(30):
            await harness.server.journal.wait_for(lambda entry: entry.path.endswith("/_stats"), past=False)
            harness.server.state.clock.offset += timedelta(minutes=1)
        still = await harness.job(job_id)
        harness.shelf.gate.set()
        job = await harness.until_job(job_id, "completed", "error", "canceled")

    assert still["status"] == "in_progress"
    assert (job["status"], job["error"]) == ("completed", None)
