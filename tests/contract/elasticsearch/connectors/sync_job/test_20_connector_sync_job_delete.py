"""Deleting sync jobs."""

from tests.contract.elasticsearch.connectors.world import World


async def test_delete_connector_sync_job(world: World, connector_id: str) -> None:
    job_id = await world.sync_job(connector_id)

    reply = await world.admin.delete(f"/_connector/_sync_job/{job_id}")

    assert reply == (200, {"acknowledged": True})
    assert (await world.admin.get(f"/_connector/_sync_job/{job_id}")).status == 404


async def test_delete_connector_sync_job_connector_sync_job_does_not_exist(
    world: World, connector_id: str
) -> None:
    await world.sync_job(connector_id)
    nothing = world.unique("nothing")

    reply = await world.admin.delete(f"/_connector/_sync_job/{nothing}")

    assert (reply.status, reply.error_type, reply.reason) == (404, "resource_not_found_exception", nothing)


async def test_delete_connector_fails_for_unprivileged_user(world: World, connector_id: str) -> None:
    reader = await world.read_only()
    job_id = await world.sync_job(connector_id)

    refused = await reader.delete(f"/_connector/_sync_job/{job_id}")

    assert (refused.status, refused.error_type) == (403, "security_exception")
    assert (await world.admin.delete(f"/_connector/_sync_job/{job_id}")).status == 200
