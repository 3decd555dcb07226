"""A scan of the index that is not whole is repeated or ends the job; it is never taken for all there is."""

import json
from typing import Any

import pytest

from ingest.errors import ElasticsearchUnavailableError, IncompleteSyncError
from sandbox.elasticsearch.server.faults import Action, Drop, Edit, Reply, Reset, Truncate
from tests.support.sweeps import part_of, parts
from tests.support.sync_harness import SyncHarness, nothing

SEARCH = "/_search"


def _failed_shard(body: dict[str, object]) -> dict[str, object]:
    return {**body, "_shards": {"failed": 1}}


def _timed_out(body: dict[str, Any]) -> dict[str, Any]:
    """Lack a hit, as a page does whose first shard timed out."""
    hits = body["hits"].get("hits")
    return {**body, "timed_out": True, "hits": {**body["hits"], "hits": hits[1:]} if hits else body["hits"]}


def _without_hits(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "hits": {}}


def _spaced(body: dict[str, object]) -> bytes:
    return json.dumps(body, indent=1).encode()


FAULTS: dict[str, Action] = {
    "busy": Reply(429),
    "unavailable": Reply(503),
    "a proxy's page": Reply(502, "<html>", {"Content-Type": "text/html", "X-elastic-product": None}),
    "point in time lost": Reply(404),
    "reset": Reset(),
    "closed": Drop(),
    "cut": Truncate(30),
    "a shard failed": Edit(_failed_shard),
    "timed out": Edit(_timed_out),
    "no list of hits": Edit(_without_hits),
    "null": Reply(200, "null"),
    "empty": Reply(200, b""),
    "an empty object": Reply(200, {}),
}
SEARCHES = 6
"""Of a scan in pages of four, and of the deletes after it."""
PARTS = 3
"""Of the searches; each fault begins with another one."""


@pytest.mark.parametrize("part", parts(PARTS))
@pytest.mark.parametrize("name", FAULTS)
async def test_e18_a_fault_in_any_page_is_survived(shop: SyncHarness, name: str, part: int) -> None:
    first = part + list(FAULTS).index(name)
    await shop.call("PUT", "/search-shop/_settings", {"index.max_result_window": 4})
    shop.page_size = 4
    for round_ in part_of(range(1, SEARCHES + 1), first, PARTS):
        fault = shop.server.faults.add(FAULTS[name], path=SEARCH, nth=round_)

        stats = await shop.sync()

        shop.server.faults.remove(fault)
        assert fault.strikes == 1
        assert await shop.content() == shop.expected()
        assert (stats.indexed, stats.unchanged, stats.deleted) == (4, 6, 2)
        for table in ("album", "track"):
            # The next round finds as much to do.
            rows = shop.source.tables[table]
            shop.put(f"shop_{table}_new{round_}", table=table)
            shop.put(f"shop_{table}_1", table=table, title=f"round {round_}")
            del rows[next(id_ for id_ in rows if "new" in id_)]


@pytest.mark.parametrize("name", ["point in time lost", "a shard failed"])
async def test_e18_an_index_that_cannot_be_read_whole_ends_the_job_before_reading(
    shop: SyncHarness, name: str
) -> None:
    shop.server.faults.add(FAULTS[name], path=SEARCH)

    with pytest.raises(IncompleteSyncError, match="3 attempts"):
        await shop.sync()

    assert shop.stats.read == 0
    assert shop.actions() == []


async def test_pages_that_a_proxy_writes_anew_are_read_all_the_same(shop: SyncHarness) -> None:
    await shop.call("PUT", "/search-shop/_settings", {"index.max_result_window": 4})
    shop.page_size = 4
    shop.server.faults.add(Edit(_spaced), path=SEARCH)

    stats = await shop.sync()

    shop.server.faults.clear()
    assert await shop.content() == shop.expected()
    assert (stats.indexed, stats.unchanged, stats.deleted) == (4, 6, 2)


async def test_e18_a_delete_pass_that_cannot_search_deletes_nothing(shop: SyncHarness) -> None:
    def is_for_deletes(entry) -> bool:  # type: ignore[no-untyped-def]
        return b"seq_no_primary_term" in entry.body

    shop.server.faults.add(Reply(503), path=SEARCH, when=is_for_deletes)

    with pytest.raises(ElasticsearchUnavailableError):
        await shop.sync()

    assert shop.deletes() == []
    assert shop.stats.indexed == 4


async def test_e19_the_index_is_refreshed_before_it_is_scanned(shop: SyncHarness) -> None:
    await shop.call("PUT", "/search-shop/_settings", {"index.refresh_interval": "-1"})
    shop.put("shop_album_9")
    await shop.call("PUT", "/search-shop/_doc/shop_album_9", {"written": "just now"})
    shop.server.journal.clear()

    await shop.sync()

    assert await shop.content() == shop.expected()
    refreshes = [entry for entry in shop.server.journal if entry.path.endswith("/_refresh")]
    assert len(refreshes) <= 5


async def test_e19_what_was_deleted_just_now_is_not_taken_for_there(shop: SyncHarness) -> None:
    await shop.sync()
    await shop.call("PUT", "/search-shop/_settings", {"index.refresh_interval": "-1"})
    id_ = next(iter(shop.expected()))
    await shop.call("DELETE", f"/search-shop/_doc/{id_}")

    await shop.sync()

    assert await shop.content() == shop.expected()


async def test_e19_a_document_written_just_now_is_not_even_asked_to_be_deleted(shop: SyncHarness) -> None:
    await shop.sync()
    await shop.call("PUT", "/search-shop/_settings", {"index.refresh_interval": "-1"})
    id_ = next(iter(shop.source.tables["album"]))
    del shop.source.tables["album"][id_]

    async def write_after_the_scan(method: str, path: str, _body: bytes) -> None:
        if (method, path) == ("DELETE", "/_pit"):
            shop.wire.after = nothing
            await shop.call("PUT", f"/search-shop/_doc/{id_}", {"written": "by another tool"})

    shop.wire.after = write_after_the_scan
    shop.wire.bulk_bodies.clear()
    await shop.sync()

    assert shop.deletes() == []


async def test_every_point_in_time_is_given_back(shop: SyncHarness) -> None:
    await shop.sync()

    opened = [
        entry for entry in shop.server.journal if entry.path.endswith("/_pit") and entry.method == "POST"
    ]
    closed = [entry for entry in shop.server.journal if entry.path == "/_pit" and entry.method == "DELETE"]
    assert len(opened) == len(closed) > 0
