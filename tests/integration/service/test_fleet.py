"""Many connectors at once: listings that page, idle cost, fairness, worker mode, creation by config.yml."""

import asyncio
from dataclasses import replace
from datetime import datetime
from itertools import accumulate, pairwise

import pytest

from ingest.config import Config
from ingest.connector.tick import MOST_ASKING
from ingest.elasticsearch.client import connect
from ingest.errors import ElasticsearchUnavailableError
from ingest.protocol import CONNECTORS_INDEX, JOBS_INDEX, connectors, instant
from sandbox.elasticsearch.server.faults import Delay, Edit, Hold, Reply
from sources.errors import SourceConfigurationError
from tests.support.fake_transport import FakeTime
from tests.support.service_harness import CONNECTOR, ServiceHarness, config_for, entry_of, until
from tests.support.shelf_source import SERVICE_TYPE, ShelfSource

LISTING = f"/{CONNECTORS_INDEX}/_search"
JOBS_LISTING = f"/{JOBS_INDEX}/_search"


async def create_many(harness: ServiceHarness, count: int) -> list[str]:
    """Create connectors, and fill in their configuration."""
    fields = {name: {**properties, "value": "shelf"} for name, properties in ShelfSource.fields.items()}
    names = [f"connector-{number:03}" for number in range(count)]
    for name in names:
        await harness.create_connector(name, f"index-{name}")
        await harness.ok("PUT", f"/_connector/{name}/_configuration", {"configuration": fields})
    return names


async def listings(harness: ServiceHarness) -> int:
    return len(harness.server.journal.requests(path=LISTING))


async def test_many_idle_connectors_cost_two_searches_between_them(harness: ServiceHarness) -> None:
    names = await create_many(harness, 40)
    async with harness.serving(config_for(harness.server, *names)):
        for name in names:
            await harness.until_connector("connected", name)

        async def asked_in_ten_looks() -> list[str]:
            harness.server.journal.clear()
            await until(lambda: listings(harness), lambda seen: seen >= 10)
            return [entry.path for entry in harness.server.journal]

        # The listing is a search: until the next refresh it still shows what the last check has changed.
        asked = await until(asked_in_ten_looks, lambda asked: set(asked) == {LISTING, JOBS_LISTING})

    # Ten looks at forty connectors: one request each for all of them, and a poll for jobs every 50 ms.
    assert asked.count(LISTING) in range(10, 13)
    assert asked.count(JOBS_LISTING) <= 40


async def test_many_connectors_are_not_asked_about_all_at_once(harness: ServiceHarness) -> None:
    names = await create_many(harness, 3 * MOST_ASKING)
    harness.server.faults.add(Delay(0.2), path="*/_check_in")

    async with harness.serving(config_for(harness.server, *names)):
        for name in names:
            await harness.until_connector("connected", name)

    moments = []
    for entry in harness.server.journal.requests(path="/_connector/*"):
        if entry.path.endswith("/_check_in") and entry.ended_monotonic is not None:
            moments += [(entry.began_monotonic, 1), (entry.ended_monotonic, -1)]
    under_way = [*accumulate(change for _, change in sorted(moments))]
    assert len(moments) >= 2 * len(names)
    assert max(under_way) <= MOST_ASKING


async def test_a_listing_beyond_one_page_is_complete_while_connectors_change(harness: ServiceHarness) -> None:
    """A connector of the first page is written before the second is read: it moves, and none is skipped."""
    names = await create_many(harness, 260)
    second_page = harness.server.faults.add(
        Hold(), path=LISTING, when=lambda entry: "search_after" in entry.json(), times=1
    )
    async with connect(config_for(harness.server).elasticsearch) as client:
        listing = asyncio.ensure_future(connectors.search(client, ids=names, service_types=()))
        await second_page.struck()
        for name in names[:5]:
            await harness.write(CONNECTORS_INDEX, name, {"name": "renamed"})
        second_page.release()
        listed = await listing

    assert sorted(connector.id for connector in listed) == names
    assert [connector.name for connector in listed if connector.id in names[:5]] == ["renamed"] * 5


async def test_a_connector_that_nobody_wrote_is_not_read_again(harness: ServiceHarness) -> None:
    names = await create_many(harness, 6)
    async with connect(config_for(harness.server).elasticsearch) as client:
        known = {one.id: one for one in await connectors.search(client, ids=names, service_types=())}
        await harness.write(CONNECTORS_INDEX, names[1], {"name": "renamed"})
        await harness.ok("DELETE", f"/_connector/{names[2]}")
        del known[names[3]]
        await harness.ok("POST", f"/{CONNECTORS_INDEX}/_refresh")

        listed = {
            one.id: one for one in await connectors.search(client, ids=names, service_types=(), known=known)
        }
        read = harness.server.journal.requests(path=LISTING)[-1].json()["query"]["bool"]["filter"]
        listed_before = await listings(harness)
        again = await connectors.search(client, ids=names, service_types=(), known=listed)

    assert sorted(listed) == [name for name in names if name != names[2]]
    assert [name for name in names if name in listed and listed[name] is known.get(name)] == [
        names[0], names[4], names[5],
    ]  # fmt: skip
    assert listed[names[1]].name == "renamed"
    assert read == {"terms": {"_id": [names[1], names[3]]}}
    assert {one.id: one for one in again} == listed
    assert await listings(harness) == listed_before + 1


