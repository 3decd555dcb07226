"""From the creation of a connector to documents that a search finds."""

from datetime import timedelta

import aiohttp
import pytest

from sandbox.elasticsearch import serve
from tests.support.service_harness import ServiceHarness, config_for


async def test_a_connector_is_registered_configured_and_synced(harness: ServiceHarness) -> None:
    async with harness.ready():
        job_id = await harness.create_job()
        job = await harness.until_job(job_id, "completed", "error")

    assert job["error"] is None
    assert job["status"] == "completed"
    assert job["indexed_document_count"] == 2
    assert job["total_document_count"] == 2
    assert job["started_at"] <= job["last_seen"] <= job["completed_at"]
    assert await harness.titles() == {"one", "two"}
    connector = await harness.connector()
    assert connector["status"] == "connected"
    assert connector["error"] is None
    assert connector["last_sync_status"] == "completed"
    assert connector["last_indexed_document_count"] == 2
    assert connector["last_synced"] == job["completed_at"]


async def test_a_second_sync_writes_only_what_changed(harness: ServiceHarness) -> None:
    async with harness.ready():
        await harness.until_job(await harness.create_job(), "completed")
        harness.shelf.rows = {"2": {"title": "two"}, "3": {"title": "three"}}
        job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert (job["error"], job["indexed_document_count"], job["deleted_document_count"]) == (None, 1, 1)
    assert await harness.titles() == {"two", "three"}


@pytest.mark.parametrize("hours", [-7, 7])
async def test_a_server_whose_clock_is_hours_off_ends_no_job_as_idle(hours: int) -> None:
    async with serve(clock_offset=timedelta(hours=hours)) as server, aiohttp.ClientSession() as session:
        harness = ServiceHarness(server, session)
        async with harness.ready(config_for(server, job_cleanup_interval_seconds=0.1)):
            jobs = [
                await harness.until_job(await harness.create_job(), "completed", "error") for _ in range(3)
            ]

    assert [job["error"] for job in jobs] == [None, None, None]
    for job in jobs:
        assert job["created_at"] <= job["started_at"] <= job["last_seen"] <= job["completed_at"]
