"""Whatever `_bulk` answers, the index is exact in the end or the job is in error and nothing was deleted."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from ingest.errors import (
    ElasticsearchRefusedError,
    ElasticsearchUnavailableError,
    IncompleteSyncError,
    IngestError,
)
from sandbox.elasticsearch.server.faults import Action, Drop, Edit, FailItems, Reply, Reset, Truncate
from tests.support.sweeps import sampled
from tests.support.sync_harness import INDEX, SyncHarness

BULK = "*/_bulk"
FIRST = 1
"""The first document: a guard precedes it."""
PASSING: list[Action] = [
    Reply(429),
    Reply(429, headers={"Retry-After": "30"}),
    Reply(500),
    Reply(502, "<html>bad gateway</html>", {"Content-Type": "text/html", "X-elastic-product": None}),
    Reply(499, "Client Closed Request", {"Content-Type": "text/plain", "X-elastic-product": None}),
    Reply(503),
    Reply(504),
    Reply(200, "<html>please log in</html>", {"Content-Type": "text/html", "X-elastic-product": None}),
    Reply(200, {}, {"X-elastic-product": None}),
    Reply(200, b""),
    Reply(200, "null"),
    Reply(200, {"items": []}),
    Reset(),
    Drop(),
]


@pytest.mark.parametrize(("action", "applied"), sampled(PASSING, [False, True], every=2), ids=repr)
async def test_e01_to_e07_a_passing_fault_is_survived_and_counts_stay_exact(
    shop: SyncHarness, action: Action, applied: bool
) -> None:
    shop.server.faults.add(action, path=BULK, nth=1, applied=applied)

    stats = await shop.sync()

    assert await shop.content() == shop.expected()
    assert (stats.read, stats.indexed, stats.unchanged, stats.deleted) == (10, 4, 6, 2)


@pytest.mark.parametrize(
    "action",
    [Truncate(0), Truncate(20), FailItems(429), FailItems(429, (FIRST,)), FailItems(503, (FIRST + 1,))],
    ids=repr,
)
async def test_e02_e05_a_broken_or_mixed_answer_is_survived(shop: SyncHarness, action: Action) -> None:
    shop.server.faults.add(action, path=BULK, nth=1)

    stats = await shop.sync()

    assert await shop.content() == shop.expected()
    assert stats.indexed == 4


async def test_e02_only_the_item_turned_away_travels_again(shop: SyncHarness) -> None:
    shop.server.faults.add(FailItems(429, (FIRST,)), path=BULK, nth=1)

    await shop.sync()

    first, second = [ids for ids in _indexed_ids(shop) if ids[0].startswith("shop_album")]
    assert second == first[:1]


@pytest.mark.parametrize(
    "change",
    [
        lambda body: {**body, "items": body["items"][:-1]},
        lambda body: {**body, "items": body["items"] * 2},
        lambda body: {**body, "items": []},
        lambda body: {"items": with_other_ids(body["items"])},
    ],
    ids=["short", "long", "none", "other ids"],
)
async def test_e06_an_item_list_that_never_fits_ends_the_job_without_deletes(
    shop: SyncHarness, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    shop.server.faults.add(Edit(change), path=BULK)

    with pytest.raises(IncompleteSyncError, match="do not add up"):
        await shop.sync()

    assert shop.deletes() == []


def with_other_ids(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items one of which failed for the moment, answered for documents nobody sent."""
    busy = {"type": "es_rejected_execution_exception", "reason": "queue is full"}
    changed = [
        {"index": {**item["index"], "_id": f"other_{number}"}} if "index" in item else item
        for number, item in enumerate(items)
    ]
    first = next(item["index"] for item in changed if "index" in item)
    first |= {"status": 429, "error": busy}
    return changed


