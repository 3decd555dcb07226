"""By which columns the rows of a relation are told apart, and the ids they get."""

import re

import pytest

from sources.errors import SourceConfigurationError
from tests.integration.sources.relations.selection import ids_of, problems_of
from tests.support.database import Database, read_all


async def test_a_key_that_occurs_twice_among_inheriting_tables_is_an_error(database: Database) -> None:
    await database.execute(
        "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);"
        "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1)"
    )

    with pytest.raises(SourceConfigurationError, match="several rows have the same id"):
        await read_all(database.source(tables="parent"))


async def test_views_and_materialized_views_are_read_when_named_with_their_key(database: Database) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'a'), (2, 'b');"
        "CREATE VIEW v AS SELECT id, upper(name) AS name FROM t; CREATE MATERIALIZED VIEW m AS SELECT *"
        " FROM t"
    )

    assert await ids_of(database, tables="v,m", id_columns="v(name), m(id)") == [
        "public_m_1",
        "public_m_2",
        "public_v_A",
        "public_v_B",
    ]
    assert "public.v has no primary key" in await problems_of(database, tables="v")
    assert "public.v has no column missing" in await problems_of(
        database, tables="v", id_columns="v(missing)"
    )


async def test_id_columns_that_do_not_tell_rows_apart_are_an_error(database: Database) -> None:
    await database.execute("CREATE TABLE t (a int, b int); INSERT INTO t VALUES (1, 1), (1, 2), (NULL, 3)")

    with pytest.raises(SourceConfigurationError, match="several rows have the same a"):
        await read_all(database.source(id_columns="t(a)"))
    assert await ids_of(database, id_columns="t(a,b)") == ["public_t_%N,3", "public_t_1,1", "public_t_1,2"]


async def test_a_table_without_primary_key_uses_a_unique_key_without_nulls(database: Database) -> None:
    await database.execute(
        "CREATE TABLE t (a int UNIQUE, b int NOT NULL, c int NOT NULL, UNIQUE (c, b)); INSERT INTO t"
        " VALUES (1, 2, 3)"
    )

    assert await ids_of(database) == ["public_t_3,2"]


KEYLESS = [
    "CREATE TABLE {t} (a int)",
    "CREATE TABLE {t} (a int UNIQUE)",
    "CREATE TABLE {t} (a text NOT NULL); CREATE UNIQUE INDEX ON {t} (lower(a))",
    "CREATE TABLE {t} (a int NOT NULL); CREATE UNIQUE INDEX ON {t} (a) WHERE a > 0",
    "CREATE TABLE {t} (a int UNIQUE); ALTER TABLE {t} ADD CONSTRAINT n NOT NULL a NOT VALID",
    "CREATE TABLE {t} ()",
]


async def test_tables_whose_rows_cannot_be_told_apart_are_errors_naming_the_ways_out(
    database: Database,
) -> None:
    keyless = [one for one in KEYLESS if "NOT VALID" not in one or database.cluster.version >= 18]
    for number, definition in enumerate(keyless):
        await database.execute(definition.replace("{t}", f"t{number}"))

    problem = await problems_of(database)

    assert f"{len(keyless)} tables have no primary key" in problem
    for number in range(len(keyless)):
        assert f"public.t{number}" in problem
    assert "Id columns" in problem
    assert "advanced rule" in problem


KEYS = [
    ("bigint", "-9223372036854775808", "-9223372036854775808"),
    ("text", "a_b,c%", "a%5Fb%2Cc%25"),
    ("text", 'quote " \\ \n', 'quote " \\ \n'),
    ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("char(5)", "ab", "ab"),
    ("numeric", "1.50", "1.50"),
    ("inet", "10.0.0.1", "10.0.0.1"),
    ("date", "0044-03-15 BC", "0044-03-15 BC"),
    ("timestamptz", "2024-01-01 00:00+01", "2023-12-31 23:00:00+00"),
    ("bool", "true", "true"),
    ("bytea", "\\x0001", "\\x0001"),
    ("int4range", "[1,3)", "[1%2C3)"),
    ("varchar(600)", "x" * 600, None),
]


async def test_every_type_of_key_gives_the_id_that_python_would_give(database: Database) -> None:
    for number, (of, text, _) in enumerate(KEYS):
        quoted = "'" + text.replace("'", "''") + "'"
        await database.execute(
            f"CREATE TABLE t{number} (id {of} PRIMARY KEY); INSERT INTO t{number} VALUES ({quoted})"
        )

    found = {name.partition("_")[2].partition("_")[0]: name for name in await ids_of(database)}

    for number, (_, _, part) in enumerate(KEYS):
        if part is not None:
            assert found[f"t{number}"] == f"public_t{number}_{part}"
        else:
            assert re.fullmatch(rf"public_t{number}_%H[0-9a-f]{{64}}", found[f"t{number}"])


async def test_a_deferrable_primary_key_is_a_key(database: Database) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED); INSERT INTO t VALUES (1)"
    )

    reading = await read_all(database.source())

    assert list(reading.documents) == [f"{database.name}_public_t_1"]
