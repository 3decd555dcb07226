"""A job that is canceled, lost or refused too often deletes nothing, and its counts are exact."""

import asyncio
from dataclasses import replace

import pytest

from ingest import config
from ingest.errors import (
    JobCanceledError,
    JobLostError,
    TooManyRejectionsError,
)
from ingest.protocol.lease import Lease
from sandbox.elasticsearch.server.faults import Hold
from tests.support.sync_harness import INDEX, SyncHarness


async def test_a_job_canceled_while_reading_deletes_nothing(shop: SyncHarness) -> None:
    def cancel(_slice: str, batch: int) -> None:
        if batch == 1:
            shop.lease.end(JobCanceledError("canceled"))

    shop.source.before_batch = cancel

    with pytest.raises(JobCanceledError):
        await shop.sync()

    assert shop.deletes() == []


async def test_a_job_that_is_no_longer_ours_when_read_back_deletes_nothing(shop: SyncHarness) -> None:
    async def confirm() -> None:
        raise JobLostError("another worker has the job")

    shop.lease = Lease(confirm, clock=lambda: 0.0)

    with pytest.raises(JobLostError):
        await shop.sync()

    assert shop.deletes() == []
    assert shop.stats.indexed == 4


async def test_a_job_canceled_during_the_deletes_sends_none_after_it_was_seen(shop: SyncHarness) -> None:
    confirmations = 0

    async def confirm() -> None:
        nonlocal confirmations
        confirmations += 1
        if confirmations == 3:
            raise JobCanceledError("canceled")

    shop.lease = Lease(confirm, clock=lambda: 0.0)
    # Pages of one document, so that each delete is a request of its own.
    await shop.call("PUT", f"/{INDEX}/_settings", {"index.max_result_window": 1})
    shop.page_size = 1

    with pytest.raises(JobCanceledError):
        await shop.sync()

    assert len(shop.deletes()) == 1
    assert shop.stats.deleted == 1


async def test_a_worker_paused_beyond_its_lease_writes_nothing_when_it_wakes(shop: SyncHarness) -> None:
    now = 0.0

    async def confirm() -> None:
        return None

    def sleep_long(name: str, batch: int) -> None:
        nonlocal now
        if (name, batch) == ("album", 1):
            now += 10_000

    shop.lease = Lease(confirm, clock=lambda: now)
    shop.source.before_batch = sleep_long
    written = len(shop.actions())

    with pytest.raises(JobLostError):
        await shop.sync()

    assert len(shop.actions()) == written


async def test_b6_too_many_rejections_end_the_job_with_exact_counts_and_no_deletes(shop: SyncHarness) -> None:
    await shop.call("PUT", f"/{INDEX}/_mapping", {"properties": {"length": {"type": "long"}}})
    shop.put(*(f"shop_album_{number}" for number in range(3, 8)), length="x")
    shop.with_bulk(error_monitor=config.ErrorMonitor(max_consecutive_errors=2))

    with pytest.raises(TooManyRejectionsError, match="in a row"):
        await shop.sync()

    assert shop.deletes() == []
    assert shop.stats.rejected == 5
    assert shop.stats.indexed == len([id_ for action, id_ in shop.actions()[20:] if action == "index"]) - 5


async def test_a_canceled_sync_counts_what_is_answered_within_the_grace(shop: SyncHarness) -> None:
    shop.with_bulk(max_concurrency=1)
    hold = shop.server.faults.add(Hold(), path="*/_bulk", applied=True)
    running = asyncio.create_task(shop.sync())
    await hold.struck()

    running.cancel()
    await asyncio.sleep(0)
    shop.server.faults.remove(hold)
    with pytest.raises(asyncio.CancelledError):
        await running

    assert shop.stats.indexed == 2
    assert shop.deletes() == []


async def test_a_sync_canceled_from_outside_leaves_nothing_running(shop: SyncHarness) -> None:
    shop.options = replace(shop.options, grace_seconds=0.01)
    held = shop.server.faults
    hold = held.add(Hold(), path="*/_bulk")
    before = asyncio.all_tasks()
    running = asyncio.create_task(shop.sync())
    await hold.struck()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    held.clear()
    ours = {task for task in asyncio.all_tasks() - before if "ingest" in str(task.get_coro())}
    assert ours == set()
    assert shop.deletes() == []
