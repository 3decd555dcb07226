"""Anything may happen while jobs follow; once it is calm the index is the tables, without a full job.

Rows and structure change, transactions stay open, connections are cut, Elasticsearch fails or applies what it
does not answer, workers are killed: the next job begins with what was stored last.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ingest.errors import ElasticsearchUnavailableError, IngestError
from ingest.sync.progress.following import Way
from sandbox.elasticsearch import Server
from sources.errors import SourceError
from tests.integration.sync.follow_job import FollowJob, follow_job
from tests.integration.sync.synced_database import SyncedDatabase, as_text
from tests.integration.sync.test_incremental_model import SCRIPT, TABLES, Model
from tests.support.database import Database
from tests.support.sync_harness import nothing, sync_harness

CALM_SECONDS = 60.0
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'elastic%'"
)


@pytest.fixture
async def model(database: Database, elasticsearch: Server) -> AsyncIterator[Model]:
    async with sync_harness(elasticsearch) as index:
        await database.execute(SCRIPT)
        await database.execute("SET lock_timeout = '50ms'")
        synced = SyncedDatabase(
            database=database, index=index, configuration={"tables": TABLES, "max_deleted_share": 100}
        )
        model = Model(synced=synced, dice=random.Random(0))
        yield model
        for session in model.sessions.values():
            await session.close()
        await model.end_prepared()


async def follow_on(world: SyncedDatabase, jobs: list[FollowJob]) -> None:
    """Run one job after the other, as the service does, each beginning where the one before ended."""
    while True:
        job: FollowJob | None = None
        try:
            async with follow_job(world, way=None) as job:
                jobs.append(job)
                await job.until_ended()
        except (IngestError, SourceError):
            await asyncio.sleep(0.05)
        finally:
            if job is not None:
                world.cursor = job.cursor or (job.stored[-1] if job.stored else world.cursor)


def unreliable(dice: random.Random) -> Any:
    """Let a request fail now and then."""

    async def fail(_method: str, _path: str, _body: bytes) -> None:
        if dice.random() < 0.2:
            raise ElasticsearchUnavailableError("It is gone.")

    return fail


async def disturb(model: Model, dice: random.Random) -> None:
    wire = model.synced.index.wire
    what = dice.choice(("cut", "before", "after", "well", "well"))
    model.happened.append(what)
    if what == "cut":
        await model.execute(CUT)
    wire.before = unreliable(dice) if what == "before" else nothing
    wire.after = unreliable(dice) if what == "after" else nothing


async def calm_down(model: Model) -> None:
    model.synced.index.wire.before = model.synced.index.wire.after = nothing
    for session in model.sessions.values():
        await session.close()
    model.sessions.clear()
    await model.end_prepared()


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_after_anything_the_index_is_the_tables(model: Model, way: Way, seed: int) -> None:
    if way is Way.POLLING:
        await model.database.execute("DROP PUBLICATION elastic_ingest")
    model.dice = dice = random.Random(seed)
    jobs: list[FollowJob] = []
    service = asyncio.create_task(follow_on(model.synced, jobs))
    try:
        for _ in range(60):
            step = dice.choices(
                (model.change_rows, model.work_in_transaction, model.alter, model.end_prepared),
                weights=(8, 4, 1, 2),
            )[0]
            await step()
            if dice.random() < 0.2:
                await disturb(model, dice)
            if dice.random() < 0.05:
                model.happened.append("kill")
                service.cancel()
                await asyncio.wait({service})
                service = asyncio.create_task(follow_on(model.synced, jobs))
            await asyncio.sleep(dice.random() * 0.1)
        await calm_down(model)
        await until_equal(model, service)
        for _ in range(3):
            await until_followed(jobs, way)
            for _ in range(10):
                await model.change_rows()
            await until_equal(model, service)
    except BaseException as error:
        error.add_note("\n".join(model.happened))
        raise
    finally:
        service.cancel()
        await asyncio.wait({service})


async def until_followed(jobs: list[FollowJob], way: Way) -> None:
    async with asyncio.timeout(CALM_SECONDS):
        while True:
            if jobs and jobs[-1].following.way is way:
                return
            await asyncio.sleep(0.02)


async def until_equal(model: Model, service: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(CALM_SECONDS):
        while True:
            if service.done():
                service.result()
            with contextlib.suppress(SourceError):
                found, expected = await model.synced.index.content(), await model.synced.expected()
                if as_text(found) == as_text(expected):
                    return
            await asyncio.sleep(0.1)
