"""The state machine of a sync job: what each call makes of each status."""

from typing import Any

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi

CLAIM = ("_claim", {"worker_hostname": "worker"})
STATS = {"deleted_document_count": 1, "indexed_document_count": 2, "indexed_document_volume": 3}

REACHED_BY: dict[str, list[tuple[str, Any]]] = {
    "pending": [],
    "in_progress": [CLAIM],
    "canceling": [CLAIM, ("_cancel", None)],
    "canceled": [("_cancel", None)],
    "error": [CLAIM, ("_error", {"error": "oh no"})],
}
WRITTEN_BY_THE_SERVICE = ("suspended", "completed")
STATUSES = (*REACHED_BY, *WRITTEN_BY_THE_SERVICE)

AFTER_CANCEL = {"pending": "canceled", "suspended": "canceled", "in_progress": "canceling"}
MAY_FAIL = {"in_progress", "canceling"}


async def in_status(api: ConnectorApi, connector_id: str, status: str) -> str:
    job_id = await api.sync_job(connector_id)
    for route, body in REACHED_BY.get(status, [CLAIM]):
        await api.updated_job(job_id, route, body)
    if status in WRITTEN_BY_THE_SERVICE:
        # No route leads there: the service writes the document itself.
        reply = await api.admin.post(
            f"/.elastic-connectors-sync-jobs/_update/{job_id}?refresh=true", {"doc": {"status": status}}
        )
        assert reply.status == 200, reply
    assert (await api.read_job(job_id))["status"] == status
    return job_id


@pytest.mark.parametrize("status", STATUSES)
async def test_cancel(api: ConnectorApi, connector_id: str, status: str) -> None:
    job_id = await in_status(api, connector_id, status)
    before = await api.read_job(job_id)

    reply = await api.update_job(job_id, "_cancel")

    after = await api.read_job(job_id)
    if status in AFTER_CANCEL:
        assert reply == (200, {"result": "updated"})
        assert after["status"] == AFTER_CANCEL[status]
    else:
        assert (reply.status, reply.error_type) == (400, "status_exception")
        assert reply.reason.startswith(f"Invalid transition attempt from [{status}] to [canceling].")
        assert after == before


@pytest.mark.parametrize("status", STATUSES)
async def test_error(api: ConnectorApi, connector_id: str, status: str) -> None:
    job_id = await in_status(api, connector_id, status)
    before = await api.read_job(job_id)

    reply = await api.update_job(job_id, "_error", {"error": "broken"})

    after = await api.read_job(job_id)
    if status in MAY_FAIL:
        assert reply == (200, {"result": "updated"})
        assert after == {**before, "error": "broken", "status": "error"}
    else:
        assert (reply.status, reply.error_type) == (400, "status_exception")
        assert reply.reason.startswith(f"Invalid transition attempt from [{status}] to [error].")
        assert after == before


@pytest.mark.parametrize("status", STATUSES)
async def test_claim_asks_for_no_status(api: ConnectorApi, connector_id: str, status: str) -> None:
    job_id = await in_status(api, connector_id, status)

    await api.updated_job(job_id, *CLAIM)

    assert (await api.read_job(job_id))["status"] == "in_progress"


@pytest.mark.parametrize("status", STATUSES)
async def test_check_in_and_stats_leave_the_status(api: ConnectorApi, connector_id: str, status: str) -> None:
    job_id = await in_status(api, connector_id, status)

    await api.updated_job(job_id, "_check_in")
    await api.updated_job(job_id, "_stats", STATS)

    assert (await api.read_job(job_id))["status"] == status


@pytest.mark.parametrize("status", STATUSES)
async def test_delete_asks_for_no_status(api: ConnectorApi, connector_id: str, status: str) -> None:
    job_id = await in_status(api, connector_id, status)

    assert (await api.admin.delete(f"/_connector/_sync_job/{job_id}")).status == 200
