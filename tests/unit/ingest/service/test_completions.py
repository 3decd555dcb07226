"""When jobs completed last: what is asked, how often, and what is said if Elasticsearch does not tell."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from ingest.elasticsearch.transport import Response
from ingest.protocol import Connector, JobStatus, Version
from ingest.service.completions import Completions
from ingest.service.pacing import LONGEST_PAUSE_SECONDS
from tests.support.fake_transport import AnsweringTransport, FakeTime, client_over, response

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
REFUSALS = {
    "a privilege is missing": (403, "security_exception"),
    "the field is no keyword": (400, "search_phase_execution_exception"),
    "it cannot be searched now": (503, "no_shard_available_action_exception"),
}


class World:
    """Jobs that an index knows of, or refuses to tell of, and a service that looks every five seconds."""

    def __init__(self) -> None:
        self.completed: dict[str, datetime] = {}
        self.refusal: tuple[int, str] | None = None
        self.time = FakeTime()
        self.transport = AnsweringTransport(self._answer)
        client = client_over(self.transport, self.time)
        self.completions = Completions(client, self.time.clock)

    async def look(self, *listed: Connector, seconds: float = 5.0) -> None:
        """List these connectors and let everything be done that comes of it."""
        async with asyncio.TaskGroup() as group:
            self.completions.note({one.id: one for one in listed}, group)
        self.time.now += seconds

    def _answer(self, _search: bytes) -> Response:
        if self.refusal is not None:
            status, kind = self.refusal
            return response(status, {"error": {"type": kind, "reason": "no"}})
        buckets: list[Any] = [
            {"key": one, "largest": {"value": moment.timestamp() * 1000}}
            for one, moment in self.completed.items()
        ]
        return response(200, {"_shards": {"failed": 0}, "aggregations": {"by_keyword": {"buckets": buckets}}})


def connectors(*names: str, **members: Any) -> Iterable[Connector]:
    return [Connector(id=name, version=Version(1, 1), **members) for name in names]


async def test_connectors_are_asked_about_once() -> None:
    world = World()
    world.completed = {"a": NOON}
    for _ in range(3):
        await world.look(*connectors("a", "b"))
    asked = len(world.transport.requests)
    await world.look(*connectors("a", "b", "c"))
    await world.look(*connectors("a", "c"))

    assert (asked, len(world.transport.requests)) == (1, 2)
    assert b'["c"]' in world.transport.bodies[-1]
    assert world.completions.moments == {"a": NOON}


async def test_the_later_of_two_moments_counts_whoever_says_it() -> None:
    world = World()
    later = NOON + timedelta(hours=1)
    world.completed = {"a": NOON, "b": later, "c": NOON}
    one = connectors("a", last_sync_status=JobStatus.COMPLETED, last_synced=later)
    another = connectors("b", last_sync_status=JobStatus.COMPLETED, last_synced=NOON)
    failed = connectors("c", last_sync_status=JobStatus.ERROR, last_synced=later)

    await world.look(*one, *another, *failed)

    assert world.completions.moments == {"a": later, "b": later, "c": NOON}


async def test_a_connector_that_is_gone_is_forgotten_and_asked_about_when_it_is_back() -> None:
    world = World()
    world.completed = {"a": NOON}
    await world.look(*connectors("a"))
    await world.look()
    forgotten = world.completions.moments
    await world.look(*connectors("a"))

    assert forgotten == {}
    assert world.completions.moments == {"a": NOON}
    assert len(world.transport.requests) == 2


@pytest.mark.parametrize("why", REFUSALS)
async def test_a_failure_is_said_once_until_it_is_over(why: str) -> None:
    world = World()
    world.completed = {"a": NOON}
    world.refusal = REFUSALS[why]
    with capture_logs() as logs:
        for _ in range(5):
            await world.look(*connectors("a"), seconds=LONGEST_PAUSE_SECONDS)
        said = [entry["event"] for entry in logs]
        world.refusal = None
        await world.look(*connectors("a"))
        found = dict(world.completions.moments)
        world.refusal = REFUSALS[why]
        await world.look(*connectors("a", "b"))

    assert said == ["completions.failed"]
    assert [entry["event"] for entry in logs] == ["completions.failed"] * 2
    assert found == world.completions.moments == {"a": NOON}


async def test_what_is_refused_is_asked_again_every_minute_however_often_connectors_are_listed() -> None:
    world = World()
    world.refusal = REFUSALS["a privilege is missing"]
    for _ in range(50):
        await world.look(*connectors("a"), seconds=LONGEST_PAUSE_SECONDS / 10)

    assert len(world.transport.requests) == 5


async def test_what_connectors_say_counts_while_nothing_else_does() -> None:
    world = World()
    world.refusal = REFUSALS["a privilege is missing"]
    said = {"last_sync_status": JobStatus.COMPLETED, "last_synced": NOON}

    await world.look(*connectors("a", **said), *connectors("b"))

    assert world.completions.moments == {"a": NOON}
