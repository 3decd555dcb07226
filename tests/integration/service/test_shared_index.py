"""Two connectors of one database on one index would delete each other's documents: a job is refused."""

import pytest

from ingest.protocol import CONNECTORS_INDEX
from tests.support.service_harness import CONNECTOR, ServiceHarness, config_for

OTHER = "other-connector"


@pytest.mark.parametrize("other_index", ["music", "records"], ids=["the same name", "an alias of it"])
async def test_a_job_is_refused_before_it_reads_while_another_connector_has_its_index(
    harness: ServiceHarness, other_index: str
) -> None:
    async with harness.ready():
        await harness.until_job(await harness.create_job(), "completed", "error")
        titles = await harness.titles()
        await harness.create_connector(OTHER, "elsewhere")
    await harness.ok("PUT", "/music/_alias/records")
    await harness.write(CONNECTORS_INDEX, OTHER, {"index_name": other_index})
    reads = harness.shelf.reads
    async with harness.serving(config_for(harness.server, CONNECTOR, OTHER)):
        await harness.until_connector("needs_configuration", OTHER)
        await harness.configure(OTHER)
        await harness.until_connector("connected", OTHER)
        job = await harness.until_job(await harness.create_job(OTHER), "completed", "error")

    assert job["status"] == "error"
    assert f"Connector {CONNECTOR} writes documents of the same database" in job["error"]
    assert harness.shelf.reads == reads
    assert await harness.titles() == titles


async def test_a_connector_that_cannot_be_read_any_more_keeps_what_it_wrote(harness: ServiceHarness) -> None:
    async with harness.ready():
        await harness.until_job(await harness.create_job(), "completed", "error")
        titles = await harness.titles()
        await harness.create_connector(OTHER, "elsewhere")
    await harness.configure(host="")
    await harness.write(CONNECTORS_INDEX, OTHER, {"index_name": "music"})
    async with harness.serving(config_for(harness.server, CONNECTOR, OTHER)):
        await harness.until_connector("needs_configuration", OTHER)
        await harness.configure(OTHER)
        await harness.until_connector("connected", OTHER)
        harness.shelf.rows.clear()
        job = await harness.until_job(await harness.create_job(OTHER), "completed", "error")

    assert "has a configuration that cannot be used, and wrote documents to the index music" in job["error"]
    assert await harness.titles() == titles


async def test_two_connectors_of_one_database_with_an_index_each_are_served(harness: ServiceHarness) -> None:
    await harness.create_connector(OTHER, "elsewhere")
    async with harness.ready(config_for(harness.server, CONNECTOR, OTHER)):
        await harness.until_connector("needs_configuration", OTHER)
        await harness.configure(OTHER)
        await harness.until_connector("connected", OTHER)
        jobs = [await harness.create_job(connector_id) for connector_id in (CONNECTOR, OTHER)]
        ended = [await harness.until_job(job, "completed", "error") for job in jobs]

    assert [job["status"] for job in ended] == ["completed", "completed"]


@pytest.mark.parametrize(("database", "status"), [("shelf", "error"), ("library", "completed")])
async def test_a_connector_of_another_service_counts_by_what_its_configuration_says(
    harness: ServiceHarness, database: str, status: str
) -> None:
    """Its documents look like those that Elastic's service wrote for this connector before."""
    await harness.create_connector(OTHER, "elsewhere")
    configuration = {"database": {"value": database, "type": "str"}}
    members = {"index_name": "music", "service_type": "mssql", "configuration": configuration}
    async with harness.ready():
        await harness.write(CONNECTORS_INDEX, OTHER, members)
        job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert job["status"] == status
    assert ("writes documents of the same database" in (job["error"] or "")) is (status == "error")