async def test_e06_items_of_other_documents_are_no_verdict_on_those_that_were_sent(shop: SyncHarness) -> None:
    changed = shop.server.faults.add(
        Edit(lambda body: {"items": with_other_ids(body["items"])}), path=BULK, nth=1
    )

    stats = await shop.sync()

    assert changed.strikes == 1
    assert await shop.content() == shop.expected()
    assert (stats.indexed, stats.rejected) == (4, 0)
    first, second = [ids for ids in _indexed_ids(shop) if ids[0].startswith("shop_album")]
    assert second == first


async def test_e06_errors_false_does_not_hide_a_failed_item(shop: SyncHarness) -> None:
    def hide(body: dict[str, object]) -> dict[str, object]:
        items = orjson.loads(orjson.dumps(body["items"]))
        items[FIRST]["index"] |= {
            "status": 400,
            "error": {"type": "document_parsing_exception", "reason": "no"},
        }
        return {"errors": False, "items": items}

    shop.server.faults.add(Edit(hide), path=BULK, nth=1)

    stats = await shop.sync()

    assert (stats.indexed, stats.rejected) == (3, 1)


async def test_e06_items_in_another_order_are_told_apart_by_their_ids(shop: SyncHarness) -> None:
    def turn_round(body: dict[str, Any]) -> dict[str, Any]:
        busy = {"type": "es_rejected_execution_exception", "reason": "queue is full"}
        (guard, first, *others) = body["items"]
        kept = {name: first["index"][name] for name in ("_index", "_id")}
        return {"items": [*others, guard, {"index": {**kept, "status": 429, "error": busy}}]}

    turned = shop.server.faults.add(Edit(turn_round), path=BULK, nth=1)

    stats = await shop.sync()

    assert turned.strikes == 1
    assert await shop.content() == shop.expected()
    assert (stats.indexed, stats.rejected) == (4, 0)
    first, second = [ids for ids in _indexed_ids(shop) if ids[0].startswith("shop_album")]
    assert second == first[:1]


async def test_a_request_refused_for_one_document_loses_no_other(shop: SyncHarness) -> None:
    duplicate = {"error": {"type": "x_content_parse_exception", "reason": "Duplicate field 'a'"}}
    shop.put(*(f"shop_album_{number}" for number in range(200)), title="changed")
    shop.put("shop_album_77", title="twice")
    shop.server.faults.add(
        Reply(400, duplicate), path=BULK, when=lambda entry: b'"title":"twice"' in entry.body
    )

    stats = await shop.sync()

    assert (await shop.content()).keys() == shop.expected().keys() - {"shop_album_77"}
    assert [one.id for one in stats.rejections] == ["shop_album_77"]


async def test_an_item_that_fails_for_good_is_not_sent_again(shop: SyncHarness) -> None:
    failed = FailItems(500, (FIRST,), "ingest_processor_exception", "a processor failed")
    shop.server.faults.add(failed, path=BULK, nth=1)

    stats = await shop.sync()

    assert stats.rejected == 1
    assert stats.requests == 3


@pytest.mark.parametrize("status", [429, 503])
async def test_e01_endless_pressure_ends_the_job_within_the_budget_without_deletes(
    shop: SyncHarness, status: int
) -> None:
    shop.server.faults.add(Reply(status), path=BULK)

    with pytest.raises(ElasticsearchUnavailableError, match=str(status)):
        await shop.sync()

    assert shop.deletes() == []
    assert shop.stats.indexed == 0


@pytest.mark.parametrize(("status", "most_actions"), [(400, 8), (401, 4), (403, 4)])
async def test_e13_a_final_no_ends_the_job_at_once_without_deletes(
    shop: SyncHarness, status: int, most_actions: int
) -> None:
    # After a 400 each document is tried alone, for one of them may be the cause.
    shop.server.faults.add(Reply(status), path=BULK)

    with pytest.raises(ElasticsearchRefusedError):
        await shop.sync()

    assert len(shop.actions()) <= most_actions
    assert shop.deletes() == []


