"""Every relation that is selected is read completely and once, or the sync is told what to do."""

import re
from typing import Any

import pytest

from sandbox.postgresql import Cluster
from sources.errors import SourceConfigurationError
from sources.postgresql.connection import Limits
from tests.support.database import Database, database_on, disconnect_all, read, read_all
from tests.support.postgresql import server


async def ids_of(database: Database, **configuration: Any) -> list[str]:
    """The ids of all documents, without the name of the test's database."""
    reading = await read_all(database.source(**configuration))
    return sorted(name.removeprefix(database.name + "_") for name in reading.documents)


async def problems_of(database: Database, **configuration: Any) -> str:
    with pytest.raises(SourceConfigurationError) as raised:
        await database.source(**configuration).slices(None, 0)
    return str(raised.value)


async def test_a_document_says_where_it_is_from(database: Database) -> None:
    await database.execute(
        'CREATE TABLE "Album" (id int PRIMARY KEY, "Title" text); INSERT INTO "Album" VALUES (1, \'x\')'
    )

    reading = await read_all(database.source(tables="Album"))

    assert reading.documents == {
        f"{database.name}_public_Album_1": {
            "id": f"{database.name}_public_Album_1",
            "database": database.name,
            "schema": "public",
            "table": "Album",
            "public_album_id": 1,
            "public_album_title": "x",
        }
    }


async def test_the_wildcard_reads_tables_and_partition_roots_but_neither_leaves_nor_views(
    database: Database,
) -> None:
    await database.execute(
        "CREATE TABLE plain (id int PRIMARY KEY); INSERT INTO plain VALUES (1);"
        "CREATE TABLE p (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);"
        "CREATE TABLE p_low PARTITION OF p FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);"
        "CREATE TABLE p_lower PARTITION OF p_low FOR VALUES FROM (0) TO (5);"
        "CREATE TABLE p_high PARTITION OF p FOR VALUES FROM (10) TO (20);"
        "INSERT INTO p VALUES (1), (11);"
        "CREATE VIEW v AS SELECT * FROM plain; CREATE MATERIALIZED VIEW m AS SELECT * FROM plain;"
        "CREATE TABLE empty (id int PRIMARY KEY)"
    )

    assert await ids_of(database) == ["public_p_1", "public_p_11", "public_plain_1"]
    assert await ids_of(database, tables="p_lower") == ["public_p_lower_1"]


async def test_rows_of_tables_that_inherit_are_read_once(database: Database) -> None:
    await database.execute(
        "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (extra text, PRIMARY KEY (id))"
        " INHERITS (parent);"
        "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 'x')"
    )

    assert await ids_of(database) == ["public_child_2", "public_parent_1"]
    assert await ids_of(database, tables="parent") == ["public_parent_1", "public_parent_2"]


async def test_a_child_in_another_schema_is_read_with_its_parent(database: Database) -> None:
    await database.execute(
        "CREATE TABLE parent (id int PRIMARY KEY); CREATE SCHEMA other;"
        "CREATE TABLE other.child (PRIMARY KEY (id)) INHERITS (parent);"
        "CREATE TABLE near (PRIMARY KEY (id)) INHERITS (parent);"
        "INSERT INTO parent VALUES (1); INSERT INTO other.child VALUES (2); INSERT INTO near VALUES (3)"
    )

    assert await ids_of(database) == ["public_parent_1", "public_parent_2", "public_parent_3"]


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


async def test_generated_identity_and_dropped_columns(database: Database) -> None:
    await database.execute(
        "CREATE TABLE t (gone int, id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int,"
        " b int GENERATED ALWAYS AS (a * 2) STORED);"
        "INSERT INTO t (a) VALUES (5); ALTER TABLE t DROP COLUMN gone; ALTER TABLE t ADD COLUMN c int"
        " DEFAULT 7"
    )

    (document,) = (await read_all(database.source())).documents.values()

    assert [document[f"public_t_{name}"] for name in ("id", "a", "b", "c")] == [1, 5, 10, 7]
    assert not [name for name in document if "gone" in name or "dropped" in name]


