"""Two connectors of one database on one index would delete each other's documents: a job is refused."""

import pytest

from ingest.protocol import CONNECTORS_INDEX
from tests.integration.service.world import CONNECTOR, World, config_for

OTHER = "other-connector"


@pytest.mark.parametrize("other_index", ["music", "records"], ids=["the same name", "an alias of it"])
async def test_a_job_is_refused_before_it_reads_while_another_connector_has_its_index(
    world: World, other_index: str
) -> None:
    async with world.ready():
        await world.until_job(await world.create_job(), "completed", "error")
        titles = await world.titles()
        await world.create_connector(OTHER, "elsewhere")
    await world.ok("PUT", "/music/_alias/records")
    await world.write(CONNECTORS_INDEX, OTHER, {"index_name": other_index})
    reads = world.shelf.reads
    async with world.serving(config_for(world.server, CONNECTOR, OTHER)):
        await world.until_connector("needs_configuration", OTHER)
        await world.configure(OTHER)
        await world.until_connector("connected", OTHER)
        job = await world.until_job(await world.create_job(OTHER), "completed", "error")

    assert job["status"] == "error"
    assert f"Connector {CONNECTOR} writes documents of the same database" in job["error"]
    assert world.shelf.reads == reads
    assert await world.titles() == titles


async def test_a_connector_that_cannot_be_read_any_more_keeps_what_it_wrote(world: World) -> None:
    async with world.ready():
        await world.until_job(await world.create_job(), "completed", "error")
        titles = await world.titles()
        await world.create_connector(OTHER, "elsewhere")
    await world.configure(host="")
    await world.write(CONNECTORS_INDEX, OTHER, {"index_name": "music"})
    async with world.serving(config_for(world.server, CONNECTOR, OTHER)):
        await world.until_connector("needs_configuration", OTHER)
        await world.configure(OTHER)
        await world.until_connector("connected", OTHER)
        world.shelf.rows.clear()
        job = await world.until_job(await world.create_job(OTHER), "completed", "error")

    assert "has a configuration that cannot be used, and wrote documents to the index music" in job["error"]
    assert await world.titles() == titles


async def test_two_connectors_of_one_database_with_an_index_each_are_served(world: World) -> None:
    await world.create_connector(OTHER, "elsewhere")
    async with world.ready(config_for(world.server, CONNECTOR, OTHER)):
        await world.until_connector("needs_configuration", OTHER)
        await world.configure(OTHER)
        await world.until_connector("connected", OTHER)
        jobs = [await world.create_job(connector_id) for connector_id in (CONNECTOR, OTHER)]
        ended = [await world.until_job(job, "completed", "error") for job in jobs]

    assert [job["status"] for job in ended] == ["completed", "completed"]
