"""Many connectors at once: listings that page, idle cost, fairness, worker mode, creation by config.yml."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from ingest.config import Config
from ingest.elasticsearch.client import connect
from ingest.errors import ElasticsearchUnavailableError
from ingest.protocol import CONNECTORS_INDEX, JOBS_INDEX, connectors
from sandbox.elasticsearch.server.faults import Edit, Hold
from tests.integration.service.world import (
    CONNECTOR,
    SERVICE_TYPE,
    ShelfSource,
    World,
    config_for,
    entry_of,
    until,
)

LISTING = f"/{CONNECTORS_INDEX}/_search"
JOBS_LISTING = f"/{JOBS_INDEX}/_search"


async def create_many(world: World, count: int) -> list[str]:
    """Create connectors as somebody leaves them who filled in their configuration."""
    fields = {name: {**properties, "value": "shelf"} for name, properties in ShelfSource.fields.items()}
    names = [f"connector-{number:03}" for number in range(count)]
    for name in names:
        await world.create_connector(name, f"index-{name}")
        await world.ok("PUT", f"/_connector/{name}/_configuration", {"configuration": fields})
    return names


async def listings(world: World) -> int:
    return len(world.server.journal.requests(path=LISTING))


async def test_a_hundred_idle_connectors_cost_two_searches_between_them(world: World) -> None:
    names = await create_many(world, 100)
    async with world.serving(config_for(world.server, *names)):
        for name in names:
            await world.until_connector("connected", name)

        async def asked_in_ten_looks() -> list[str]:
            world.server.journal.clear()
            await until(lambda: listings(world), lambda seen: seen >= 10)
            return [entry.path for entry in world.server.journal]

        # The listing is a search: until the next refresh it still shows what the last check has changed.
        asked = await until(asked_in_ten_looks, lambda asked: set(asked) == {LISTING, JOBS_LISTING})

    # Ten looks at a hundred connectors: one request each for all of them, and a poll for jobs every 50 ms.
    assert asked.count(LISTING) in range(10, 13)
    assert asked.count(JOBS_LISTING) <= 40


async def test_a_listing_beyond_one_page_is_complete_while_connectors_change(world: World) -> None:
    """A connector of the first page is written before the second is read: it moves, and none is skipped."""
    names = await create_many(world, 260)
    second_page = world.server.faults.add(
        Hold(), path=LISTING, when=lambda entry: "search_after" in entry.json(), times=1
    )
    async with connect(config_for(world.server).elasticsearch) as client:
        listing = asyncio.ensure_future(connectors.search(client, ids=names, service_types=()))
        await second_page.struck()
        for name in names[:5]:
            await world.write(CONNECTORS_INDEX, name, {"name": "renamed"})
        second_page.release()
        listed = await listing

    assert sorted(connector.id for connector in listed) == names
    assert [connector.name for connector in listed if connector.id in names[:5]] == ["renamed"] * 5


async def test_an_incomplete_listing_is_no_listing(world: World) -> None:
    await create_many(world, 3)
    shards = {"total": 2, "successful": 1, "skipped": 0, "failed": 1}
    world.server.faults.add(Edit(lambda body: {**body, "_shards": shards}), path=LISTING)
    async with connect(config_for(world.server).elasticsearch) as client:
        with pytest.raises(ElasticsearchUnavailableError, match="1 shards failed"):
            await connectors.search(client, ids=["connector-000"], service_types=())


async def test_no_job_is_an_orphan_because_a_listing_failed(world: World) -> None:
    names = await create_many(world, 3)
    jobs = [await world.create_job(name) for name in names]
    for job_id in jobs:
        await world.write(
            JOBS_INDEX, job_id, {"last_seen": "2020-01-01T00:00:00.000Z", "status": "in_progress"}
        )
    held = world.server.faults.add(Hold(), path=LISTING)
    async with world.serving(config_for(world.server, job_cleanup_interval_seconds=0.2)):
        await until(lambda: count(world, f"/{CONNECTORS_INDEX}/_doc/*"), lambda seen: seen >= 3)
        statuses = {(await world.job(job_id))["status"] for job_id in jobs}
        held.release()

    assert statuses == {"in_progress"}


async def test_worker_mode_serves_every_connector_of_its_types(world: World) -> None:
    names = await create_many(world, 3)
    await world.ok("PUT", "/_connector/other", {"service_type": "gramophone", "index_name": "other"})
    config = Config(
        elasticsearch=config_for(world.server).elasticsearch,
        service=replace(config_for(world.server).service, worker_mode=True, service_types=(SERVICE_TYPE,)),
    )
    async with world.serving(config):
        for name in names:
            await world.until_connector("connected", name)
        job = await world.until_job(await world.create_job(names[1]), "completed", "error")

    assert job["status"] == "completed"
    assert (await world.connector("other"))["status"] == "created"


async def test_a_connector_that_config_yml_wants_is_created_once(world: World) -> None:
    entry = entry_of(CONNECTOR, create=True, index_name="music", name="Music")
    config = replace(config_for(world.server), connectors=(entry,))
    async with world.serving(config), world.serving(config):
        await until(lambda: world.request("GET", f"/_connector/{CONNECTOR}"), lambda seen: seen[0] == 200)
        connector = await world.until_connector("needs_configuration")
        await world.configure()
        await world.until_connector("connected")
        job = await world.until_job(await world.create_job(), "completed", "error")

    assert (connector["name"], connector["index_name"], connector["service_type"]) == (
        "Music",
        "music",
        SERVICE_TYPE,
    )
    assert job["status"] == "completed"


async def test_a_created_connector_is_what_the_route_would_have_created(world: World) -> None:
    await world.create_connector("by-route", "one")
    async with connect(config_for(world.server).elasticsearch) as client:
        was_created = await connectors.create(
            client, "by-service", service_type=SERVICE_TYPE, index_name="two", name="by-service"
        )
        again = await connectors.create(
            client, "by-service", service_type=SERVICE_TYPE, index_name="three", name="again"
        )

    assert (was_created, again) == (True, False)
    by_route, by_service = await world.connector("by-route"), await world.connector("by-service")
    assert shape(by_service) == shape(by_route)
    assert by_service["index_name"] == "two"


async def test_a_connector_somebody_deleted_is_not_created_again(world: World) -> None:
    await world.create_connector()
    await world.ok("DELETE", f"/_connector/{CONNECTOR}")
    config = replace(config_for(world.server), connectors=(entry_of(CONNECTOR, create=True),))
    async with world.serving(config):
        await until(lambda: listings(world), lambda seen: seen >= 3)
        status, _ = await world.request("GET", f"/_connector/{CONNECTOR}")

    assert status == 404


async def test_jobs_start_oldest_first_and_in_turn_between_connectors(world: World) -> None:
    await create_many(world, 2)
    first, second = "connector-000", "connector-001"
    jobs = [await world.create_job(name) for name in (first, first, first, second)]
    async with world.serving(config_for(world.server, first, second, max_concurrent_content_syncs=1)):
        ended = [await world.until_job(job_id, "completed", "error") for job_id in jobs]

    assert {job["status"] for job in ended} == {"completed"}
    started = sorted(range(4), key=lambda number: str(ended[number]["started_at"]))
    # A check-in of the first connector may win against the first claim, which then waits for its next turn.
    assert started in ([0, 3, 1, 2], [3, 0, 1, 2])


@pytest.mark.parametrize("limit", [1, 3])
async def test_no_more_jobs_run_at_once_than_configured(world: World, limit: int) -> None:
    names = await create_many(world, 5)
    world.shelf.gate = asyncio.Event()
    async with world.serving(config_for(world.server, *names, max_concurrent_content_syncs=limit)):
        jobs = [await world.create_job(name) for name in names]
        await until(lambda: number(world.shelf.reads), lambda seen: seen >= limit)
        running = [job_id for job_id in jobs if (await world.job(job_id))["status"] == "in_progress"]
        world.shelf.gate.set()
        for job_id in jobs:
            await world.until_job(job_id, "completed", "error")

    assert len(running) == limit


async def test_a_job_is_picked_up_within_two_seconds_at_default_intervals(world: World) -> None:
    defaults = Config(elasticsearch=config_for(world.server).elasticsearch, connectors=(entry_of(CONNECTOR),))
    async with world.ready():
        pass
    async with world.serving(defaults):
        polls = world.server.journal.requests(path=JOBS_LISTING)
        await until(lambda: count(world, JOBS_LISTING), lambda seen: seen >= len(polls) + 4)
        later = world.server.journal.requests(path=JOBS_LISTING)[-3:]

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


async def count(world: World, path: str) -> int:
    return len(world.server.journal.requests(path=path))


async def number(value: int) -> int:
    return value