async def test_several_schemas(database: Database) -> None:
    await database.execute(
        "CREATE SCHEMA sales; CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE sales.t (id int PRIMARY KEY);"
        'CREATE TABLE sales."o" (id int PRIMARY KEY); CREATE TABLE "sales.t" (id int PRIMARY KEY);'
        "INSERT INTO t VALUES (1); INSERT INTO sales.t VALUES (2); INSERT INTO sales.o VALUES (3);"
        'INSERT INTO "sales.t" VALUES (4)'
    )

    assert await ids_of(database, schema="public,sales") == [
        "public_sales.t_4",
        "public_t_1",
        "sales_o_3",
        "sales_t_2",
    ]
    assert await ids_of(database, schema="public,sales", tables='"sales"."t", o') == [
        "sales_o_3",
        "sales_t_2",
    ]
    assert await ids_of(database, schema="public,sales", tables="sales.t") == ["public_sales.t_4"]
    assert await ids_of(database, schema="sales", tables="t") == ["sales_t_2"]


async def test_everything_that_is_missing_is_named_at_once(database: Database) -> None:
    await database.execute("CREATE TABLE t (id int PRIMARY KEY)")

    problem = await problems_of(database, tables="t, nowhere, gone")

    assert "'nowhere'" in problem
    assert "'gone'" in problem
    assert "'missing'" in await problems_of(database, schema="missing")