async def test_a_connector_that_becomes_somebody_elses_between_two_searches_is_not_listed(
    harness: ServiceHarness,
) -> None:
    """The first search tells versions, the second one reads: of another type by then, it is not ours."""
    names = await create_many(harness, 2)
    settings = config_for(harness.server).elasticsearch
    async with connect(settings) as client:
        known = {one.id: one for one in await connectors.search(client, ids=(), service_types=[SERVICE_TYPE])}
        await harness.write(CONNECTORS_INDEX, names[0], {"name": "renamed"})
        await harness.ok("POST", f"/{CONNECTORS_INDEX}/_refresh")
        second = harness.server.faults.add(
            Hold(), path=LISTING, when=lambda entry: "filter" in entry.json()["query"]["bool"], times=1
        )
        listing = asyncio.ensure_future(
            connectors.search(client, ids=(), service_types=[SERVICE_TYPE], known=known)
        )
        await second.struck()
        await harness.write(CONNECTORS_INDEX, names[0], {"service_type": "gramophone"})
        await harness.ok("POST", f"/{CONNECTORS_INDEX}/_refresh")
        second.release()

        assert [one.id for one in await listing] == [names[1]]


async def test_an_incomplete_listing_is_no_listing(harness: ServiceHarness) -> None:
    await create_many(harness, 3)
    shards = {"total": 2, "successful": 1, "skipped": 0, "failed": 1}
    harness.server.faults.add(Edit(lambda body: {**body, "_shards": shards}), path=LISTING)
    settings = config_for(harness.server).elasticsearch
    async with connect(settings, make_backoff=FakeTime().backoff) as client:
        with pytest.raises(ElasticsearchUnavailableError, match="1 shards failed"):
            await connectors.search(client, ids=["connector-000"], service_types=())


async def test_a_service_that_starts_finds_what_completed_before_the_latest_job_failed(
    harness: ServiceHarness,
) -> None:
    names = await create_many(harness, 3)
    config = config_for(harness.server, *names)
    async with harness.serving(config):
        completed = [
            await harness.until_job(await harness.create_job(name), "completed") for name in names[:2]
        ]
        harness.shelf.read_error = SourceConfigurationError("The table is gone.")
        await harness.until_job(await harness.create_job(names[0]), "error")
        await harness.until_job(await harness.create_job(names[2]), "error")
        await harness.until_connector("error", names[0])
    harness.server.journal.clear()

    async with harness.serving(config) as service:

        async def found_in_two() -> dict[str, datetime | None]:
            return {one.id: one.last_completed for one in service.snapshot().connectors}

        found = await until(found_in_two, lambda found: len([*filter(None, found.values())]) == 2)
        await until(lambda: listings(harness), lambda seen: seen >= 5)

    moments = [*(instant(job["completed_at"]) for job in completed), None]
    # An aggregation tells milliseconds.
    assert {name: moment and int(moment.timestamp() * 1000) for name, moment in found.items()} == {
        name: moment and int(moment.timestamp() * 1000) for name, moment in zip(names, moments, strict=True)
    }
    asked = [entry for entry in harness.server.journal.requests(path=JOBS_LISTING) if "aggs" in entry.json()]
    assert len(asked) == 1


@pytest.mark.parametrize("status", [400, 403, 503])
async def test_an_index_that_does_not_say_what_completed_holds_up_nothing_else(
    harness: ServiceHarness, status: int
) -> None:
    [name] = await create_many(harness, 1)
    refusing = harness.server.faults.add(
        Reply(status), path=JOBS_LISTING, when=lambda entry: "aggs" in entry.json()
    )
    async with harness.serving(config_for(harness.server, name)) as service:
        await refusing.struck()
        harness.server.journal.clear()
        await until(lambda: listings(harness), lambda seen: seen >= 5)
        job = await harness.until_job(await harness.create_job(name), "completed", "error")
        snapshot = service.snapshot()

    assert job["status"] == "completed"
    assert [loop.error for loop in snapshot.loops] == [None] * 3


async def test_no_job_is_an_orphan_because_a_listing_failed(harness: ServiceHarness) -> None:
    names = await create_many(harness, 3)
    jobs = [await harness.create_job(name) for name in names]
    for job_id in jobs:
        await harness.write(
            JOBS_INDEX, job_id, {"last_seen": "2020-01-01T00:00:00.000Z", "status": "in_progress"}
        )
    held = harness.server.faults.add(Hold(), path=LISTING)
    async with harness.serving(config_for(harness.server, job_cleanup_interval_seconds=0.2)):
        await until(lambda: count(harness, f"/{CONNECTORS_INDEX}/_doc/*"), lambda seen: seen >= 3)
        statuses = {(await harness.job(job_id))["status"] for job_id in jobs}
        held.release()

    assert statuses == {"in_progress"}


