"""Refused documents are kept where the connector says, until a job completes that was not refused them."""

from typing import Any

from sandbox.elasticsearch.server.faults import Reply
from tests.support.service_harness import CONNECTOR, ServiceHarness

KEPT = "refused"


async def map_titles_as_numbers(harness: ServiceHarness) -> None:
    """Refuse rows whose title is no number."""
    await harness.ok("PUT", "/music", {"mappings": {"properties": {"title": {"type": "long"}}}})


async def sync(harness: ServiceHarness, status: str = "completed") -> dict[str, Any]:
    return await harness.until_job(await harness.create_job(), status)


async def kept(harness: ServiceHarness) -> list[dict[str, Any]]:
    await harness.ok("POST", f"/{KEPT}/_refresh")
    hits = (await harness.ok("POST", f"/{KEPT}/_search", {"size": 100}))["hits"]["hits"]
    return [hit["_source"] for hit in hits]


async def test_a_refused_document_is_kept_with_why_and_without_its_values(harness: ServiceHarness) -> None:
    await map_titles_as_numbers(harness)
    harness.shelf.rows = {"1": {"title": 5}, "2": {"title": "not for the log"}}
    harness.shelf.rejected_index = KEPT
    async with harness.ready():
        job = await sync(harness)

    (entry,) = await kept(harness)
    assert entry.pop("@timestamp") >= job["started_at"]
    assert "title" in entry.pop("reason")
    assert "not for the log" not in str(entry.pop("cause"))
    assert entry == {
        "connector_id": CONNECTOR,
        "sync_job_id": job["id"],
        "index": "music",
        "table": "shelf",
        "id": "2",
        "error": "document_parsing_exception",
    }


async def test_a_document_that_is_taken_now_is_forgotten(harness: ServiceHarness) -> None:
    await map_titles_as_numbers(harness)
    harness.shelf.rows = {"1": {"title": 5}, "2": {"title": "two"}, "3": {"title": "three"}}
    harness.shelf.rejected_index = KEPT
    async with harness.ready():
        await sync(harness)
        harness.shelf.rows["2"] = {"title": 2}
        again = await sync(harness)

    assert [(one["id"], one["sync_job_id"]) for one in await kept(harness)] == [("3", again["id"])]


async def test_what_ends_a_job_is_kept_too_beside_what_was_known(harness: ServiceHarness) -> None:
    await map_titles_as_numbers(harness)
    harness.shelf.rows = {"1": {"title": 5}, "2": {"title": "two"}}
    harness.shelf.rejected_index = KEPT
    async with harness.ready():
        await sync(harness)
        harness.shelf.rows = {"3": {"title": "three"}}
        await sync(harness, "error")

    assert sorted(one["id"] for one in await kept(harness)) == ["2", "3"]


async def test_without_an_index_nothing_is_kept(harness: ServiceHarness) -> None:
    await map_titles_as_numbers(harness)
    harness.shelf.rows = {"1": {"title": 5}, "2": {"title": "two"}}
    async with harness.ready():
        await sync(harness)

    status, _ = await harness.request("GET", f"/{KEPT}")
    assert status == 404


async def test_the_own_index_of_a_connector_is_refused_by_any_name(harness: ServiceHarness) -> None:
    harness.shelf.rejected_index = "music"
    async with harness.ready():
        named = await sync(harness, "error")
        await harness.ok("PUT", "/music", {"aliases": {KEPT: {}}})
        harness.shelf.rejected_index = KEPT
        aliased = await sync(harness, "error")

    assert "rejected_index" in named["error"]
    assert "rejected_index" in aliased["error"]
    assert await harness.content() == {}


async def test_what_cannot_be_kept_ends_no_job_and_is_said(harness: ServiceHarness) -> None:
    await map_titles_as_numbers(harness)
    harness.shelf.rows = {"1": {"title": 5}, "2": {"title": "two"}}
    harness.shelf.rejected_index = KEPT
    harness.server.faults.add(Reply(403), path=f"/{KEPT}/_bulk")
    async with harness.ready():
        job = await sync(harness)

    assert any(KEPT in warning for warning in job["metadata"]["warnings"])
