"""Hashes change with documents, and a second read renders only what changed."""

from contextlib import aclosing
from dataclasses import replace

import pytest

from sources.postgresql.quoting import literal
from sources.postgresql.read.tables import TableSlice
from tests.support.database import Database, Known, Reading, database_on, read, read_all
from tests.support.postgresql import server
from tests.support.service_harness import until
from tests.support.sweeps import kept

ALIKE = [
    ("numeric", "1.0", "1.00"),
    ("float8", "0", "-0"),
    ("real", "0", "-0"),
    ("bigint", "1", "4294967296"),
    ("bigint", "-1", "4294967295"),
    ("timestamptz", "2000-01-01 00:00:00.000001+00", "2000-01-01 01:11:34.967296+00"),
    ("int4[]", "{{1,2},{3,4}}", "{1,2,3,4}"),
    ("numeric[]", "{1.0}", "{1.00}"),
    ("interval", "1 day", "24:00:00"),
    ("interval", "30 days", "1 month"),
    ("timetz", "12:00+00", "13:00+01"),
    ("jsonb", "1.0", "1.00"),
    ("json", '{"a":1}', '{"a": 1.0}'),
    ("numrange", "[1.0,2)", "[1.00,2)"),
    ("char(3)", "a", "b"),
    ("pair", "(1.0,a)", "(1.00,a)"),
    ("inet", "10.0.0.1", "10.0.0.1/8"),
    ("bytea", "\\x00", "\\x0000"),
    ("bit(2)", "00", "01"),
    ("point", "(0,0)", "(0,-0)"),
    ("box", "(1,1),(0,0)", "(1,1),(0,-0)"),
    ("money", "1.00", "1.01"),
    ("vector(1)", "[1]", "[2]"),
    ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12"),
    ("regclass", "t", "pg_class"),
    ("felt", "glad", "sad"),
    ("felts", "{glad}", "{sad}"),
    ("whole", "1", "4294967296"),
]
"""Pairs which PostgreSQL calls equal, or hashes alike, and prints differently."""


async def test_values_that_print_differently_hash_differently_even_if_they_are_equal(
    database: Database,
) -> None:
    await database.execute(
        "CREATE TYPE pair AS (n numeric, t text);"
        "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE DOMAIN felt AS mood; CREATE DOMAIN felts AS mood[];"
        "CREATE DOMAIN whole AS bigint"
    )
    await database.add_vector()
    await database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    alike = [case for case in ALIKE if await database.has(f"{literal(case[1])}::{case[0]}")]
    columns = ", ".join(f"ADD c{number} {of}" for number, (of, _, _) in enumerate(alike))
    await database.execute(f"ALTER TABLE t {columns}")
    for number, (_, one, other) in enumerate(alike):
        for offset, text in enumerate((one, other)):
            await database.execute(
                f"INSERT INTO t (id, c{number}) VALUES ({number * 2 + offset}, {literal(text)})"
            )

    hashes = (await read_all(database.source())).hashes

    assert [
        case for number, case in enumerate(alike)
        if hashes[row_id(database, number * 2)] == hashes[row_id(database, number * 2 + 1)]
    ] == []  # fmt: skip


def row_id(database: Database, key: int) -> str:
    return f"{database.name}_public_t_{key}"


async def test_renaming_an_enum_label_changes_the_hash(database: Database) -> None:
    await database.execute(
        "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (id int PRIMARY KEY, m mood, ms mood[]);"
        "INSERT INTO t VALUES (1, 'sad', NULL), (2, NULL, '{sad}')"
    )
    before = await read_all(database.source())
    await database.execute("ALTER TYPE mood RENAME VALUE 'sad' TO 'happy'")

    after = await read_all(database.source())

    for identifier, document_hash in before.hashes.items():
        assert after.hashes[identifier] != document_hash


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE t RENAME a TO b",
        "ALTER TABLE t ADD c int",
        "ALTER TABLE t DROP a",
        "ALTER TABLE t ALTER a TYPE text",
        "UPDATE t SET a = NULL",
    ],
)
async def test_whatever_changes_a_document_changes_its_hash(database: Database, change: str) -> None:
    await database.execute("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1)")
    before = await read_all(database.source())
    await database.execute(change)

    after = await read_all(database.source())

    assert after.documents != before.documents
    assert after.hashes != before.hashes


