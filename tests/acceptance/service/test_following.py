"""The real process follows a database by its log, whatever happens, and leaves nothing on the server.

With ELASTICSEARCH_URL the documents are those of a real Elasticsearch (`make test-cluster`).
"""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.elasticsearch import Server
from sandbox.elasticsearch.server.faults import Drop, Reply, Reset
from sandbox.postgresql import Cluster
from tests.acceptance.installation import INDEX, Installation, Running, installation
from tests.integration.sync.synced_database import SyncedDatabase, as_text
from tests.integration.sync.test_incremental_model import SCRIPT, TABLES, Model
from tests.support.database import Database, database_on
from tests.support.fault_proxy import FaultProxy
from tests.support.postgresql import server
from tests.support.service_harness import PATIENCE_SECONDS, until
from tests.support.sync_harness import sync_harness

FOLLOWING = {"follow": True, "follow_interval": 1, "max_deleted_share": 100}
LIMITS: Mapping[str, Any] = {"fencing_limit": 240, "idle_limit": 300}
"""A worker that Elasticsearch is away from for a while keeps its job."""
MODEL_SECONDS = 900.0
"""A job that failed is followed by the next one after half a minute, then after twice that, and so on."""
CUT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'elastic%'"
)
SLOTS = "SELECT count(*) FROM pg_replication_slots"


@pytest.fixture(scope="module")
def logical() -> Iterator[Cluster]:
    """A server whose log can be followed."""
    with server(settings={"wal_level": "logical"}) as cluster:
        yield cluster


@pytest.fixture
async def database(logical: Cluster) -> AsyncIterator[Database]:
    """A database all of whose tables are published."""
    async with database_on(logical) as database:
        await database.execute("CREATE PUBLICATION elastic_ingest FOR ALL TABLES")
        yield database


@pytest.fixture
async def installed(elasticsearch: Server, database: Database, tmp_path: Path) -> AsyncIterator[Installation]:
    """The service with that database, not yet started."""
    async with installation(elasticsearch, database, tmp_path) as one:
        yield one


@asynccontextmanager
async def reached_through_proxy(installed: Installation) -> AsyncIterator[FaultProxy]:
    """Let the service reach Elasticsearch through what can be cut."""
    host, port = installed.server.url.removeprefix("http://").split(":")
    async with FaultProxy(host, int(port)) as proxy:
        installed.write_config({"host": f"http://{proxy.host}:{proxy.port}"}, **LIMITS)
        yield proxy


async def jobs_of(installed: Installation) -> list[dict[str, Any]]:
    answer = await installed.harness.ok("GET", "/_connector/_sync_job", size="1000")
    return list(answer["results"])


async def until_followed_by_log(installed: Installation) -> None:
    def follows(jobs: list[dict[str, Any]]) -> bool:
        ways = [(job.get("metadata") or {}).get("following", {}).get("way") for job in jobs]
        return "log" in ways

    await until(lambda: jobs_of(installed), follows)


async def until_equal(installed: Installation, synced: SyncedDatabase, within_seconds: float) -> None:
    """Wait until a search of the index finds what the tables are."""
    async with asyncio.timeout(within_seconds):
        while True:
            found = await installed.harness.content(INDEX)
            if as_text(found) == as_text(await synced.expected()):
                return
            await asyncio.sleep(0.2)


async def until_no_slot(database: Database) -> None:
    """Wait until the server has noticed that nobody follows any more."""
    await until(lambda: database.value(SLOTS), lambda slots: slots == 0)


async def kill(running: Running) -> None:
    running.signal(signal.SIGKILL)
    assert await running.ended() == -signal.SIGKILL


@pytest.mark.timeout(5 * PATIENCE_SECONDS)
async def test_after_kills_cuts_outages_and_ddl_the_index_is_the_tables_without_a_full_job(
    installed: Installation,
) -> None:
    async with (
        sync_harness(installed.server) as index,
        reached_through_proxy(installed) as proxy,
    ):
        database = installed.database
        synced = SyncedDatabase(database=database, index=index)
        running = await installed.start()
        await installed.connect(**FOLLOWING)
        await until_followed_by_log(installed)
        await installed.change()
        await until_equal(installed, synced, PATIENCE_SECONDS)

        await kill(running)
        await until_no_slot(database)
        await installed.change()
        running = await installed.start()
        await until_equal(installed, synced, PATIENCE_SECONDS)

        await until(lambda: database.value(SLOTS), lambda slots: slots == 1)
        assert await database.value(CUT) > 0
        await installed.change()
        await until_equal(installed, synced, PATIENCE_SECONDS)

        port = await proxy.down()
        await installed.change()
        await database.execute("ALTER TABLE album ADD year int DEFAULT 1999; DELETE FROM artist WHERE id = 2")
        await running.has_logged("job.check_failed")
        await proxy.up(port)
        await until_equal(installed, synced, PATIENCE_SECONDS)

        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
        await until_no_slot(database)
        assert {job["job_type"] for job in await jobs_of(installed)} == {"incremental"}
        assert "Traceback" not in running.log()


async def trouble(installed: Installation, proxy: FaultProxy, model: Model) -> None:
    """Cause one fault, for a moment."""
    dice = model.dice
    what = dice.choice(("kill", "cut", "away", "broken", "broken"))
    model.happened.append(what)
    if what == "kill":
        await kill(installed.processes[-1])
        await asyncio.sleep(dice.random())
        await installed.start()
    elif what == "cut":
        await model.execute(CUT)
    elif what == "away":
        port = await proxy.down()
        await model.change_rows()
        await asyncio.sleep(dice.random() * 3)
        await proxy.up(port)
    else:
        fault = dice.choice((Reply(503), Reset(), Drop(), Reply(429)))
        applied = dice.random() < 0.5
        installed.server.faults.add(fault, path="*/_bulk", nth=dice.randrange(1, 4), applied=applied)


@pytest.mark.slow
@pytest.mark.timeout(3 * MODEL_SECONDS)
@pytest.mark.parametrize("seed", range(3))
async def test_after_any_workload_and_trouble_the_index_is_the_tables_without_a_full_job(
    installed: Installation, seed: int
) -> None:
    database = installed.database
    await database.execute(SCRIPT)
    await database.execute("SET lock_timeout = '50ms'")
    async with (
        sync_harness(installed.server) as index,
        reached_through_proxy(installed) as proxy,
    ):
        synced = SyncedDatabase(database=database, index=index, configuration={"tables": TABLES})
        model = Model(synced=synced, dice=random.Random(seed))
        await installed.start()
        await installed.connect(**FOLLOWING, tables=TABLES)
        await until_followed_by_log(installed)
        try:
            for _ in range(100):
                steps = (model.change_rows, model.work_in_transaction, model.alter, model.end_prepared)
                await model.dice.choices(steps, weights=(8, 4, 1, 2))[0]()
                if model.dice.random() < 0.1:
                    await trouble(installed, proxy, model)
                await asyncio.sleep(model.dice.random() * 0.3)
            installed.server.faults.clear()
            for session in model.sessions.values():
                await session.close()
            await model.end_prepared()
            await until_equal(installed, synced, MODEL_SECONDS)
            await model.change_rows()
            await until_equal(installed, synced, MODEL_SECONDS)
        except BaseException as error:
            error.add_note("\n".join(model.happened))
            raise
        installed.processes[-1].signal(signal.SIGTERM)
        assert await installed.processes[-1].ended() == 0
        await until_no_slot(database)
        assert {job["job_type"] for job in await jobs_of(installed)} == {"incremental"}
