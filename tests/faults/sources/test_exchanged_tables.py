"""A name refers to another table than at discovery: the one under the lock is read, as what it is."""

import asyncio
from typing import Any

import pytest

from sources.contract import Slice
from sources.errors import SourceConfigurationError, SourceUnavailableError
from tests.faults.sources.reading import slice_of, until
from tests.support.database import Database, Known, read

HOSTILE = '1,"admin":true'
EXCHANGE = "ALTER TABLE price RENAME TO price_old; ALTER TABLE price_next RENAME TO price"


async def create(database: Database) -> None:
    """Two tables whose columns have the same names, and other types and keys."""
    await database.execute(
        "CREATE TABLE price (id int PRIMARY KEY, amount int, note text);"
        "INSERT INTO price VALUES (1, 1, 'a');"
        "CREATE TABLE price_next (id int, amount text, note text, code int PRIMARY KEY);"
        f"INSERT INTO price_next SELECT 1, '{HOSTILE}', 'b', i FROM generate_series(1, 15) i"
    )


@pytest.mark.parametrize("known", [None, Known({})], ids=["in full", "hashes first"])
async def test_p11_a_table_renamed_after_discovery_is_read_with_the_key_and_types_of_the_new_one(
    database: Database, known: Known | None
) -> None:
    await create(database)
    slice_ = await slice_of(database, tables="price")
    await database.execute(EXCHANGE)

    documents = (await read(slice_, known)).documents

    assert sorted(documents) == sorted(f"{database.name}_public_price_{code}" for code in range(1, 16))
    assert {document["public_price_amount"] for document in documents.values()} == {HOSTILE}
    assert not [document for document in documents.values() if "admin" in document]


async def test_p11_a_table_renamed_while_the_lock_is_waited_for_is_read_as_the_new_one(
    database: Database,
) -> None:
    await create(database)
    slice_ = await slice_of(database, tables="price")
    await database.execute(f"BEGIN; LOCK price; {EXCHANGE}")
    reading = asyncio.create_task(read(slice_))
    await until(lambda: database.value("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

    await database.execute("COMMIT")

    assert len((await reading).documents) == 15


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("ALTER TABLE price DROP CONSTRAINT price_pkey, ADD PRIMARY KEY (amount)", "7"),
        ("ALTER TABLE price DROP CONSTRAINT price_pkey, ADD PRIMARY KEY (amount, id)", "7,1"),
        ("ALTER TABLE price RENAME id TO number", "1"),
        ("ALTER TABLE price ALTER id TYPE text", "1"),
    ],
)
async def test_p11_another_key_is_the_key(database: Database, change: str, key: str) -> None:
    await database.execute(
        "CREATE TABLE price (id int PRIMARY KEY, amount int NOT NULL); INSERT INTO price VALUES (1, 7)"
    )
    slice_ = await slice_of(database)
    await database.execute(change)

    assert list((await read(slice_)).documents) == [f"{database.name}_public_price_{key}"]


async def test_p11_a_table_replaced_by_one_without_a_key_is_an_error(database: Database) -> None:
    await create(database)
    slice_ = await slice_of(database, tables="price")
    await database.execute("DROP TABLE price; CREATE TABLE price (id int, amount int)")

    with pytest.raises(SourceConfigurationError, match="no primary key"):
        await read(slice_)


async def test_p11_a_table_replaced_by_another_kind_of_relation_is_looked_for_again_by_the_next_job(
    database: Database,
) -> None:
    await create(database)
    slice_ = await slice_of(database, tables="price")
    await database.execute("DROP TABLE price; CREATE VIEW price AS SELECT * FROM price_next")

    with pytest.raises(SourceUnavailableError, match="another kind"):
        await read(slice_)


async def test_p11_a_materialized_view_replaced_by_another_is_read_with_its_types(database: Database) -> None:
    await create(database)
    await database.execute("CREATE MATERIALIZED VIEW m AS SELECT id, amount FROM price")
    slice_ = await slice_of(database, tables="m", id_columns="m(id)")
    await database.execute(
        "DROP MATERIALIZED VIEW m; CREATE MATERIALIZED VIEW m AS SELECT code AS id, amount FROM price_next"
    )

    documents = (await read(slice_)).documents

    assert {document["public_m_amount"] for document in documents.values()} == {HOSTILE}


async def test_p11_a_rule_reads_the_table_its_name_means_under_the_lock(database: Database) -> None:
    await create(database)
    slice_ = await slice_of(database, [{"tables": ["price"], "query": "SELECT * FROM price"}])
    await database.execute(EXCHANGE)

    documents = (await read(slice_)).documents

    assert sorted(documents) == sorted(f"{database.name}_public_price_{code}" for code in range(1, 16))
    assert {document["public_price_amount"] for document in documents.values()} == {HOSTILE}


SHADOWED: dict[str, Any] = {"schema": "first, second", "tables": "*"}


async def shadowed_rule(database: Database) -> Slice:
    """A rule on `second.t`, and a table `first.t` that takes its place, with 1,000 rows."""
    await database.execute(
        "CREATE SCHEMA first; CREATE SCHEMA second;"
        "CREATE TABLE second.t (id int PRIMARY KEY, a int); INSERT INTO second.t VALUES (1, 1)"
    )
    slice_ = await slice_of(
        database, [{"tables": ["second.t"], "query": "SELECT * FROM t", "id_columns": ["id"]}], **SHADOWED
    )
    await database.execute(
        "CREATE TABLE first.t (id int PRIMARY KEY, a int);"
        "INSERT INTO first.t SELECT i, i FROM generate_series(1, 1000) i"
    )
    return slice_


async def test_p09_a_table_of_a_rule_rewritten_between_snapshot_and_lock_is_not_read_as_empty(
    database: Database,
) -> None:
    """The query means a table that was not locked first, and gets it after an ALTER has rewritten it."""
    slice_ = await shadowed_rule(database)
    await database.execute("BEGIN; ALTER TABLE first.t ALTER a TYPE bigint")
    reading = asyncio.create_task(read(slice_))
    await until(lambda: database.value("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

    await database.execute("COMMIT")

    assert len((await reading).documents) == 1000


async def test_p09_a_table_of_a_rule_rewritten_while_its_lock_is_waited_for_is_read_completely(
    database: Database,
) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a int);INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i"
    )
    slice_ = await slice_of(database, [{"tables": ["t"], "query": "SELECT * FROM public.t"}])
    await database.execute("BEGIN; ALTER TABLE t ALTER a TYPE bigint")
    reading = asyncio.create_task(read(slice_))
    await until(lambda: database.value("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

    await database.execute("COMMIT")

    assert len((await reading).documents) == 1000
