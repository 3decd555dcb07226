"""A read of PostgreSQL ends in every row, or in an exception that says what to do."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from sandbox.postgresql import Cluster
from sources.contract import Slice
from sources.errors import SourceConfigurationError, SourceError, SourceUnavailableError
from tests.support.database import BRISK, Database, Known, database_on, read, read_all
from tests.support.fault_proxy import FaultProxy
from tests.support.postgresql import server
from tests.support.service_harness import PATIENCE_SECONDS

ROWS = 20_000
TABLE = (
    "CREATE TABLE t (id int PRIMARY KEY, a text);"
    f"INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, {ROWS}) i"
)
"""20 MB: more than all buffers between server and reader hold, so that a read that waits is in the middle."""


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    async with database_on(cluster) as database:
        yield database


@pytest.fixture
async def proxied(database: Database) -> AsyncIterator[tuple[FaultProxy, Database]]:
    async with FaultProxy(database.cluster.host, database.cluster.port) as proxy:
        yield proxy, database


async def slice_of(database: Database, rules: Any = None, **configuration: Any) -> Slice:
    (slice_,) = await database.source(**configuration).slices(rules, 0)
    return slice_


async def backends(database: Database) -> int:
    count: int = await database.value(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'elastic-ingest' AND datname = $1",
        database.name,
    )
    return count


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that the server does in its own time, and tells nobody about."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def has_backend(database: Database) -> bool:
    return await backends(database) > 0


async def has_no_backend(database: Database) -> bool:
    return await backends(database) == 0


async def read_with(slice_: Slice, event: Callable[[], Any], *, known: Known | None = None) -> int:
    """Read, letting something happen after the first batch; return how many rows were read."""
    rows = 0
    async with aclosing(slice_.batches(known)) as batches:
        async for batch in batches:
            if rows == 0:
                await event()
            rows += batch.count + batch.unchanged
    return rows


READER: dict[str, Any] = {"username": "reader", "password": "x"}
RULE = [{"tables": ["t"], "query": "SELECT * FROM public.t"}]


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


async def test_p05_a_lock_that_is_not_granted_is_transient_and_names_the_table(database: Database) -> None:
    await database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    (slice_,) = await database.source(replace(BRISK, lock_seconds=0.1)).slices(None, 0)
    await database.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")

    with pytest.raises(
        SourceUnavailableError,
        match=r"public\.t failed: another session keeps it"
        r" locked.*55P03",
    ):
        await read(slice_)

    await database.execute("COMMIT")
    assert (await read(slice_)).documents == {}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("REVOKE SELECT ON t FROM reader", "42501"),
        ("CREATE POLICY p ON t USING (id < 5); ALTER TABLE t ENABLE ROW LEVEL SECURITY", "42501"),
        ("DROP TABLE t", "42P01"),
        ("ALTER TABLE t RENAME TO u", "42P01"),
        ("ALTER TABLE t DROP CONSTRAINT t_pkey", "no primary key"),
        ("ALTER TABLE t DROP id", "no primary key"),
    ],
)
async def test_p06_to_p10_what_changes_between_discovery_and_read_so_that_it_cannot_be_read_is_an_error(
    database: Database, change: str, problem: str
) -> None:
    await database.execute(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'x';"
        "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1), (9, 9); GRANT SELECT ON"
        " t TO reader"
    )
    slice_ = await slice_of(database, username="reader", password="x")
    await database.execute(change)

    with pytest.raises(SourceConfigurationError, match=problem) as raised:
        await read(slice_)

    assert "public.t" in str(raised.value)


async def test_p09_a_table_rewritten_after_discovery_is_read_completely(database: Database) -> None:
    """The lock is taken before the snapshot: one taken before the rewrite would show an empty table."""
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT i, i FROM"
        " generate_series(1, 1000) i"
    )
    slice_ = await slice_of(database)
    await database.execute("ALTER TABLE t ALTER a TYPE bigint")

    assert len((await read(slice_)).documents) == 1000


async def test_p09_a_rewrite_that_waits_for_the_lock_while_we_wait_for_it_is_read_completely(
    database: Database,
) -> None:
    """The reader asks for its lock while an ALTER holds the table, and gets it after the rewrite."""
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT i, i FROM"
        " generate_series(1, 1000) i"
    )
    slice_ = await slice_of(database)
    await database.execute("BEGIN; ALTER TABLE t ALTER a TYPE bigint")
    reading = asyncio.create_task(read(slice_))
    await until(lambda: database.value("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

    await database.execute("COMMIT")

    assert len((await reading).documents) == 1000


@pytest.mark.parametrize("rules", [None, [{"tables": ["t"], "query": "SELECT * FROM t"}]])
async def test_p09_a_reading_whose_table_is_in_another_file_in_the_end_counts_for_nothing(
    database: Database, rules: Any
) -> None:
    """The lock prevents this, so it is done behind the server's back."""
    await database.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    slice_ = await slice_of(database, rules)

    async with aclosing(slice_.batches()) as batches:
        await anext(batches)
        await database.execute(
            "SET allow_system_table_mods = on;"
            "UPDATE pg_class SET relfilenode = (relfilenode::int8 + 1000)::oid WHERE relname = 't'"
        )

        with pytest.raises(SourceUnavailableError, match="rewritten"):
            await anext(batches)


