"""Servers that are started again, crash, are copied, lag, take over or run out of transaction numbers."""

import asyncio
import os
import shutil
import signal

import asyncpg
import pytest

from sandbox.postgresql import Cluster
from sources.postgresql import PostgreSQL
from tests.integration.changes.table_copy import Step, TableCopy
from tests.support.database import BRISK
from tests.support.standby import caught_up, connected, run, standby_of, until_answering, value

NOTHING = Step(reason=None, is_proven=True)
TABLE = (
    "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, 'v' FROM generate_series(1, 5) g;"
)
RESTARTED = "The server was started since, or this is a standby of it."
CRASHED = "The server recovered from a crash since, or its statistics were reset."
NUMBERS = 2**32


def copy_of(cluster: Cluster, *, tables: str = "t") -> TableCopy:
    configuration = {
        "host": cluster.host, "port": cluster.port, "username": cluster.user, "password": cluster.password,
        "database": "postgres", "schema": "public", "tables": tables,
    }  # fmt: skip
    return TableCopy(source=PostgreSQL(configuration, BRISK))


async def test_a_restart_is_a_reason_to_compare(own_cluster: Cluster) -> None:
    await run(own_cluster, TABLE)
    copy = copy_of(own_cluster)
    await copy.follow()

    own_cluster.restart()

    assert (await copy.follow()).reason == RESTARTED
    assert await copy.follow() == NOTHING


async def test_a_crash_that_the_server_survives_is_a_reason_to_compare(own_cluster: Cluster) -> None:
    """Commits that were not flushed are undone, and their numbers used again; the server was not started."""
    await run(own_cluster, TABLE, "CHECKPOINT")
    copy = copy_of(own_cluster)
    started = await value(own_cluster, "SELECT pg_postmaster_start_time()")
    crashing = await asyncpg.connect(
        host=own_cluster.host,
        port=own_cluster.port,
        user=own_cluster.user,
        password=own_cluster.password,
        database="postgres",
    )
    await crashing.execute("SET synchronous_commit = off; UPDATE t SET v = 'lost' WHERE id = 1")
    await copy.follow()

    os.kill(crashing.get_server_pid(), signal.SIGKILL)
    crashing.terminate()
    await until_answering(own_cluster)

    assert await value(own_cluster, "SELECT pg_postmaster_start_time()") == started
    assert (await copy.follow()).reason == CRASHED
    assert await copy.follow() == NOTHING


async def test_a_crash_between_two_tables_of_one_job_is_a_reason_to_compare(own_cluster: Cluster) -> None:
    """What was asked of the server at the first table does not stand for the second one."""
    await run(own_cluster, TABLE, "CREATE TABLE u (id int PRIMARY KEY)", "CHECKPOINT")
    source = copy_of(own_cluster, tables="t,u").source
    before = {}
    for slice_ in await source.slices(None, 0):
        async with slice_.snapshot() as snapshot:
            before[slice_.name] = snapshot.position
    first, second = await source.slices(None, 0)
    async with first.snapshot() as snapshot:
        assert snapshot.incompatibility(before[first.name]) is None

    async with connected(own_cluster) as crashing:
        os.kill(crashing.get_server_pid(), signal.SIGKILL)
        crashing.terminate()
    await until_answering(own_cluster)

    async with second.snapshot() as snapshot:
        assert snapshot.incompatibility(before[second.name]) == CRASHED


async def test_statistics_that_are_reset_look_like_a_crash(own_cluster: Cluster) -> None:
    await run(own_cluster, TABLE)
    copy = copy_of(own_cluster)
    await copy.follow()

    await run(own_cluster, "SELECT pg_stat_reset()")
    assert await copy.follow() == NOTHING
    await run(own_cluster, "SELECT pg_stat_reset_shared('bgwriter')")
    for _ in range(50):  # before version 15 a process of its own gathers statistics, and resets them later
        if (reason := (await copy.follow()).reason) is not None:
            break
        await asyncio.sleep(0.1)
    assert reason == CRASHED


