"""A job that has to wait neither gives up too early nor holds up the others."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
import structlog

from ingest.service.process import Service
from sandbox.elasticsearch.server.faults import Reply
from sources.contract import Finding, RuleProblem
from sources.errors import SourceUnavailableError
from sources.registry import SOURCES
from tests.support.memory_source import MemorySlice
from tests.support.postgresql import server
from tests.support.service_harness import CONNECTOR, ServiceHarness, config_for, until
from tests.support.shelf_source import SERVICE_TYPE, ShelfSource, source_over

MOMENTS = ("ping", "check", "validate", "slices")


class RestartingSource(ShelfSource):
    """Is not there the first time a job gets to one of these moments."""

    lost_at: ClassVar[list[str]]
    is_armed: ClassVar[bool] = False

    def _reach(self, moment: str) -> None:
        kind = type(self)
        if kind.is_armed and moment in kind.lost_at:
            kind.lost_at.remove(moment)
            raise SourceUnavailableError(f"The server is starting up ({moment}).")

    async def ping(self) -> None:
        self._reach("ping")

    async def check(self, advanced_rules: Any) -> Sequence[Finding]:
        self._reach("check")
        return [Finding(problem="Something odd.", remedy="Look.", is_fatal=False)]

    async def validate(self, advanced_rules: Any) -> Sequence[RuleProblem]:
        self._reach("validate")
        return []

    async def slices(self, advanced_rules: Any, seed: int) -> Sequence[MemorySlice]:
        self._reach("slices")
        return await super().slices(advanced_rules, seed)


@pytest.mark.parametrize("moments", [MOMENTS[:2], MOMENTS[2:]], ids=" and ".join)
async def test_a_source_that_is_lost_while_a_job_begins_is_tried_again(
    harness: ServiceHarness, moments: tuple[str, ...]
) -> None:
    class Restarting(RestartingSource):
        lost_at: ClassVar[list[str]] = [*moments]

    source = source_over(harness.shelf, base=Restarting)
    await harness.create_connector()
    with structlog.testing.capture_logs() as lines:
        async with harness.serving(sources={SERVICE_TYPE: source}):
            await harness.until_connector("needs_configuration")
            await harness.configure()
            await harness.until_connector("connected")
            source.is_armed = True  # type: ignore[attr-defined]
            job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert source.lost_at == []  # type: ignore[attr-defined]
    assert (job["status"], job["metadata"]["attempts"]) == ("completed", [])
    assert job["metadata"]["warnings"] == ["Something odd. Look."]
    assert sum(line["event"] == "source.awaited" for line in lines) == len(moments)


async def test_a_job_that_pauses_before_a_retry_makes_room_for_another(harness: ServiceHarness) -> None:
    config = config_for(harness.server, CONNECTOR, "other", max_concurrent_content_syncs=1)
    await harness.create_connector()
    await harness.create_connector("other", "other-index")
    async with harness.serving(config) as service:
        for name in (CONNECTOR, "other"):
            await harness.until_connector("needs_configuration", name)
            await harness.configure(name)
            await harness.until_connector("connected", name)
        harness.server.faults.add(Reply(503, headers={"Retry-After": "60"}), path="/music/_bulk")
        pausing = await harness.create_job()
        await harness.server.journal.wait_for(lambda entry: entry.status == 503)
        other = await harness.until_job(await harness.create_job("other"), "completed", "error")
        still = await harness.job(pausing)
        held = {one.job.id: one.is_paused for one in service.queue.running.values()}

    assert (other["status"], still["status"]) == ("completed", "in_progress")
    assert held[pausing]


async def test_jobs_that_pause_do_not_pile_up(harness: ServiceHarness) -> None:
    names = [f"connector-{number}" for number in range(4)]
    config = config_for(harness.server, *names, max_concurrent_content_syncs=1)
    for name in names:
        await harness.create_connector(name, name)
    async with harness.serving(config) as service:
        for name in names:
            await harness.until_connector("needs_configuration", name)
            await harness.configure(name)
            await harness.until_connector("connected", name)
        harness.server.faults.add(Reply(503, headers={"Retry-After": "60"}), path="*/_bulk")
        for name in names:
            await harness.create_job(name)
        await until(lambda: _paused(service), lambda paused: paused == 2)
        polls = len(harness.server.journal)
        await harness.server.journal.wait_for(lambda entry: len(harness.server.journal) > polls + 20)
        running = len(service.queue.running)

    assert running == 2


async def _paused(service: Service) -> int:
    return sum(one.is_paused for one in service.queue.running.values())


async def test_a_database_that_restarts_while_a_job_begins_is_waited_for(harness: ServiceHarness) -> None:
    with server() as cluster:
        cluster.execute(
            "CREATE TABLE album (id int PRIMARY KEY, title text); INSERT INTO album VALUES (1, 'one')"
        )
        cluster.execute("CHECKPOINT")  # the embedded server commits asynchronously, and is about to crash
        await harness.create_connector()
        with structlog.testing.capture_logs() as lines:
            async with harness.serving(sources=SOURCES):
                await harness.until_connector("needs_configuration")
                await harness.configure(
                    host=cluster.host,
                    port=cluster.port,
                    username=cluster.user,
                    password=cluster.password,
                    database="postgres",
                    schema="public",
                    tables="album",
                    retry_count=10,
                )
                await harness.until_connector("connected")
                await asyncio.to_thread(cluster.stop, "immediate")
                job_id = await harness.create_job()
                await until(lambda: _count(lines, "source.awaited"), lambda seen: seen > 0)
                await asyncio.to_thread(cluster.start)
                job = await until(
                    lambda: harness.job(job_id),
                    lambda one: one["status"] in ("completed", "error"),
                )

    assert (job["status"], job["error"], job["total_document_count"]) == ("completed", None, 1)


async def _count(lines: Sequence[Mapping[str, Any]], event: str) -> int:
    return sum(line["event"] == event for line in lines)