async def test_a_table_that_may_not_be_read_is_an_error_under_the_wildcard_too(database: Database) -> None:
    await database.execute(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'x'; CREATE TABLE a (id int"
        " PRIMARY KEY);"
        "CREATE TABLE b (id int PRIMARY KEY, c int); GRANT SELECT ON a TO reader; GRANT SELECT (id) ON b"
        " TO reader"
    )
    reader = {"username": "reader", "password": "x"}

    for tables in ("*", "a,b"):
        assert "public.b may not be read" in await problems_of(database, tables=tables, **reader)
    assert await ids_of(database, tables="a", **reader) == []
    await database.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    assert "2 tables may not be read by the role: public.a, public.b" in await problems_of(
        database, tables="a,b", **reader
    )


async def test_row_security_that_would_hide_rows_is_an_error(database: Database) -> None:
    await database.execute(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'x'; CREATE TABLE t (id int"
        " PRIMARY KEY);"
        "INSERT INTO t VALUES (1), (2); GRANT SELECT ON t TO reader;"
        "CREATE POLICY p ON t USING (id = 1); ALTER TABLE t ENABLE ROW LEVEL SECURITY"
    )

    assert "public.t has row security" in await problems_of(database, username="reader", password="x")
    assert len(await ids_of(database)) == 2


async def test_row_security_that_applies_to_the_owner_of_a_view_is_an_error_that_names_the_owner(
    database: Database,
) -> None:
    await database.execute(
        "DROP ROLE IF EXISTS reader, owner; CREATE ROLE reader LOGIN PASSWORD 'x'; CREATE ROLE owner;"
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2);"
        "CREATE POLICY p ON t USING (id = 1); ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        "GRANT SELECT ON t TO owner; CREATE VIEW v AS SELECT * FROM t;"
        "CREATE VIEW outer_v AS SELECT * FROM v;"
        "CREATE VIEW fine AS SELECT * FROM t; ALTER VIEW v OWNER TO owner; GRANT SELECT ON v TO reader;"
        "GRANT SELECT ON outer_v, fine TO reader"
    )
    names = {"id_columns": "v(id), outer_v(id), fine(id)", "username": "reader", "password": "x"}

    for view in ("v", "outer_v"):
        problem = await problems_of(database, tables=view, **names)
        assert f"public.{view} reads as role owner" in problem
        assert "public.t" in problem
        assert "Exempt owner" in problem
    assert len(await ids_of(database, tables="fine", **names)) == 2


async def test_tables_are_left_out_by_name_and_by_pattern(database: Database) -> None:
    await database.execute(
        "CREATE SCHEMA s; CREATE TABLE album (id int PRIMARY KEY); CREATE TABLE audit_1 (a int);"
        "CREATE TABLE audit_2 (a int); CREATE TABLE s.audit_1 (id int PRIMARY KEY);"
        "INSERT INTO album VALUES (1); INSERT INTO s.audit_1 VALUES (2)"
    )

    assert await ids_of(database, tables="*, !audit_*") == ["public_album_1"]
    assert await ids_of(database, tables="album, audit_1, !audit_1") == ["public_album_1"]
    assert await ids_of(database, schema="public, s", tables="*, !public.audit_*") == [
        "public_album_1",
        "s_audit_1_2",
    ]
    assert "leaves out every table" in await problems_of(database, tables="audit_1, !audit_*")


async def test_rows_of_an_inheriting_table_that_is_left_out_are_not_read_with_its_parent(
    database: Database,
) -> None:
    await database.execute(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (PRIMARY KEY (id)) INHERITS (p);"
        "CREATE TABLE d (PRIMARY KEY (id)) INHERITS (p);"
        "INSERT INTO p VALUES (1); INSERT INTO c VALUES (2); INSERT INTO d VALUES (3)"
    )

    assert await ids_of(database, tables="*, !c") == ["public_d_3", "public_p_1"]


async def test_a_partition_cannot_be_left_out_of_its_table(database: Database) -> None:
    await database.execute(
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (5); CREATE TABLE t (id int PRIMARY KEY)"
    )

    assert "public.p_1 is part of public.p" in await problems_of(database, tables="*, !p_1")
    assert await ids_of(database, tables="*, !p, !p_*") == []


async def test_many_tables_with_the_same_fault_are_one_sentence_with_a_count(database: Database) -> None:
    await database.execute("".join(f"CREATE TABLE t{number:03} (a int);" for number in range(100)))

    (finding,) = [finding for finding in await database.source().check({}) if finding.is_fatal]

    assert "100 tables have no primary key" in finding.problem
    assert "public.t000" in finding.problem
    assert "and 80 more" in finding.problem
    assert finding.subjects == tuple(f"public.t{number:03}" for number in range(100))


async def test_check_warns_of_a_role_that_may_do_more_than_read_and_reports_what_would_stop_a_sync(
    database: Database,
) -> None:
    await database.execute("CREATE TABLE t (a int)")

    findings = await database.source().check({})

    assert {finding.is_fatal for finding in findings if "superuser" in finding.problem} == {False}
    assert {finding.is_fatal for finding in findings if "public.t" in finding.problem} == {True}
    assert all(finding.remedy for finding in findings)


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


async def test_1600_columns(database: Database) -> None:
    columns = ", ".join(f"c{number} int DEFAULT {number}" for number in range(1599))
    await database.execute(f"CREATE TABLE t (id int PRIMARY KEY, {columns}); INSERT INTO t VALUES (1)")

    (document,) = (await read_all(database.source())).documents.values()

    assert [document[f"public_t_c{number}"] for number in range(1599)] == list(range(1599))


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_10000_tables_are_discovered_at_once() -> None:
    """On a server of its own, as dropping them one by one takes longer than stopping it."""
    with server() as cluster:
        for start in range(0, 10_000, 500):
            cluster.execute(
                f"DO $$ BEGIN FOR i IN {start}..{start + 499} LOOP"
                " EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, name text)', i); END LOOP; END $$"
            )

        slices = await Database(cluster, "postgres", None).source(Limits()).slices(None, 0)
        last = await read(slices[-1])

    assert len(slices) == 10_000
    assert last.documents == {}


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
