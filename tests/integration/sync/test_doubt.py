"""In doubt nothing is deleted: the job ends in error if anything was not read, acknowledged or still ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from ingest import config
from ingest.errors import (
    IncompleteSyncError,
    IndexChangedError,
    IngestError,
    JobCanceledError,
    JobLostError,
    NotFoundError,
    TooManyRejectionsError,
)
from ingest.lease import Lease
from ingest.protocol import Pipeline
from ingest.sync.rules import BasicRules
from sandbox.elasticsearch import Server
from sandbox.elasticsearch.server.faults import Hold
from sources.errors import SourceConfigurationError, SourceUnavailableError
from tests.support.sync_harness import INDEX, SyncHarness, nothing, sync_harness


@pytest.fixture
async def shop(elasticsearch: Server) -> AsyncIterator[SyncHarness]:
    """Two tables, synced; then one row of each is gone, one changed, one new."""
    async with sync_harness(elasticsearch) as opened:
        for table in ("album", "track"):
            opened.put(*(f"shop_{table}_{number}" for number in range(10)), table=table)
        await opened.sync()
        for table in ("album", "track"):
            del opened.source.tables[table][f"shop_{table}_2"]
            opened.put(f"shop_{table}_1", f"shop_{table}_new", table=table, title="changed")
        yield opened


def losing(shop: SyncHarness, times: int, *, slice_: str = "album", batch: int = 2) -> None:
    """Lose the source so many times, at this batch of this slice."""
    left = times

    def lose(name: str, number: int) -> None:
        nonlocal left
        if (name, number) == (slice_, batch) and left:
            left -= 1
            raise SourceUnavailableError("the connection was closed in the middle of a read")

    shop.source.before_batch = lose


def lose_and_delete(shop: SyncHarness, ids: list[str], *, slice_: str = "album", batch: int) -> None:
    """Lose the source once, at this batch of this slice, after which these rows of it are gone."""
    is_lost = False

    def lose(name: str, number: int) -> None:
        nonlocal is_lost
        if (name, number) == (slice_, batch) and not is_lost:
            is_lost = True
            for id_ in ids:
                del shop.source.tables[slice_][id_]
            raise SourceUnavailableError("the connection was closed in the middle of a read")

    shop.source.before_batch = lose


@pytest.mark.parametrize("batch", [0, 2, -1], ids=["at the first row", "in the middle", "after the last row"])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_slice_whose_source_is_lost_is_read_again_and_counted_once(
    shop: SyncHarness, times: int, batch: int
) -> None:
    losing(shop, times, batch=batch)

    stats = await shop.sync()

    assert await shop.content() == shop.expected()
    assert (stats.read, stats.indexed, stats.unchanged, stats.deleted) == (20, 4, 16, 2)
    assert stats.slices[0].readings == times + 1
    assert stats.slices[1].readings == 1


async def test_what_was_sent_before_the_loss_cannot_overwrite_what_is_sent_after_it(
    shop: SyncHarness,
) -> None:
    # The race: a chunk of the first reading is still under way when the second reads the row's newer state.
    shop.with_bulk(chunk_size=1)
    landed = asyncio.Event()

    async def slow_down_old_state(_method: str, _path: str, body: bytes) -> None:
        if b'"old state"' in body:
            await asyncio.sleep(0.05)
            landed.set()

    def change_and_lose(name: str, batch: int) -> None:
        if (name, batch) == ("album", 1) and not landed.is_set():
            shop.put("shop_album_0", title="new state")
            raise SourceUnavailableError("lost")

    shop.put("shop_album_0", title="old state")
    shop.wire.before = slow_down_old_state
    shop.source.before_batch = change_and_lose

    await shop.sync()

    assert landed.is_set()
    assert (await shop.content())["shop_album_0"]["title"] == "new state"


async def test_a_row_that_changed_and_changed_back_between_two_readings_is_not_left_as_it_was_sent(
    shop: SyncHarness,
) -> None:
    await shop.sync()
    before = shop.source.tables["album"]["shop_album_0"]
    readings = 0

    def change_back_and_lose(name: str, batch: int) -> None:
        nonlocal readings
        if (name, batch) == ("album", -1):
            readings += 1
            if readings == 1:
                shop.source.put("album", [("shop_album_0", before)])
                raise SourceUnavailableError("lost")

    shop.with_bulk(chunk_size=1)
    shop.put("shop_album_0", "shop_album_9", title="for a moment")  # the second one pushes the first one out
    shop.source.before_batch = change_back_and_lose

    await shop.sync()

    assert readings == 2
    assert await shop.content() == shop.expected()


@pytest.mark.parametrize("is_first", [True, False], ids=["never synced before", "synced before"])
@pytest.mark.parametrize("batch", [1, 3, -1])
async def test_rows_that_are_gone_when_a_slice_is_read_again_leave_no_documents(
    shop: SyncHarness, is_first: bool, batch: int
) -> None:
    if is_first:
        await shop.call("DELETE", f"/{INDEX}")
    shop.with_bulk(chunk_size=1)
    for number in (0, 3, 5):
        shop.put(f"shop_album_{number}", title="for a moment")
    album = shop.source.tables["album"]
    lose_and_delete(shop, [f"shop_album_{number}" for number in (0, 1, 3, 4, 5, 8, "new")], batch=batch)

    stats = await shop.sync()

    assert stats.slices[0].readings == 2
    assert len(album) == 3
    assert await shop.content() == shop.expected()
    assert (await shop.sync()).indexed == 0


async def test_documents_of_slices_read_before_the_loss_are_not_taken_for_those_of_the_abandoned_reading(
    shop: SyncHarness,
) -> None:
    await shop.call("DELETE", f"/{INDEX}")
    shop.with_bulk(chunk_size=1)
    lose_and_delete(shop, ["shop_track_1", "shop_track_4"], slice_="track", batch=2)

    await shop.sync()

    assert await shop.content() == shop.expected()
    assert len(shop.source.tables["album"]) == 10


async def test_a_row_that_moves_to_an_earlier_slice_while_its_own_is_read_again_keeps_its_document(
    shop: SyncHarness,
) -> None:
    # The race: both slices give a row with this id. The mark of the reading that counts must stay.
    shop.source.put("album", [("shop_shared", {"title": "in the first slice"})])
    await shop.sync()
    shop.source.put("track", [("shop_shared", {"title": "in the first slice"})])
    lose_and_delete(shop, ["shop_shared"], slice_="track", batch=-1)

    await shop.sync()

    assert (await shop.content()).keys() == shop.expected().keys()
    assert "shop_shared" in await shop.content()


async def test_a_document_of_an_earlier_slice_that_an_abandoned_reading_overwrote_is_not_deleted(
    shop: SyncHarness,
) -> None:
    # The race: never synced before, so the ledger cannot hold the mark that the first slice made.
    await shop.call("DELETE", f"/{INDEX}")
    for table in ("album", "track"):
        shop.source.put(table, [("shop_shared", {"title": "the same id"})])
    shop.with_bulk(chunk_size=1)
    lose_and_delete(shop, ["shop_shared", "shop_track_5"], slice_="track", batch=-1)
    shop.put("shop_track_last", table="track")  # pushes the row before it out of the chunk

    with pytest.raises(IncompleteSyncError, match="share their ids"):
        await shop.sync()

    assert shop.deletes() == []
    await shop.sync()
    assert await shop.content() == shop.expected()


async def test_an_abandoned_reading_whose_documents_cannot_be_found_again_ends_the_job(
    shop: SyncHarness,
) -> None:
    stamp = {"set": {"field": "_timestamp", "value": "2026-01-01T00:00:00Z"}}
    await shop.call("PUT", "/_ingest/pipeline/stamp", {"processors": [stamp]})
    shop.pipeline = Pipeline(name="stamp")
    shop.with_bulk(chunk_size=1)
    lose_and_delete(shop, ["shop_album_0", "shop_album_new"], batch=-1)

    with pytest.raises(IncompleteSyncError, match="only 0 can be found"):
        await shop.sync()

    await shop.sync()
    assert (await shop.content()).keys() == shop.expected().keys()


async def test_more_documents_than_rows_that_nothing_explains_end_the_job(shop: SyncHarness) -> None:
    async def write_once() -> None:
        document = {**(await shop.documents())["shop_album_3"], "id": "shop_album_ghost"}
        await shop.index_document("shop_album_ghost", document)

    at_the_first_bulk(shop, write_once)

    with pytest.raises(IncompleteSyncError, match="1 documents more"):
        await shop.sync()

    await shop.sync()
    assert await shop.content() == shop.expected()


async def test_fewer_documents_than_rows_that_nothing_explains_end_the_job(shop: SyncHarness) -> None:
    async def delete_once() -> None:
        await shop.call("DELETE", f"/{INDEX}/_doc/shop_track_7")

    at_the_first_bulk(shop, delete_once)

    with pytest.raises(IncompleteSyncError, match="1 documents fewer"):
        await shop.sync()

    await shop.sync()
    assert await shop.content() == shop.expected()


async def test_documents_of_other_tools_that_a_row_overwrites_are_no_surplus(shop: SyncHarness) -> None:
    await shop.index_document("shop_album_new", {"written": "by another tool"})

    await shop.sync()

    assert await shop.content() == shop.expected()


async def test_j11_what_a_rule_excludes_keeps_its_documents_unless_all_was_read(shop: SyncHarness) -> None:
    rule = {"id": "1", "policy": "exclude", "field": "table", "rule": "equals", "value": "album", "order": 1}
    shop.rules = BasicRules.from_wire([rule])
    losing(shop, 3)
    before = await shop.content()

    with pytest.raises(SourceUnavailableError):
        await shop.sync()

    assert shop.deletes() == []
    assert before.keys() <= (await shop.content()).keys()


async def test_a_source_lost_three_times_ends_the_job_and_nothing_is_deleted(shop: SyncHarness) -> None:
    losing(shop, 3)

    with pytest.raises(SourceUnavailableError):
        await shop.sync()

    assert shop.deletes() == []
    assert shop.stats.slices[0].readings == 3


async def test_a_source_lost_more_often_than_asked_for_ends_the_job(shop: SyncHarness) -> None:
    losing(shop, 1)
    shop.options = replace(shop.options, readings=1)

    with pytest.raises(SourceUnavailableError):
        await shop.sync()

    assert shop.deletes() == []


async def test_b1_a_slice_that_cannot_be_read_ends_the_job_and_nothing_is_deleted(shop: SyncHarness) -> None:
    def refuse(name: str, _batch: int) -> None:
        if name == "track":
            raise SourceConfigurationError("permission denied for table track (42501)")

    shop.source.before_batch = refuse

    with pytest.raises(SourceConfigurationError, match="42501"):
        await shop.sync()

    assert shop.deletes() == []
    assert shop.stats.slices[0].finished_at is not None


async def test_a_source_that_does_not_ask_about_its_rows_cannot_cause_deletes(shop: SyncHarness) -> None:
    shop.source.asks_about_rows = False

    with pytest.raises(IncompleteSyncError, match="asked about 0"):
        await shop.sync()

    assert shop.deletes() == []


async def test_e14_an_index_deleted_right_before_a_request_is_neither_created_nor_completed(
    shop: SyncHarness,
) -> None:
    async def delete_index() -> None:
        await shop.call("DELETE", f"/{INDEX}")

    at_the_first_bulk(shop, delete_index)

    with pytest.raises(IndexChangedError, match="removed"):
        await shop.sync()

    assert shop.deletes() == []
    with pytest.raises(NotFoundError):
        await shop.call("GET", f"/{INDEX}")
    await shop.sync()
    assert await shop.content() == shop.expected()


async def test_e14_an_index_deleted_right_before_the_deletes_is_not_taken_for_one_without_documents(
    shop: SyncHarness,
) -> None:
    # The race: the look before the deletes still finds the index, the deletes do not.
    shop.source.tables["album"].clear()
    deleted = 0

    async def delete_index(_method: str, path: str, body: bytes) -> None:
        nonlocal deleted
        if path.endswith("/_bulk") and body.startswith(b'{"delete"'):
            deleted += 1
            await shop.call("DELETE", f"/{INDEX}")

    shop.wire.before = delete_index

    with pytest.raises(IndexChangedError, match="removed"):
        await shop.sync()

    assert deleted == 1


async def test_an_index_that_an_alias_takes_the_place_of_is_noticed_by_the_next_request(
    shop: SyncHarness,
) -> None:
    async def put_alias() -> None:
        await shop.call("DELETE", f"/{INDEX}")
        await shop.call("PUT", "/shop-000001", {"aliases": {INDEX: {}}})

    shop.with_bulk(max_concurrency=1)
    at_the_first_bulk(shop, put_alias)

    with pytest.raises(IngestError, match="alias"):
        await shop.sync()

    assert shop.deletes() == []


async def test_an_index_deleted_between_two_requests_is_not_created_by_the_next_one(
    shop: SyncHarness,
) -> None:
    shop.with_bulk(chunk_size=1, max_concurrency=1)
    deleted = 0

    async def delete_index(_method: str, path: str, _body: bytes) -> None:
        nonlocal deleted
        if path.endswith("/_bulk") and not deleted:
            deleted += 1
            await shop.call("DELETE", f"/{INDEX}")

    shop.wire.after = delete_index

    with pytest.raises(IndexChangedError, match="removed"):
        await shop.sync()

    assert deleted == 1
    with pytest.raises(NotFoundError):
        await shop.call("GET", f"/{INDEX}")
    await shop.sync()
    assert await shop.content() == shop.expected()


async def test_an_alias_whose_index_is_deleted_while_a_request_is_under_way_is_not_created_as_an_index(
    shop: SyncHarness,
) -> None:
    # The race: the look before the request still finds the index, the request does not.
    await shop.call("DELETE", f"/{INDEX}")
    await shop.call("PUT", "/shop-000001", {"aliases": {INDEX: {}}})
    await shop.sync()
    shop.put("shop_album_0", title="changed")

    async def delete_index() -> None:
        await shop.call("DELETE", "/shop-000001")

    at_the_first_bulk(shop, delete_index)

    with pytest.raises(IndexChangedError):
        await shop.sync()

    with pytest.raises(NotFoundError):
        await shop.call("GET", f"/{INDEX}")


async def test_e14_an_index_replaced_meanwhile_is_noticed(shop: SyncHarness) -> None:
    async def replace_index() -> None:
        await shop.call("DELETE", f"/{INDEX}")
        await shop.call("PUT", f"/{INDEX}")

    shop.with_bulk(max_concurrency=1)
    at_the_first_bulk(shop, replace_index)

    with pytest.raises(IndexChangedError, match="replaced"):
        await shop.sync()

    assert shop.deletes() == []


async def test_e14_an_index_replaced_after_everything_was_proven_is_noticed(shop: SyncHarness) -> None:
    shop.put("1", "2")
    await shop.sync()
    paths = shop.watch_paths()
    await shop.sync()
    left = sum(path.endswith("/_refresh") for path in paths)

    async def replace_before_the_last_refresh(_method: str, path: str, _body: bytes) -> None:
        nonlocal left
        left -= path.endswith("/_refresh")
        if left == 0 and path.endswith("/_refresh"):
            shop.wire.before = nothing
            await shop.call("DELETE", f"/{INDEX}")
            await shop.call("PUT", f"/{INDEX}")

    shop.wire.before = replace_before_the_last_refresh

    with pytest.raises(IndexChangedError, match="replaced"):
        await shop.sync()


def at_the_first_bulk(shop: SyncHarness, act: Callable[[], Awaitable[None]]) -> None:
    done = False

    async def before(_method: str, path: str, _body: bytes) -> None:
        nonlocal done
        if path.endswith("/_bulk") and not done:
            done = True
            await act()

    shop.wire.before = before


async def test_i4_a_job_canceled_while_reading_deletes_nothing(shop: SyncHarness) -> None:
    def cancel(_slice: str, batch: int) -> None:
        if batch == 1:
            shop.lease.end(JobCanceledError("canceled"))

    shop.source.before_batch = cancel

    with pytest.raises(JobCanceledError):
        await shop.sync()

    assert shop.deletes() == []


async def test_i4_a_job_that_is_no_longer_ours_when_read_back_deletes_nothing(shop: SyncHarness) -> None:
    async def confirm() -> None:
        raise JobLostError("another worker has the job")

    shop.lease = Lease(confirm, clock=lambda: 0.0)

    with pytest.raises(JobLostError):
        await shop.sync()

    assert shop.deletes() == []
    assert shop.stats.indexed == 4


async def test_i4_a_job_canceled_during_the_deletes_sends_none_after_it_was_seen(shop: SyncHarness) -> None:
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


async def test_l04_while_all_requests_are_held_the_source_is_not_read(shop: SyncHarness) -> None:
    shop.put(*(f"shop_album_{number}" for number in range(1000)), title="changed too")
    shop.with_bulk(chunk_size=10, max_concurrency=2)
    hold = shop.server.faults.add(Hold(), path="*/_bulk")
    running = asyncio.create_task(shop.sync())
    await hold.struck()
    for _ in range(200):
        await asyncio.sleep(0)

    read_while_held = shop.stats.read

    shop.server.faults.remove(hold)
    await running
    assert read_while_held <= 40
    assert await shop.content() == shop.expected()
