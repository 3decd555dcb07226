"""What a worker takes its job for when it reads it back, and from when a heartbeat counts."""

import asyncio
from typing import Any

import pytest

from ingest import errors
from ingest.elasticsearch.transport import Request, Response
from ingest.job.heartbeat import confirm, heartbeat
from ingest.protocol import SyncJob
from ingest.protocol.lease import Lease
from tests.support.fake_transport import answering, client_over, response

OURS: dict[str, Any] = {
    "status": "in_progress",
    "worker_hostname": "host:1",
    "started_at": "2026-01-01T10:00:00.000000Z",
}


def hit(**changed: Any) -> dict[str, Any]:
    return {"_id": "job", "_seq_no": 1, "_primary_term": 1, "_source": OURS | changed}


async def read_back(**changed: Any) -> None:
    """Confirm a job that reads so by now."""
    await confirm(answering(lambda _body: response(200, hit(**changed))), SyncJob.from_wire(hit()))


async def test_a_job_that_is_as_it_was_claimed_is_ours() -> None:
    await read_back(last_seen="2026-01-01T10:05:00.000000Z")


@pytest.mark.parametrize(
    "changed",
    [
        {"worker_hostname": "host:2"},
        # suspended as idle, and taken again by another task of the same worker
        {"started_at": "2026-01-01T10:10:00.000000Z"},
        {"status": "suspended"},
        {"status": "completed"},
    ],
)
async def test_a_job_that_somebody_else_has_or_had_is_lost(changed: dict[str, str]) -> None:
    with pytest.raises(errors.JobLostError):
        await read_back(**changed)


async def test_a_job_that_a_person_cancels_is_canceled() -> None:
    with pytest.raises(errors.JobCanceledError):
        await read_back(status="canceling")


async def test_a_heartbeat_counts_from_its_sending_however_late_its_answer_is() -> None:
    """The server may have seen it at once, and others count from then on."""
    now = 0.0
    answered = asyncio.Event()

    def answer_late(_body: bytes) -> Response:
        nonlocal now
        now += 200.0
        answered.set()
        return response(200, {"result": "updated"})

    async def nothing() -> None:
        return None

    lease = Lease(nothing, fencing_seconds=240.0, clock=lambda: now)
    beating = asyncio.create_task(
        heartbeat(answering(answer_late), SyncJob.from_wire(hit()), lease, dict, interval_seconds=3600.0)
    )
    await answered.wait()
    await asyncio.sleep(0.01)
    is_held_after_200_seconds = not lease.is_expired
    now += 50.0
    beating.cancel()

    assert is_held_after_200_seconds
    assert lease.is_expired


async def test_a_report_on_its_way_arrives_before_a_heartbeat_that_ends_is_over() -> None:
    """Later it would replace the last counts of the job."""
    sent, may_arrive, arrived = asyncio.Event(), asyncio.Event(), False

    async def transport(request: Request) -> Response:
        nonlocal arrived
        sent.set()
        await may_arrive.wait()
        arrived = True
        return response(200, {"result": "updated"})

    async def nothing() -> None:
        return None

    lease = Lease(nothing, fencing_seconds=240.0)
    beating = asyncio.create_task(
        heartbeat(client_over(transport), SyncJob.from_wire(hit()), lease, dict, interval_seconds=3600.0)
    )
    await sent.wait()

    beating.cancel()
    await asyncio.sleep(0)
    may_arrive.set()
    await asyncio.wait({beating})

    assert arrived
    assert beating.cancelled()