@pytest.mark.parametrize("change", ["DROP TABLE t", "ALTER TABLE t ADD b int", "TRUNCATE t", "VACUUM FULL t"])
async def test_p10_ddl_waits_for_the_read(database: Database, change: str) -> None:
    await database.execute(TABLE)
    await database.execute("SET lock_timeout = '50ms'")
    slice_ = await slice_of(database)

    async def alter() -> None:
        with pytest.raises(Exception, match="lock timeout"):
            await database.execute(change)

    assert await read_with(slice_, alter) == ROWS


async def test_p11_columns_are_those_of_the_moment_of_reading(database: Database) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a int, b int, c int); INSERT INTO t VALUES (1, 2, 3, 4)"
    )
    slice_ = await slice_of(database)
    await database.execute(
        "ALTER TABLE t ADD d int DEFAULT 5; ALTER TABLE t DROP a; ALTER TABLE t RENAME b TO e; ALTER"
        " TABLE t ALTER c TYPE text"
    )

    (document,) = (await read(slice_)).documents.values()

    assert {name: value for name, value in document.items() if name.startswith("public_")} == {
        "public_t_id": 1, "public_t_e": 3, "public_t_c": "4", "public_t_d": 5,
    }  # fmt: skip


@pytest.mark.parametrize("way", ["table", "hashes"])
async def test_p12_rows_written_during_the_read_do_not_disturb_its_snapshot(
    database: Database, way: str
) -> None:
    await database.execute(TABLE)
    slice_ = await slice_of(database)
    documents: dict[str, Any] = {}

    async with aclosing(slice_.batches(Known({}) if way == "hashes" else None)) as batches:
        written = False
        async for batch in batches:
            if not written:
                await database.execute(
                    f"DELETE FROM t WHERE id % 3 = 0; UPDATE t SET a = 'new', id = id + {ROWS} WHERE id %"
                    f" 3 = 1;"
                    f"INSERT INTO t SELECT i, 'new' FROM generate_series({3 * ROWS}, {3 * ROWS + 100}) i"
                )
                written = True
            for line in batch.lines.splitlines():
                documents[line.partition(b"\x01")[0].decode()] = line

    assert len(documents) == ROWS
    assert not [line for line in documents.values() if b'"new"' in line]


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


