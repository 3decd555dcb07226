"""A connector that follows always has one job that does, and that job gives way to all others."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from ingest.job import follow_job
from sources.contract import Features, Source
from tests.support.service_harness import CONNECTOR, ServiceHarness, config_for, until
from tests.support.shelf_source import SERVICE_TYPE, Shelf, ShelfSource, source_over

FEATURES = Features(incremental_sync=True)


class FollowedSource(ShelfSource):
    """Asks to be followed unless its configuration says otherwise."""

    fields: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **ShelfSource.fields,
        "follow": {"label": "Follow", "order": 4, "type": "str", "value": "yes"},
    }

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        super().__init__(configuration)
        follows = configuration.get("follow") == "yes"
        self.preferences = replace(self.preferences, follows=follows, follow_seconds=0.02)


def followed(shelf: Shelf) -> Mapping[str, type[Source]]:
    return {SERVICE_TYPE: source_over(shelf, FEATURES, FollowedSource)}


async def jobs_of(harness: ServiceHarness, connector_id: str = CONNECTOR) -> list[dict[str, Any]]:
    answer = await harness.ok("GET", "/_connector/_sync_job", connector_id=connector_id, size="1000")
    return sorted(answer["results"], key=lambda job: job["created_at"])


async def until_followed(harness: ServiceHarness, *, after: int = 0) -> dict[str, Any]:
    """Wait for a job that follows, the one after so many others."""

    def follows(jobs: list[dict[str, Any]]) -> bool:
        later = jobs[after:]
        return bool(later) and (later[-1].get("metadata") or {}).get("following", {}).get("way") == "polling"

    return (await until(lambda: jobs_of(harness), follows))[-1]


async def start(harness: ServiceHarness, **values: Any) -> None:
    await harness.create_connector()
    await harness.until_connector("needs_configuration")
    await harness.configure(follow="yes", **values)


async def test_rows_arrive_while_one_job_is_in_progress(harness: ServiceHarness) -> None:
    async with harness.serving(sources=followed(harness.shelf)):
        await start(harness)
        await until_followed(harness)
        harness.shelf.rows["3"] = {"title": "three"}
        await until(harness.content, lambda found: len(found) == 3)
        del harness.shelf.rows["1"]
        await until(harness.content, lambda found: len(found) == 2)
        (job,) = await jobs_of(harness)

        assert (job["status"], job["job_type"], job["trigger_method"]) == (
            "in_progress", "incremental", "scheduled",
        )  # fmt: skip


async def test_a_full_job_is_let_pass_and_the_next_one_follows(harness: ServiceHarness) -> None:
    async with harness.serving(sources=followed(harness.shelf)):
        await start(harness)
        first = await until_followed(harness)
        full = await harness.create_job()
        await harness.until_job(full, "completed")
        later = await until_followed(harness, after=2)

        assert (await harness.job(first["id"]))["status"] == "completed"
        assert (await harness.job(first["id"]))["metadata"]["following"]["ends_because"] == (
            follow_job.ANOTHER_WAITS
        )
        assert later["id"] not in (first["id"], full)


async def test_an_incremental_job_that_a_person_asks_for_has_an_end(harness: ServiceHarness) -> None:
    async with harness.serving(sources=followed(harness.shelf)):
        await start(harness)
        await until_followed(harness)

        job = await harness.until_job(await harness.create_job(job_type="incremental"), "completed")

        assert "following" not in job["metadata"]
        await until_followed(harness, after=2)


async def test_the_next_job_begins_when_one_has_followed_for_long(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_job, "LONGEST_SECONDS", 0.1)
    async with harness.serving(sources=followed(harness.shelf)):
        await start(harness)
        jobs = await until(lambda: jobs_of(harness), lambda jobs: len(jobs) >= 3)

    assert [job["status"] for job in jobs[:2]] == ["completed", "completed"]


async def test_a_canceled_job_is_canceled_and_followed_on_after_a_pause(harness: ServiceHarness) -> None:
    async with harness.serving(sources=followed(harness.shelf)) as service:
        await start(harness)
        job = await until_followed(harness)
        service.fleet.states[CONNECTOR].follow_schedule.first_pause_seconds = 0.3
        await harness.ok("PUT", f"/_connector/_sync_job/{job['id']}/_cancel")
        await harness.until_job(job["id"], "canceled")
        await until_followed(harness, after=1)


async def test_a_stopped_service_suspends_the_job_and_the_next_one_resumes_it(
    harness: ServiceHarness,
) -> None:
    async with harness.serving(sources=followed(harness.shelf)):
        await start(harness)
        job = await until_followed(harness)
    assert (await harness.job(job["id"]))["status"] == "suspended"
    harness.shelf.rows["3"] = {"title": "three"}

    async with harness.serving(sources=followed(harness.shelf)):
        await until(harness.content, lambda found: len(found) == 3)
        (resumed,) = await jobs_of(harness)

        assert resumed["id"] == job["id"]


async def test_a_changed_configuration_begins_another_job(harness: ServiceHarness) -> None:
    async with harness.serving(sources=followed(harness.shelf)):
        await start(harness)
        first = await until_followed(harness)
        await harness.configure(follow="yes", port=5433)
        later = await until_followed(harness, after=1)

        assert (await harness.job(first["id"]))["status"] == "completed"
        assert later["connector"]["configuration"]["port"]["value"] == 5433


async def test_a_connector_that_no_longer_follows_has_no_further_job(harness: ServiceHarness) -> None:
    async with harness.serving(sources=followed(harness.shelf)):
        await start(harness)
        first = await until_followed(harness)
        await harness.configure(follow="no")
        await harness.until_job(first["id"], "completed")
        full = await harness.create_job()
        await harness.until_job(full, "completed")

        assert [job["id"] for job in await jobs_of(harness)] == [first["id"], full]


async def test_of_several_services_one_follows(harness: ServiceHarness) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(harness.serving(sources=followed(harness.shelf)))
        await start(harness)
        await until_followed(harness)
        harness.shelf.rows["3"] = {"title": "three"}
        await until(harness.content, lambda found: len(found) == 3)

        running = [job for job in await jobs_of(harness) if job["status"] == "in_progress"]
        assert len(running) == 1


async def test_the_job_that_follows_takes_no_room_from_others(harness: ServiceHarness) -> None:
    other = "other-connector"
    config = config_for(harness.server, CONNECTOR, other, max_concurrent_content_syncs=1)
    async with harness.serving(config, sources=followed(harness.shelf)):
        await start(harness)
        await until_followed(harness)
        await harness.create_connector(other, index_name="other")
        await harness.until_connector("needs_configuration", other)
        await harness.configure(other, follow="no")
        await harness.until_connector("connected", other)

        await harness.until_job(await harness.create_job(other), "completed")


async def test_a_job_that_fails_is_followed_by_another_after_a_pause(harness: ServiceHarness) -> None:
    async with harness.serving(sources=followed(harness.shelf)) as service:
        await start(harness)
        await until_followed(harness)
        service.fleet.states[CONNECTOR].follow_schedule.first_pause_seconds = 0.3
        harness.shelf.read_error = RuntimeError("A defect.")
        harness.shelf.rows["3"] = {"title": "three"}
        await until(lambda: jobs_of(harness), lambda jobs: jobs[0]["status"] == "error")
        harness.shelf.read_error = None

        await until(harness.content, lambda found: len(found) == 3)
