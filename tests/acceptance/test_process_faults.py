"""The real process is stopped, killed, or loses Elasticsearch in the middle of a job: no promise is broken.

How signals are taken is tested in `service/test_signals.py`; here it is what becomes of the index.
"""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ingest.protocol import CONNECTORS_INDEX, JOBS_INDEX
from sandbox.elasticsearch import Server
from sandbox.postgresql import Cluster
from tests.acceptance.installation import DYING, Installation, installation
from tests.support.database import database_on
from tests.support.fault_proxy import FaultProxy
from tests.support.service_harness import until
from tests.support.sweeps import kept

BULK = "*/_bulk"
JOB_WRITES = f"/{JOBS_INDEX}/_update/*"


@pytest.fixture
async def installed(elasticsearch: Server, cluster: Cluster, tmp_path: Path) -> AsyncIterator[Installation]:
    """The service with a database, not yet started."""
    async with database_on(cluster) as database, installation(elasticsearch, database, tmp_path) as one:
        yield one


@asynccontextmanager
async def reading(installed: Installation) -> AsyncIterator[None]:
    """A job that waits for its second table, which somebody has locked."""
    connection = installed.database.connection
    async with connection.transaction():
        await connection.execute("LOCK TABLE artist IN ACCESS EXCLUSIVE MODE")
        await installed.create_job()
        await until(lambda: _waiting_for_locks(installed), lambda waiting: waiting > 0)
        yield


async def _waiting_for_locks(installed: Installation) -> int:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'artist'::regclass"
    return int(await installed.database.value(waiting))


@asynccontextmanager
async def sending(installed: Installation) -> AsyncIterator[None]:
    """A job whose second bulk request gets no answer."""
    async with installed.holding(BULK, nth=2) as held:
        await installed.create_job()
        await held.struck()
        yield


@asynccontextmanager
async def deleting(installed: Installation) -> AsyncIterator[None]:
    """A job whose deletes get no answer."""
    async with installed.holding(BULK, b'{"delete"') as held:
        await installed.create_job()
        await held.struck()
        yield


MOMENTS = {"reading": reading, "sending": sending, "deleting": deleting}


@pytest.mark.parametrize("moment", kept(["sending"], of=MOMENTS))
async def test_a_stopped_service_suspends_its_job_and_the_next_one_completes_it(
    installed: Installation, moment: str
) -> None:
    running = await installed.set_up()
    await installed.change()
    async with MOMENTS[moment](installed):
        running.signal(signal.SIGTERM)
        code = await running.ended()
        suspended = await installed.harness.job(installed.job_ids[-1])
    await installed.start()
    job = await installed.end_of(installed.job_ids[-1])

    assert code == 0
    assert (suspended["status"], suspended["error"]) == ("suspended", None)
    assert job["status"] == "completed"
    (attempt,) = job["metadata"]["attempts"]
    assert attempt["worker_hostname"] == suspended["worker_hostname"]
    assert attempt["indexed_document_count"] == suspended["indexed_document_count"]
    assert await installed.titles() == await installed.expected_titles()
    assert await installed.problems() == []
    assert "Traceback" not in running.log()


KILLED_AT = {
    "the connector is to say that it syncs": f"/{CONNECTORS_INDEX}/_update/*",
    "the job is to be claimed": JOB_WRITES,
    "the first report": "/_connector/_sync_job/*/_stats",
}


@pytest.mark.slow
@pytest.mark.parametrize("step", KILLED_AT)
async def test_what_a_killed_service_was_at_is_ended_by_another_and_the_next_sync_is_exact(
    installed: Installation, step: str
) -> None:
    installed.write_config(**DYING)
    running = await installed.set_up()
    await installed.change()
    async with installed.holding(KILLED_AT[step]) as held:
        job_id = await installed.create_job()
        await held.struck()
        running.signal(signal.SIGKILL)
        assert await running.ended() == -signal.SIGKILL
    other = await installed.start()
    left = await installed.end_of(job_id)
    clean = await installed.sync()

    assert left["status"] in ("completed", "error")
    assert left["status"] == "completed" or "probably died" in left["error"]
    assert clean["status"] == "completed"
    assert await installed.titles() == await installed.expected_titles()
    assert await installed.problems() == []
    other.signal(signal.SIGTERM)
    assert await other.ended() == 0


async def test_a_dead_services_request_that_arrives_late_is_made_good_by_the_next_sync(
    installed: Installation,
) -> None:
    installed.write_config(**DYING)
    running = await installed.set_up()
    await installed.change()
    async with installed.holding(BULK, nth=1) as held:
        job_id = await installed.create_job()
        await held.struck()
        running.signal(signal.SIGKILL)
        await running.ended()
        await installed.start()
        await installed.end_of(job_id)
        await installed.change()
        assert (await installed.sync())["status"] == "completed"
    await installed.server.journal.wait_for(lambda entry: (entry.fault or "").startswith("Hold"))
    clean = await installed.sync()

    assert clean["status"] == "completed"
    assert await installed.titles() == await installed.expected_titles()
    assert await installed.problems() == []


async def test_an_elasticsearch_that_goes_and_comes_back_costs_a_job_nothing_but_time(
    installed: Installation,
) -> None:
    host, port = installed.server.url.removeprefix("http://").split(":")
    async with FaultProxy(host, int(port)) as proxy:
        installed.write_config({"host": f"http://{proxy.host}:{proxy.port}"}, fencing_limit=40, idle_limit=60)
        running = await installed.set_up()
        await installed.change()
        async with installed.holding(BULK, nth=2) as held:
            job_id = await installed.create_job()
            await held.struck()
            port_of_proxy = await proxy.down()
        await running.has_logged("job.check_failed")
        await proxy.up(port_of_proxy)
        job = await installed.end_of(job_id)
        running.signal(signal.SIGTERM)
        code = await running.ended()

    assert (job["status"], job["error"], job["metadata"]["attempts"]) == ("completed", None, [])
    assert await installed.titles() == await installed.expected_titles()
    assert await installed.problems() == []
    assert code == 0


async def test_two_services_with_one_file_run_each_job_once(installed: Installation) -> None:
    first = await installed.set_up()
    second = await installed.start()
    await second.has_logged("service.started")
    jobs = []
    for _ in range(4):
        await installed.change()
        jobs.append(await installed.sync())

    assert [(job["status"], job["metadata"]["attempts"]) for job in jobs] == [("completed", [])] * 4
    assert await installed.titles() == await installed.expected_titles()
    assert await installed.problems() == []
    for running in (first, second):
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
