"""Checking in a sync job."""

from tests.contract.elasticsearch.connectors.world import World


async def test_check_in_a_connector_sync_job(world: World, connector_id: str) -> None:
    job_id = await world.sync_job(connector_id)
    before = (await world.read_job(job_id))["last_seen"]

    await world.updated_job(job_id, "_check_in")

    after = await world.read_job(job_id)
    assert before < after["last_seen"]
    assert after["status"] == "pending"


async def test_check_in_a_connector_sync_job_connector_sync_job_does_not_exist(
    world: World, connector_id: str
) -> None:
    await world.sync_job(connector_id)
    nothing = world.unique("nothing")

    reply = await world.update_job(nothing, "_check_in")

    assert (reply.status, reply.error_type) == (404, "resource_not_found_exception")
    assert reply.reason == f"connector sync job [{nothing}] not found"