async def test_worker_mode_serves_every_connector_of_its_types(harness: ServiceHarness) -> None:
    names = await create_many(harness, 3)
    await harness.ok("PUT", "/_connector/other", {"service_type": "gramophone", "index_name": "other"})
    config = Config(
        elasticsearch=config_for(harness.server).elasticsearch,
        service=replace(config_for(harness.server).service, worker_mode=True, service_types=(SERVICE_TYPE,)),
    )
    async with harness.serving(config):
        for name in names:
            await harness.until_connector("connected", name)
        job = await harness.until_job(await harness.create_job(names[1]), "completed", "error")

    assert job["status"] == "completed"
    assert (await harness.connector("other"))["status"] == "created"


async def test_a_connector_that_config_yml_wants_is_created_once(harness: ServiceHarness) -> None:
    entry = entry_of(CONNECTOR, create=True, index_name="music", name="Music")
    config = replace(config_for(harness.server), connectors=(entry,))
    async with harness.serving(config), harness.serving(config):
        await until(lambda: harness.request("GET", f"/_connector/{CONNECTOR}"), lambda seen: seen[0] == 200)
        connector = await harness.until_connector("needs_configuration")
        await harness.configure()
        await harness.until_connector("connected")
        job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert (connector["name"], connector["index_name"], connector["service_type"]) == (
        "Music",
        "music",
        SERVICE_TYPE,
    )
    assert job["status"] == "completed"


async def test_a_created_connector_is_what_the_route_would_have_created(harness: ServiceHarness) -> None:
    await harness.create_connector("by-route", "one")
    async with connect(config_for(harness.server).elasticsearch) as client:
        was_created = await connectors.create(
            client, "by-service", service_type=SERVICE_TYPE, index_name="two", name="by-service"
        )
        again = await connectors.create(
            client, "by-service", service_type=SERVICE_TYPE, index_name="three", name="again"
        )

    assert (was_created, again) == (True, False)
    by_route, by_service = await harness.connector("by-route"), await harness.connector("by-service")
    assert shape(by_service) == shape(by_route)
    assert by_service["index_name"] == "two"


async def test_a_connector_somebody_deleted_is_not_created_again(harness: ServiceHarness) -> None:
    await harness.create_connector()
    await harness.ok("DELETE", f"/_connector/{CONNECTOR}")
    config = replace(config_for(harness.server), connectors=(entry_of(CONNECTOR, create=True),))
    async with harness.serving(config):
        await until(lambda: listings(harness), lambda seen: seen >= 3)
        status, _ = await harness.request("GET", f"/_connector/{CONNECTOR}")

    assert status == 404


async def test_jobs_start_oldest_first_and_in_turn_between_connectors(harness: ServiceHarness) -> None:
    await create_many(harness, 2)
    first, second = "connector-000", "connector-001"
    jobs = [await harness.create_job(name) for name in (first, first, first, second)]
    async with harness.serving(config_for(harness.server, first, second, max_concurrent_content_syncs=1)):
        ended = [await harness.until_job(job_id, "completed", "error") for job_id in jobs]

    assert {job["status"] for job in ended} == {"completed"}
    started = sorted(range(4), key=lambda number: str(ended[number]["started_at"]))
    # A check-in of the first connector may win against the first claim, which then waits for its next turn.
    assert started in ([0, 3, 1, 2], [3, 0, 1, 2])


@pytest.mark.parametrize("limit", [1, 3])
async def test_no_more_jobs_run_at_once_than_configured(harness: ServiceHarness, limit: int) -> None:
    names = await create_many(harness, 5)
    harness.shelf.gate = asyncio.Event()
    async with harness.serving(config_for(harness.server, *names, max_concurrent_content_syncs=limit)):
        jobs = [await harness.create_job(name) for name in names]
        await until(lambda: number(harness.shelf.reads), lambda seen: seen >= limit)
        running = [job_id for job_id in jobs if (await harness.job(job_id))["status"] == "in_progress"]
        harness.shelf.gate.set()
        for job_id in jobs:
            await harness.until_job(job_id, "completed", "error")

    assert len(running) == limit


async def test_a_job_is_picked_up_within_two_seconds_at_default_intervals(harness: ServiceHarness) -> None:
    defaults = Config(
        elasticsearch=config_for(harness.server).elasticsearch, connectors=(entry_of(CONNECTOR),)
    )
    async with harness.ready():
        pass
    async with harness.serving(defaults):
        polls = harness.server.journal.requests(path=JOBS_LISTING)
        await until(lambda: count(harness, JOBS_LISTING), lambda seen: seen >= len(polls) + 4)
        later = harness.server.journal.requests(path=JOBS_LISTING)[-3:]

    gaps = [after.began_monotonic - before.began_monotonic for before, after in pairwise(later)]
    assert max(gaps) < 1.9


def shape(value: object) -> object:
    """The structure of a document, without the values that differ from one to the next."""
    if isinstance(value, dict):
        dates_and_names = ("created_at", "updated_at", "id", "name", "index_name")
        return {key: None if key in dates_and_names else shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return value


async def count(harness: ServiceHarness, path: str) -> int:
    return len(harness.server.journal.requests(path=path))


async def number(value: int) -> int:
    return value
