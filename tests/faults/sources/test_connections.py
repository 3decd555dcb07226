"""A connection to PostgreSQL is refused, cut, silent or reset."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox.postgresql import Cluster
from sources.errors import SourceConfigurationError, SourceError, SourceUnavailableError
from tests.faults.sources.reading import (
    READER,
    ROWS,
    RULE,
    TABLE,
    has_backend,
    has_no_backend,
    read_with,
    slice_of,
    until,
)
from tests.support.database import BRISK, Database, Known, read, read_all
from tests.support.fault_proxy import FaultProxy
from tests.support.postgresql import server
from tests.support.service_harness import PATIENCE_SECONDS


@pytest.mark.parametrize("way", ["table", "hashes", "rule"])
async def test_p01_a_terminated_backend_is_transient_and_reading_again_gives_every_row(
    database: Database, way: str
) -> None:
    await database.execute(TABLE)
    slice_ = await slice_of(database, RULE if way == "rule" else None)
    known = Known({}) if way == "hashes" else None

    async def terminate() -> None:
        await database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE application_name = 'elastic-ingest' AND datname = '{database.name}'"
        )

    with pytest.raises(SourceUnavailableError, match="t"):
        await read_with(slice_, terminate, known=known)

    assert len((await read(slice_)).documents) == ROWS
    await until(lambda: has_no_backend(database))


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    with server() as cluster:
        yield cluster


async def test_p02_restarts_and_a_server_that_is_down_are_transient(own_cluster: Cluster) -> None:
    own_cluster.execute(TABLE)
    database = Database(own_cluster, "postgres", None)
    slice_ = await slice_of(database)

    for mode in ("fast", "immediate"):

        async def restart(mode: str = mode) -> None:
            await asyncio.to_thread(own_cluster.restart, mode)

        with pytest.raises(SourceUnavailableError):
            await read_with(slice_, restart)
    assert len((await read(slice_)).documents) == ROWS
    own_cluster.stop("immediate")
    for attempt in (database.source().ping(), read(slice_)):
        with pytest.raises(SourceUnavailableError, match="check host, port"):
            await attempt


async def test_p03_a_server_that_falls_silent_is_noticed(proxied: tuple[FaultProxy, Database]) -> None:
    proxy, database = proxied
    await database.execute(TABLE)
    limits = replace(BRISK, command_seconds=0.5, stall_seconds=0.5, close_seconds=0.2)
    source = database.source(limits, host=proxy.host, port=proxy.port)
    (slice_,) = await source.slices(None, 0)
    proxy.answers.silent_after = proxy.answers.passed_bytes + 3_000_000

    with pytest.raises(SourceUnavailableError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await read(slice_)


async def test_p03_a_read_that_is_cancelled_while_the_server_is_silent_ends_cancelled(
    proxied: tuple[FaultProxy, Database],
) -> None:
    proxy, database = proxied
    await database.execute(TABLE)
    (slice_,) = await database.source(host=proxy.host, port=proxy.port).slices(None, 0)
    proxy.answers.silent_after = proxy.answers.passed_bytes + 3_000_000

    async with asyncio.timeout(PATIENCE_SECONDS):
        reading = asyncio.create_task(read(slice_))
        await proxy.answers.is_silent.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading


@pytest.mark.parametrize("after", [0, 100, 1_000, 10_000, 3_000_000])
async def test_a_connection_reset_at_any_point_is_transient(
    proxied: tuple[FaultProxy, Database], after: int
) -> None:
    proxy, database = proxied
    await database.execute(TABLE)
    (slice_,) = await database.source(host=proxy.host, port=proxy.port).slices(None, 0)
    proxy.answers.reset_after = proxy.answers.passed_bytes + after

    with pytest.raises(SourceUnavailableError):
        await read(slice_)

    proxy.answers.reset_after = None
    assert len((await read(slice_)).documents) == ROWS


@pytest.mark.parametrize(
    ("configuration", "script", "kind", "state"),
    [
        ({"password": "wrong"}, "", SourceConfigurationError, "28P01"),
        ({"username": "nobody"}, "", SourceConfigurationError, "28P01"),
        ({"database": "missing"}, "", SourceConfigurationError, "3D000"),
        ({}, "ALTER ROLE reader NOLOGIN", SourceConfigurationError, "28000"),
        ({}, "ALTER ROLE reader CONNECTION LIMIT 0", SourceUnavailableError, "53300"),
    ],
)
async def test_p14_a_refused_login_says_who_has_to_act(
    database: Database, configuration: dict[str, str], script: str, kind: type[SourceError], state: str
) -> None:
    await database.execute(f"DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'x'; {script}")

    with pytest.raises(kind, match=state) as raised:
        await database.source(**(READER | configuration)).ping()

    assert "wrong" not in str(raised.value)


async def test_p14_an_address_where_nothing_listens_or_that_does_not_exist_is_transient(
    database: Database,
) -> None:
    for host, port in (("127.0.0.1", 1), ("no-such-host.invalid", 5432)):
        with pytest.raises(SourceUnavailableError, match="check host"):
            await database.source(host=host, port=port).ping()


@pytest.mark.parametrize("way", ["table", "rule"])
async def test_p27_a_cancelled_read_leaves_no_query_running(database: Database, way: str) -> None:
    await database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    slow = "SELECT i AS id FROM generate_series(1, 1000000000) i"
    if way == "rule":
        slice_ = await slice_of(database, [{"tables": ["t"], "query": slow}])
    else:
        await database.execute(f"CREATE VIEW v AS {slow} ORDER BY i DESC")
        (slice_,) = await database.source(tables="v", id_columns="v(id)").slices(None, 0)
    reading = asyncio.create_task(read(slice_))
    await until(lambda: has_backend(database))

    reading.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reading
    await until(lambda: has_no_backend(database))


async def test_p28_a_pooler_in_transaction_mode_may_stand_between(
    proxied: tuple[FaultProxy, Database],
) -> None:
    """A pooler keeps neither named statements nor settings between transactions.

    It knows a few startup parameters only.
    """
    proxy, database = proxied
    await database.execute(
        "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (id int PRIMARY KEY, m mood, ms mood[]); INSERT"
        " INTO t VALUES (1, 'sad')"
    )
    source = database.source(host=proxy.host, port=proxy.port)
    proxy.requests.keeps = True

    await source.ping()
    await source.check({})
    await read_all(source)
    await read_all(source, [{"tables": ["t"], "query": "SELECT * FROM public.t"}])

    sent = bytes(proxy.requests.kept)
    assert set(startup_parameters(sent)) <= {"user", "database", "client_encoding", "application_name"}
    assert sent.count(b"application_name") >= 4
    assert b"__asyncpg" not in sent
    assert re.findall(rb"\bSET (?!LOCAL )[^;]*", sent) == []


def startup_parameters(sent: bytes) -> list[str]:
    """The names in the first startup message: length, protocol 3.0, then names and values ended by zeros."""
    length = int.from_bytes(sent[:4], "big")
    return [part.decode() for part in sent[8:length].split(b"\0")][:-2:2]
