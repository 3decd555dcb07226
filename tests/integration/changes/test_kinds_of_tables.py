"""Row versions of partitions, of tables that inherit, and of what has none."""

from typing import Any

import pytest

from tests.integration.changes.steps import ALTERED, NOTHING, changed, copy_of
from tests.integration.changes.table_copy import TableCopy
from tests.support.database import Database

PARTITIONED = (
    "CREATE TABLE t (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
    "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);"
    "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20);"
    "CREATE TABLE t3 (LIKE t INCLUDING ALL);"
    "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (11, 'c'), (12, 'd');"
    "INSERT INTO t3 VALUES (21, 'e'), (22, 'f');"
)


async def test_changes_in_partitions_are_read(database: Database) -> None:
    copy = await copy_of(database, PARTITIONED, tables="t")

    await database.execute("UPDATE t SET v = 'w' WHERE id = 1; UPDATE t SET id = 13 WHERE id = 2")

    assert await copy.follow() == changed("1", "13", is_proven=False)
    assert await copy.follow() == NOTHING


async def test_a_partition_exchanged_for_one_of_equally_many_rows_is_noticed(database: Database) -> None:
    copy = await copy_of(database, PARTITIONED, tables="t")

    await database.execute("ALTER TABLE t DETACH PARTITION t2")
    await database.execute("ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM (20) TO (30)")

    assert (await copy.follow()).reason == ALTERED


async def test_a_truncated_or_rewritten_partition_is_noticed(database: Database) -> None:
    copy = await copy_of(database, PARTITIONED, tables="t")

    await database.execute("TRUNCATE t2")
    assert (await copy.follow()).reason == ALTERED
    await database.execute("VACUUM FULL t1")
    assert (await copy.follow()).reason == ALTERED


@pytest.mark.parametrize(
    ("script", "configuration", "reason"),
    [
        (
            "CREATE TABLE b (id int PRIMARY KEY); CREATE VIEW t AS SELECT * FROM b",
            {"tables": "t", "id_columns": "t(id)"},
            "A view",
        ),
        ("CREATE TABLE t (id int PRIMARY KEY, r regclass)", {}, "Column r shows names"),
        ("CREATE TABLE t (id int PRIMARY KEY, r regrole[])", {}, "Column r shows names"),
        (
            "CREATE MATERIALIZED VIEW t AS SELECT 1 AS id; CREATE UNIQUE INDEX ON t (id)",
            {"tables": "t", "id_columns": "t(id)"},
            "does not guarantee",
        ),
        ("CREATE TABLE t (id int); INSERT INTO t VALUES (1)", {"id_columns": "t(id)"}, "does not guarantee"),
        (
            "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE c () INHERITS (t)",
            {"tables": "t"},
            "does not guarantee",
        ),
    ],
)
async def test_what_row_versions_cannot_tell_is_always_compared_in_full(
    database: Database, script: str, configuration: dict[str, Any], reason: str
) -> None:
    await database.execute(script)
    copy = TableCopy(source=database.source(**configuration))

    for _ in range(2):
        step = await copy.follow()
        assert reason in str(step.reason)
        assert copy.position is None


async def test_a_foreign_partition_has_no_row_versions(database: Database) -> None:
    """Nothing can be read from it here; that it is noticed comes before."""
    await database.execute(
        "CREATE FOREIGN DATA WRAPPER none; CREATE SERVER nowhere FOREIGN DATA WRAPPER none;"
        "CREATE TABLE t (id int) PARTITION BY LIST (id);"
        "CREATE TABLE t1 PARTITION OF t (PRIMARY KEY (id)) FOR VALUES IN (1);"
        "CREATE FOREIGN TABLE t2 PARTITION OF t FOR VALUES IN (2) SERVER nowhere"
    )
    async with database.source(tables="t", id_columns="t(id)") as source:
        (slice_,) = await source.slices(None, 0)
        async with slice_.snapshot() as snapshot:
            assert snapshot.position is None


async def test_tables_that_inherit_are_followed_one_by_one(database: Database) -> None:
    copy = await copy_of(
        database,
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (PRIMARY KEY (id)) INHERITS (a);"
        "INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)",
    )

    await database.execute("INSERT INTO b VALUES (3)")
    assert await copy.follow() == NOTHING
    await database.execute("INSERT INTO a VALUES (4)")
    assert await copy.follow() == changed("4")
