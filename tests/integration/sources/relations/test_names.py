"""Every name works, for a column, a table, a schema and a database."""

import pytest

from sandbox.postgresql import Cluster
from tests.support.database import Database, database_on, disconnect_all, read_all

NAMES = [
    "Mixed Case",
    "quo'te",
    'dou"ble',
    "dot.ted",
    "new\nline",
    "%s",
    "{0}",
    "back\\slash",
    "x;drop table x",
    "ünïcödé 😀",
    "a" * 63,
    "select",
    "tab\there",
    "$1",
    "--",
    "/*",
    "comma,comma",
    " padded ",
    "_",
    "%5F",
    "t",
    "*",
]


async def test_every_name_works_as_a_table_and_as_a_column(database: Database) -> None:
    for name in NAMES:
        quoted = '"' + name.replace('"', '""') + '"'
        await database.execute(
            f"CREATE TABLE {quoted} ({quoted} int PRIMARY KEY, id int); INSERT INTO {quoted} VALUES (7, 8)"
        )

    reading = await read_all(database.source())
    listed = ",".join('"' + name.replace('"', '""') + '"' for name in NAMES)
    by_name = await read_all(database.source(tables=listed))

    assert {document["table"] for document in reading.documents.values()} == set(NAMES)
    assert by_name.documents == reading.documents
    for document in reading.documents.values():
        fields = {name: value for name, value in document.items() if name.startswith("public_")}
        assert sorted(fields.values()) == [7, 8]
        for field in fields:
            assert all(step.strip() for step in field.split(".")), field


@pytest.mark.parametrize("name", ["we\"i'rd %s.x", "UPPER", "ünï"])
async def test_every_name_works_as_a_schema_and_as_a_database(cluster: Cluster, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    async with database_on(cluster) as outer:
        await outer.execute(f"CREATE DATABASE {quoted}")
        try:
            cluster.execute(
                f"CREATE SCHEMA {quoted}; CREATE TABLE {quoted}.t (id int PRIMARY KEY); INSERT INTO"
                f" {quoted}.t VALUES (1)",
                database=name,
            )
            reading = await read_all(outer.source(database=name, schema=quoted))
        finally:
            await disconnect_all(outer.connection, name)
            await outer.execute(f"DROP DATABASE {quoted}")

    (document,) = reading.documents.values()
    assert (document["database"], document["schema"]) == (name, name)


async def test_columns_that_differ_in_case_alone_keep_it(database: Database) -> None:
    await database.execute(
        'CREATE TABLE t (id int PRIMARY KEY, "Id" int, "Other" int, "a.b" int, a int); INSERT INTO t'
        " VALUES (1, 2, 3, 4, 5)"
    )

    (document,) = (await read_all(database.source())).documents.values()

    assert {name: value for name, value in document.items() if name.startswith("public_")} == {
        "public_t_id": 1,
        "public_t_Id": 2,
        "public_t_other": 3,
        "public_t_a_b": 4,
        "public_t_a": 5,
    }
