"""A table is locked, altered, rewritten or dropped before or while it is read."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from sources.errors import SourceConfigurationError, SourceUnavailableError
from tests.faults.sources.reading import ROWS, TABLE, read_with, slice_of, until
from tests.support.database import BRISK, Database, Known, read


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
