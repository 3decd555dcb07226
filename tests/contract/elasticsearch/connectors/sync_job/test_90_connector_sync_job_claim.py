"""Claiming sync jobs."""

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi


@pytest.fixture
async def job_id(api: ConnectorApi, connector_id: str) -> str:
    return await api.sync_job(connector_id)


async def test_set_only_worker_hostname_for_a_connector_sync_job(
    api: ConnectorApi, connector_id: str, job_id: str
) -> None:
    before = await api.read_job(job_id)
    assert before["status"] == "pending"

    await api.updated_job(job_id, "_claim", {"worker_hostname": "host-name"})

    job = await api.read_job(job_id)
    assert (job["worker_hostname"], job["status"]) == ("host-name", "in_progress")
    assert before["last_seen"] < job["last_seen"] == job["started_at"]
    assert "sync_cursor" not in job["connector"]
    assert (await api.read(connector_id)).get("sync_cursor") is None


async def test_set_both_worker_hostname_and_sync_cursor_for_a_connector_sync_job(
    api: ConnectorApi, connector_id: str, job_id: str
) -> None:
    body = {"worker_hostname": "host-name", "sync_cursor": {"cursor": "cursor"}}

    await api.updated_job(job_id, "_claim", body)

    job = await api.read_job(job_id)
    assert (job["worker_hostname"], job["status"]) == ("host-name", "in_progress")
    assert job["connector"]["sync_cursor"] == {"cursor": "cursor"}
    assert job["connector"]["id"] == connector_id
    assert (await api.read(connector_id)).get("sync_cursor") is None


async def test_a_canceled_connector_sync_job_can_be_claimed(api: ConnectorApi, job_id: str) -> None:
    await api.updated_job(job_id, "_cancel")

    await api.updated_job(job_id, "_claim", {"worker_hostname": "host-name"})

    assert (await api.read_job(job_id))["status"] == "in_progress"


async def test_fail_to_claim_a_connector_sync_job_connector_sync_job_does_not_exist(
    api: ConnectorApi, job_id: str
) -> None:
    reply = await api.update_job(api.unique("nothing"), "_claim", {"worker_hostname": "host-name"})

    assert (reply.status, reply.error_type) == (404, "resource_not_found_exception")


async def test_fail_to_claim_a_connector_sync_job_worker_hostname_is_missing(
    api: ConnectorApi, job_id: str
) -> None:
    reply = await api.update_job(job_id, "_claim", {"sync_cursor": {"cursor": "cursor"}})

    assert (reply.status, reply.reason) == (400, "Required [worker_hostname]")


async def test_fail_to_claim_a_connector_sync_job_worker_hostname_is_null(
    api: ConnectorApi, job_id: str
) -> None:
    reply = await api.update_job(job_id, "_claim", {"worker_hostname": None})

    assert reply.status == 400
    assert (await api.read_job(job_id))["status"] == "pending"