async def test_the_seed_and_the_cap_enter_every_hash_and_a_mere_rewrite_of_the_row_does_not(
    database: Database,
) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x'), (2, NULL);"
        "CREATE TABLE k (id int PRIMARY KEY); INSERT INTO k VALUES (1)"
    )
    before = await read_all(database.source(), seed=1)
    await database.execute("UPDATE t SET a = a")
    await database.execute("VACUUM FULL t")

    same = await read_all(database.source(), seed=1)
    other_seed = await read_all(database.source(), seed=-(2**63))
    other_cap = await read_all(database.source(max_value_bytes=2048), seed=1)

    assert same.hashes == before.hashes
    assert not set(other_seed.hashes.values()) & set(before.hashes.values())
    assert other_cap.hashes[f"{database.name}_public_t_1"] != before.hashes[f"{database.name}_public_t_1"]


@pytest.mark.parametrize("kind", ["text", "varchar", "bytea", "json", "long_text"])
async def test_a_value_over_the_cap_is_hashed_as_such_and_not_read(database: Database, kind: str) -> None:
    """What it says is not in the document; that it is there is, for it is counted."""
    await database.execute(
        f"CREATE DOMAIN long_text AS text; CREATE TABLE t (id int PRIMARY KEY, a {kind});"
        "INSERT INTO t VALUES (1, NULL)"
    )
    none = await read_all(database.source(max_value_bytes=4096))
    await database.execute(f"UPDATE t SET a = to_json(repeat('x', 5000))::text::{kind}")
    one = await read_all(database.source(max_value_bytes=4096))
    await database.execute(f"UPDATE t SET a = to_json(repeat('y', 5000))::text::{kind}")
    other = await read_all(database.source(max_value_bytes=4096))
    await database.execute(f"UPDATE t SET a = to_json('z'::text)::text::{kind}")
    small = await read_all(database.source(max_value_bytes=4096))

    assert (none.nulled, one.nulled, other.nulled, small.nulled) == (0, 1, 1, 0)
    assert other.hashes == one.hashes
    assert none.hashes != one.hashes != small.hashes


@pytest.mark.slow
async def test_a_row_with_more_than_postgresql_can_put_together_is_read(database: Database) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1), (2);"
        "UPDATE t SET a = repeat('0123456789', 60000000) WHERE id = 1;"
        "UPDATE t SET b = a WHERE id = 1"
    )

    reading = await read_all(database.source(), seed=1)

    assert reading.nulled == 2
    assert len(reading.documents) == 2


async def changed_since(database: Database, before: Reading) -> tuple[Reading, Known]:
    known = Known(before.hashes)
    return await read_all(database.source(), is_unchanged=known), known


async def test_only_changed_rows_are_rendered_and_each_row_is_asked_about_once(database: Database) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, md5(i::text) FROM"
        " generate_series(1, 5000) i"
    )
    before = await read_all(database.source())
    await database.execute(
        "UPDATE t SET a = 'new' WHERE id % 500 = 0; DELETE FROM t WHERE id = 7; INSERT INTO t VALUES (0,"
        " 'zero')"
    )

    after, known = await changed_since(database, before)

    wanted = [0, *range(500, 5001, 500)]
    assert set(after.documents) == {row_id(database, key) for key in wanted}
    assert after.documents[row_id(database, 500)]["public_t_a"] == "new"
    assert after.unchanged == 5000 - 1 - 10
    assert len(known.asked) == len(set(known.asked)) == 5000
    assert (await read_all(database.source())).hashes.items() >= after.hashes.items()


@pytest.mark.parametrize("share", kept([0, 1, 50, 100], of=[0, 1, 50, 99, 100]))
async def test_any_share_of_changed_rows_over_many_runs_of_pages(database: Database, share: int) -> None:
    """Fifty pages of the smallest rows that fill one each, read in runs which the reader decides about."""
    await database.execute(
        "CREATE TABLE t (id text PRIMARY KEY, a int, pad char(1800)) WITH (fillfactor = 100);"
        "INSERT INTO t SELECT 'key ' || i, 0, 'x' FROM generate_series(1, 24000) i;"
        "ALTER TABLE t DROP pad"
    )
    before = await read_all(database.source())
    await database.execute(f"UPDATE t SET a = 1 WHERE substr(id, 5)::int % 100 < {share}")

    after, known = await changed_since(database, before)

    assert len(after.documents) == 240 * share
    assert after.unchanged == 24000 - 240 * share
    assert len(known.asked) == len(set(known.asked)) == 24000
    assert all(document["public_t_a"] == 1 for document in after.documents.values())


