"""Listing sync jobs.

A shared cluster may hold other jobs: every list is narrowed to the test's connectors.
"""

from typing import Any

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi


class Jobs:
    """Two connectors and three jobs, the oldest first."""

    def __init__(self, api: ConnectorApi, one: str, two: str, ids: tuple[str, str, str]) -> None:
        self.api = api
        self.one, self.two = one, two
        self.first, self.second, self.third = ids

    async def listed(self, parameters: str = "", *, connector_id: str | None = None) -> tuple[int, list[str]]:
        """The count and ids of one page of connector two's jobs, or of another connector's."""
        of = connector_id or self.two
        reply = await self.api.admin.get(f"/_connector/_sync_job?connector_id={of}&{parameters}")
        assert reply.status == 200, reply
        return reply.body["count"], [each["id"] for each in reply.body["results"]]


@pytest.fixture
async def jobs(api: ConnectorApi) -> Jobs:
    one = await api.connector("connector-one", index_name=api.unique("search-one"))
    two = await api.connector("connector-two", index_name=api.unique("search-two"))
    ids = (
        await api.sync_job(two, job_type="access_control"),
        await api.sync_job(two, job_type="full"),
        await api.sync_job(two, job_type="incremental"),
    )
    return Jobs(api, one, two, ids)


async def test_list_connector_sync_jobs(jobs: Jobs) -> None:
    assert await jobs.listed() == (3, [jobs.third, jobs.second, jobs.first])


async def test_list_connector_sync_jobs_of_all_connectors(jobs: Jobs) -> None:
    of_one = await jobs.api.sync_job(jobs.one)

    reply = await jobs.api.admin.get("/_connector/_sync_job?size=4")

    assert reply.body["count"] >= 4
    assert [each["id"] for each in reply.body["results"]] == [of_one, jobs.third, jobs.second, jobs.first]


async def test_list_connector_sync_jobs_with_from(jobs: Jobs) -> None:
    assert await jobs.listed("from=1") == (3, [jobs.second, jobs.first])


async def test_list_connector_sync_jobs_with_size(jobs: Jobs) -> None:
    assert await jobs.listed("size=1") == (3, [jobs.third])


async def test_list_connector_sync_jobs_get_pending_jobs(jobs: Jobs) -> None:
    for job_id in (jobs.first, jobs.third):
        await jobs.api.updated_job(job_id, "_cancel")

    assert await jobs.listed("status=pending") == (1, [jobs.second])
    assert await jobs.listed("status=CANCELED") == (2, [jobs.third, jobs.first])


async def test_list_connector_sync_jobs_get_jobs_for_connector_one(jobs: Jobs) -> None:
    job_id = await jobs.api.sync_job(jobs.one)

    assert await jobs.listed(connector_id=jobs.one) == (1, [job_id])


async def test_list_connector_sync_jobs_with_invalid_job_status(api: ConnectorApi) -> None:
    reply = await api.admin.get("/_connector/_sync_job?status=invalid_job_status")

    assert (reply.status, reply.error_type, reply.reason) == (
        400,
        "illegal_argument_exception",
        "Unknown ConnectorSyncStatus [invalid_job_status].",
    )


async def test_list_connector_sync_jobs_get_jobs_with_single_job_type(jobs: Jobs) -> None:
    assert await jobs.listed("job_type=full") == (1, [jobs.second])


async def test_list_connector_sync_jobs_get_jobs_with_multiple_job_types(jobs: Jobs) -> None:
    assert await jobs.listed("job_type=full,incremental") == (2, [jobs.third, jobs.second])


async def test_list_connector_sync_jobs_with_invalid_job_type(api: ConnectorApi) -> None:
    reply = await api.admin.get("/_connector/_sync_job?job_type=invalid_job_type,incremental")

    assert (reply.status, reply.error_type, reply.reason) == (
        400,
        "illegal_argument_exception",
        "Unknown ConnectorSyncJobType [invalid_job_type].",
    )


async def test_list_connector_sync_jobs_empty_list(api: ConnectorApi) -> None:
    reply: Any = await api.admin.get(f"/_connector/_sync_job?connector_id={api.unique('nobody')}")

    assert reply == (200, {"count": 0, "results": []})


@pytest.mark.parametrize("name", ["from", "size"])
async def test_list_connector_sync_jobs_with_an_impossible_page(api: ConnectorApi, name: str) -> None:
    reply = await api.admin.get(f"/_connector/_sync_job?{name}=-1")

    assert (reply.status, reply.reason) == (400, f"Parameter [{name}] cannot be < 0")