async def test_p20_bytes_that_are_no_text_are_an_error_naming_the_table_and_latin1_is_converted(
    cluster: Cluster,
) -> None:
    async with database_on(
        cluster, options="TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
    ) as ascii_:
        await ascii_.execute(
            r"CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1,"
            r" E'\xff')"
        )
        with pytest.raises(SourceConfigurationError, match=r"public\.t.*22021"):
            await read_all(ascii_.source())
        assert [f for f in await ascii_.source().check({}) if "SQL_ASCII" in f.problem]
    async with database_on(
        cluster, options="TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    ) as latin:
        await latin.execute("CREATE TABLE té (ïd text PRIMARY KEY, a text); INSERT INTO té VALUES ('ñ', 'ü')")
        (document,) = (await read_all(latin.source())).documents.values()
        assert (document["id"], document["public_té_a"]) == (f"{latin.name}_public_té_ñ", "ü")


async def test_p22_a_huge_value_never_crosses_the_wire(proxied: tuple[FaultProxy, Database]) -> None:
    proxy, database = proxied
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a text, b bytea, c jsonb);"
        "ALTER TABLE t ALTER a SET STORAGE EXTERNAL;"
        "INSERT INTO t VALUES (1, repeat('x', 50000000), convert_to(repeat('x', 50000000), 'UTF8'),"
        " to_jsonb(repeat('x', 50000000)))"
    )

    # To measure a value the server may have to unpack it first, and says nothing meanwhile.
    patient = replace(BRISK, stall_seconds=60)
    reading = await read_all(database.source(patient, host=proxy.host, port=proxy.port))

    assert reading.nulled == 3
    assert proxy.answers.passed_bytes < 100_000


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


async def test_p05_a_query_that_is_cancelled_in_the_middle_is_transient_with_its_state(
    database: Database,
) -> None:
    await database.execute(TABLE)
    slice_ = await slice_of(database)
    cancelled: list[int] = []

    async def cancel() -> None:
        cancelled.append(
            await database.value(
                "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity"
                f" WHERE application_name = 'elastic-ingest' AND datname = '{database.name}'"
            )
        )

    with pytest.raises(SourceUnavailableError, match="57014"):
        await read_with(slice_, cancel)

    assert cancelled == [1]
    assert len((await read(slice_)).documents) == ROWS


async def test_p05_the_statement_timeout_of_a_role_has_no_effect(database: Database) -> None:
    await database.execute(
        f"{TABLE}; DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'x';"
        "GRANT SELECT ON t TO reader; ALTER ROLE reader SET statement_timeout = '1ms'"
    )

    assert len((await read_all(database.source(**READER, tables="t"))).documents) == ROWS


async def test_s08_functions_in_the_search_path_of_a_role_are_not_ours(database: Database) -> None:
    """Each of them takes the very types our SQL gives, so it would stand before the server's."""
    await database.execute(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'x'; CREATE SCHEMA hostile;"
        "GRANT USAGE ON SCHEMA hostile TO reader;"
        "CREATE FUNCTION hostile.to_json(text) RETURNS json LANGUAGE sql AS $$ SELECT '1'::json $$;"
        "CREATE FUNCTION hostile.concat(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'hijacked' $$;"
        "CREATE FUNCTION hostile.octet_length(text) RETURNS int LANGUAGE sql AS $$ SELECT 0 $$;"
        "CREATE FUNCTION hostile.add(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'hijacked' $$;"
        "CREATE OPERATOR hostile.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.add);"
        "CREATE TABLE t (id text PRIMARY KEY, a text); INSERT INTO t VALUES ('k', 'v');"
        "GRANT SELECT ON t TO reader;"
        "ALTER ROLE reader SET search_path = hostile, pg_catalog, public"
    )

    for rules in (None, [{"tables": ["t"], "query": "SELECT * FROM t"}]):
        (document,) = (await read_all(database.source(**READER, tables="t"), rules)).documents.values()

        assert document["id"] == f"{database.name}_public_t_k"
        assert document["public_t_a"] == "v"
