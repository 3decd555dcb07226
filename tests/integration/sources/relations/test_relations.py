"""Every relation that is selected is read completely and once."""

import pytest

from sources.postgresql.connection import Limits
from tests.integration.sources.relations.selection import ids_of, problems_of
from tests.support.database import Database, read, read_all
from tests.support.postgresql import server


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
