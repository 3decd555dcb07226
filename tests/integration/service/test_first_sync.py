"""From a connector somebody created to documents somebody finds."""

from tests.integration.service.world import World


async def test_a_connector_is_registered_configured_and_synced(world: World) -> None:
    async with world.ready():
        job_id = await world.create_job()
        job = await world.until_job(job_id, "completed", "error")

    assert job["error"] is None
    assert job["status"] == "completed"
    assert job["indexed_document_count"] == 2
    assert job["total_document_count"] == 2
    assert job["started_at"] <= job["last_seen"] <= job["completed_at"]
    assert await world.titles() == {"one", "two"}
    connector = await world.connector()
    assert connector["status"] == "connected"
    assert connector["error"] is None
    assert connector["last_sync_status"] == "completed"
    assert connector["last_indexed_document_count"] == 2
    assert connector["last_synced"] == job["completed_at"]


async def test_a_second_sync_writes_only_what_changed(world: World) -> None:
    async with world.ready():
        await world.until_job(await world.create_job(), "completed")
        world.shelf.rows = {"2": {"title": "two"}, "3": {"title": "three"}}
        job = await world.until_job(await world.create_job(), "completed", "error")

    assert (job["error"], job["indexed_document_count"], job["deleted_document_count"]) == (None, 1, 1)
    assert await world.titles() == {"two", "three"}