async def test_a_standby_is_followed_while_it_lags_and_after_it_took_over(own_cluster: Cluster) -> None:
    await run(own_cluster, TABLE)
    with standby_of(own_cluster) as standby:
        await until_answering(standby)
        copy = copy_of(standby)
        async with connected(own_cluster) as slow:
            await slow.execute("BEGIN; UPDATE t SET v = 'slow' WHERE id = 1; SAVEPOINT s")
            await slow.execute("UPDATE t SET v = 'slow' WHERE id = 2")
            await run(own_cluster, "UPDATE t SET v = 'w' WHERE id = 3")
            await caught_up(own_cluster, standby)
            await copy.follow()

            await run(standby, "SELECT pg_wal_replay_pause()")
            await slow.execute("COMMIT")
            await copy.follow()
            await run(standby, "SELECT pg_wal_replay_resume()")
            await caught_up(own_cluster, standby)

            assert {"1", "2"} <= (await copy.follow()).changed
        await run(standby, "SELECT pg_promote()")
        await run(standby, "UPDATE t SET v = 'alone' WHERE id = 4; CHECKPOINT")
        step = await copy.follow()
        assert "4" in step.changed or "timeline" in str(step.reason)


async def test_the_state_of_a_standby_is_how_far_it_has_come(own_cluster: Cluster) -> None:
    await run(own_cluster, TABLE, "CHECKPOINT")
    with standby_of(own_cluster) as standby:
        await until_answering(standby)
        await caught_up(own_cluster, standby)
        async with copy_of(standby).source as source:
            await run(standby, "SELECT pg_wal_replay_pause()")
            paused = await source.state()
            await run(own_cluster, "UPDATE t SET v = 'w' WHERE id = 1")
            still = await source.state()
            await run(standby, "SELECT pg_wal_replay_resume()")
            await caught_up(own_cluster, standby)

            assert paused is not None
            assert still == paused
            assert await source.state() != paused

        assert await value(standby, "SELECT v FROM t WHERE id = 1") == "w"


async def test_a_reader_that_replays_no_log_has_no_state(own_cluster: Cluster) -> None:
    await run(own_cluster, "CREATE FUNCTION aurora_version() RETURNS text LANGUAGE sql AS $$SELECT '17'$$")
    with standby_of(own_cluster) as standby:
        await until_answering(standby)

        async with copy_of(standby).source as source:
            assert await source.state() is None


async def test_another_server_of_the_same_system_is_noticed(own_cluster: Cluster) -> None:
    """What a balancer does between two standbys, or a failover that lost transactions."""
    await run(own_cluster, TABLE)
    with standby_of(own_cluster) as standby:
        await until_answering(standby)
        copy = copy_of(own_cluster)
        await run(own_cluster, "UPDATE t SET v = 'w' WHERE id = 1")
        await copy.follow()
        await run(standby, "SELECT pg_wal_replay_pause()")

        copy.source = copy_of(standby).source

        assert (await copy.follow()).reason == RESTARTED


def reset_numbers(cluster: Cluster, next_number: int) -> None:
    """Let a stopped server go on with a transaction number of our choice."""
    tool = cluster._bin / "pg_resetwal"
    if not tool.exists():
        pytest.skip("this installation has no pg_resetwal")
    cluster._run("pg_resetwal", "-x", str(next_number), "-D", str(cluster.data_folder))
    segment = cluster.data_folder / "pg_xact" / f"{next_number // (8192 * 4 * 32):04X}"
    if not segment.exists():
        segment.write_bytes(bytes(8192 * 32))
        shutil.chown(segment, segment.parent.owner(), segment.parent.group())


async def test_changes_are_told_across_the_wraparound_of_transaction_numbers(own_cluster: Cluster) -> None:
    await run(own_cluster, TABLE, "UPDATE pg_database SET datallowconn = true")
    for number in (1_500_000_000, 3_000_000_000, NUMBERS - 15):  # the oldest row must not be too far behind
        for name in ("template0", "template1", "postgres"):
            await _freeze(own_cluster, name)
        own_cluster.stop("smart")
        reset_numbers(own_cluster, number)
        own_cluster.start()
    copy = copy_of(own_cluster)
    await copy.follow()

    for round_ in range(30):
        await run(own_cluster, f"UPDATE t SET v = 'round {round_}' WHERE id = {1 + round_ % 5}")
        step = await copy.follow()
        assert step.reason is None
        assert str(1 + round_ % 5) in step.changed
        assert step.is_proven

    xmin = await value(own_cluster, "SELECT max(xmin::text::bigint) FROM t WHERE v = 'round 29'")
    assert xmin < NUMBERS // 2


async def _freeze(cluster: Cluster, database: str) -> None:
    connection = await asyncpg.connect(
        host=cluster.host, port=cluster.port, user=cluster.user, password=cluster.password, database=database
    )
    await connection.execute("VACUUM FREEZE")
    await connection.close()