async def test_rows_in_pages_beyond_those_that_a_storage_tells_of_are_read(database: Database) -> None:
    """Of a heap the size is exact; the places of another storage need have nothing to do with its files."""
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a text);"
        "INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 24) i"
    )
    known, reading = Known({}), Reading()

    async with database.source() as source:
        (slice_,) = await source.slices(None, 0)
        assert isinstance(slice_, TableSlice)
        async with slice_.snapshot() as snapshot:
            assert snapshot.pages > 2
            understated = replace(snapshot, pages=1)
            async with aclosing(understated.batches(known)) as batches:
                async for batch in batches:
                    reading.add(batch)

    assert len(reading.documents) == 24


async def test_rows_of_partitions_views_and_rules_are_filtered_too(database: Database) -> None:
    await database.execute(
        "CREATE TABLE p (id int PRIMARY KEY, a int) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);"
        "INSERT INTO p SELECT i, 0 FROM generate_series(1, 19) i; CREATE VIEW v AS SELECT * FROM p"
    )
    rules = [{"tables": ["p"], "query": "SELECT * FROM public.p"}]
    for source, advanced in (
        (database.source(tables="p,v", id_columns="v(id)"), None),
        (database.source(), rules),
    ):
        before = await read_all(source, advanced)
        await database.execute("UPDATE p SET a = a + 1 WHERE id IN (3, 13)")
        known = Known(before.hashes)

        after = await read_all(source, advanced, is_unchanged=known)

        assert {name.rpartition("_")[2] for name in after.documents} == {"3", "13"}
        assert after.unchanged == len(before.documents) - len(after.documents)
        assert len(known.asked) == len(before.documents)


async def test_nulled_values_are_counted_in_changed_rows(database: Database) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, f float8); INSERT INTO t VALUES (1, 'NaN'), (2, 1)"
    )
    before = await read_all(database.source())
    await database.execute("UPDATE t SET f = 'Infinity'")

    after, _ = await changed_since(database, before)

    assert before.nulled == 1
    assert after.nulled == 2


_BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'elastic-ingest' AND datname = $1"


async def test_a_read_that_is_left_early_leaves_no_query_behind(database: Database) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, repeat('x', 1000) FROM"
        " generate_series(1, 20000) i"
    )
    (slice_,) = await database.source().slices(None, 0)

    for known in (None, Known({})):
        async with aclosing(slice_.batches(known)) as batches:
            async for _ in batches:
                break

        # The server needs a moment to notice. A query that was left behind would wait for its reader forever.
        await until(lambda: database.value(_BACKENDS, database.name), lambda running: running == 0)


async def test_it_works_on_an_older_server_with_the_same_result() -> None:
    """The same table on versions 16 and 18: the same ids and documents."""
    readings = []
    for version in (16, 18):
        with server(version) as cluster:
            async with database_on(cluster) as database:
                await database.execute(
                    "CREATE TABLE t (id int PRIMARY KEY, a numeric, b json, c int4multirange, d"
                    " timestamptz[]);"
                    "INSERT INTO t VALUES (1, 1.10, '{\"a\":1,\"a\":2}', '{[1,2)}', '{2024-01-01 00:00+00}')"
                )
                before = await read_all(database.source())
                await database.execute("INSERT INTO t VALUES (2)")
                after, _ = await changed_since(database, before)
                assert [document["public_t_id"] for document in after.documents.values()] == [2]
                readings.append([without_database(document) for document in before.documents.values()])

    assert readings[0] == readings[1]


def without_database(document: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in document.items() if name not in ("id", "database")}


async def test_before_version_14_hashes_are_made_of_the_rows_text(database: Database) -> None:
    """Those servers lack the record hash and ranges of places; their SQL runs on newer ones just the same."""
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a numeric, b bigint, c text);"
        "INSERT INTO t VALUES (1, 1.0, 1, NULL), (2, 1.00, 4294967296, '')"
    )
    (slice_,) = await database.source().slices(None, 0)
    old = slice_._document_sql(slice_.target, 13)  # type: ignore[attr-defined]

    rows = await database.connection.fetch(old.select("public.t"))

    hashes = {row[0].partition("\x01")[2] for row in rows}
    assert len(hashes) == 2
    assert len((await read(slice_)).documents) == 2