async def test_e12_the_flood_stage_ends_the_job_and_the_next_one_catches_up(shop: SyncHarness) -> None:
    before = await shop.content()
    setting = "index.blocks.read_only_allow_delete"
    await shop.call("PUT", f"/{INDEX}/_settings", {setting: True})

    with pytest.raises(ElasticsearchUnavailableError, match="flood-stage"):
        await shop.sync()
    untouched = await shop.content()
    await shop.call("PUT", f"/{INDEX}/_settings", {setting: None})
    await shop.sync()

    assert untouched == before
    assert await shop.content() == shop.expected()


async def test_e12_the_flood_stage_of_older_versions_is_waited_for_as_well(shop: SyncHarness) -> None:
    blocked = FailItems(
        403,
        None,
        "cluster_block_exception",
        "index [x] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];",
    )
    shop.server.faults.add(blocked, path=BULK)

    with pytest.raises(ElasticsearchUnavailableError, match="FORBIDDEN/12"):
        await shop.sync()

    assert shop.deletes() == []


async def test_e12_a_flood_stage_that_passes_costs_time_alone(shop: SyncHarness) -> None:
    reason = "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark]"
    blocked = FailItems(429, None, "cluster_block_exception", reason)
    fault = shop.server.faults.add(blocked, path=BULK, times=2)

    await shop.sync()

    assert fault.strikes == 2
    assert await shop.content() == shop.expected()


async def test_e12_an_administrators_block_ends_the_job_at_once(shop: SyncHarness) -> None:
    blocked = FailItems(403, None, "cluster_block_exception", "blocked by: [FORBIDDEN/8/index write (api)];")
    shop.server.faults.add(blocked, path=BULK)

    with pytest.raises(ElasticsearchRefusedError, match="FORBIDDEN/8"):
        await shop.sync()

    assert shop.deletes() == []


async def test_e10_a_server_with_a_small_limit_gets_small_requests(shop: SyncHarness) -> None:
    shop.put(*(f"shop_album_{number}" for number in range(300)))
    limit = 4_000
    shop.server.faults.add(Reply(413), path=BULK, when=lambda entry: entry.body_bytes > limit)

    await shop.sync()

    assert await shop.content() == shop.expected()
    refused = [entry for entry in shop.server.journal if entry.status == 413]
    assert len({bytes(entry.body) for entry in refused}) == len(refused)


async def test_e11_a_rejected_document_keeps_its_old_version_and_the_others_go_on(shop: SyncHarness) -> None:
    shop.put("shop_album_1", "shop_album_3", length="not a number")
    await shop.call("PUT", f"/{INDEX}/_mapping", {"properties": {"length": {"type": "long"}}})

    stats = await shop.sync()

    assert (stats.rejected, stats.deleted) == (2, 2)
    assert (await shop.content())["shop_album_1"]["title"] == "title of shop_album_1"
    assert {rejection.id for rejection in stats.rejections} == {"shop_album_1", "shop_album_3"}
    assert "not a number" not in str(stats.to_wire())


async def test_b3_no_bulk_request_can_be_lost_whichever_fails(shop: SyncHarness) -> None:
    shop.put(*(f"shop_album_{number}" for number in range(40)))
    shop.with_bulk(chunk_size=5, max_concurrency=3)

    for nth in range(1, 9):
        fault = shop.server.faults.add(Reply(403), path=BULK, nth=nth)
        with pytest.raises(IngestError):
            await shop.sync()
        shop.server.faults.remove(fault)
        shop.options = shop.options
        shop.put(*(f"shop_album_{number}" for number in range(40)), title=f"round {nth}")
    assert shop.deletes() == []

    await shop.sync()

    assert await shop.content() == shop.expected()


def _indexed_ids(shop: SyncHarness) -> list[list[str]]:
    from tests.support.sync_harness import actions_in

    found = []
    for entry in shop.server.journal:
        if entry.path.endswith("/_bulk"):
            ids = [id_ for action, id_ in actions_in(entry.body) if action == "index"]
            if ids:
                found.append(ids)
    return found
