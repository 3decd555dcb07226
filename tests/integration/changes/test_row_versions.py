"""What row versions tell of transactions, of maintenance and of altered tables, on every version there is."""

from typing import Any

import asyncpg
import pytest

from tests.integration.changes.mirror import Mirror, Step
from tests.integration.changes.sessions import another
from tests.support.database import Database

NOTHING = Step(reason=None, is_proven=True)
ALTERED = "It was altered, rewritten or emptied since, or documents are made of it in another way."


def changed(*keys: str, is_proven: bool = True) -> Step:
    return Step(reason=None, changed=frozenset(keys), is_proven=is_proven)


async def mirror_of(database: Database, script: str, **configuration: Any) -> Mirror:
    """Create tables, and look at the first one once."""
    await database.execute(script)
    mirror = Mirror(source=database.source(**configuration))
    assert (await mirror.follow()).reason == "No job that completed has left a position for it yet."
    return mirror


TABLE = (
    "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, 'v' FROM generate_series(1, 5) g;"
)


async def test_nothing_is_read_where_nothing_changed(database: Database) -> None:
    mirror = await mirror_of(database, TABLE)

    assert await mirror.follow() == NOTHING


async def test_inserted_and_updated_rows_are_read_and_deleted_ones_missed_by_count(
    database: Database,
) -> None:
    mirror = await mirror_of(database, TABLE)

    await database.execute("UPDATE t SET v = 'w' WHERE id = 1")
    await database.execute("INSERT INTO t VALUES (6, 'v')")
    assert await mirror.follow() == changed("1", "6")
    await database.execute("DELETE FROM t WHERE id = 2")
    assert await mirror.follow() == changed(is_proven=False)


async def test_a_row_deleted_and_another_inserted_do_not_cancel_out(database: Database) -> None:
    mirror = await mirror_of(database, TABLE)

    await database.execute("DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (9, 'v')")

    assert await mirror.follow() == changed("9", is_proven=False)


async def test_a_changed_key_is_a_new_row_and_a_missing_one(database: Database) -> None:
    mirror = await mirror_of(database, TABLE)

    await database.execute("UPDATE t SET id = 50 WHERE id = 5")

    assert await mirror.follow() == changed("50", is_proven=False)


async def test_a_transaction_open_at_the_position_is_seen_once_it_commits(database: Database) -> None:
    mirror = await mirror_of(database, TABLE)
    async with another(database) as slow:
        await slow.execute("BEGIN; UPDATE t SET v = 'slow' WHERE id = 1")
        await database.execute("UPDATE t SET v = 'quick' WHERE id = 2")
        assert (await mirror.follow()).changed == {"2"}
        await database.execute("UPDATE t SET v = 'quick' WHERE id = 3")
        assert {"3"} <= (await mirror.follow()).changed

        await slow.execute("COMMIT")

        assert {"1"} <= (await mirror.follow()).changed
    assert await mirror.follow() == NOTHING


async def test_a_prepared_transaction_is_seen_once_it_commits(database: Database) -> None:
    mirror = await mirror_of(database, TABLE)
    await database.execute("BEGIN; UPDATE t SET v = 'prepared' WHERE id = 1; PREPARE TRANSACTION 'p'")
    try:
        await database.execute("UPDATE t SET v = 'w' WHERE id = 2")
        assert (await mirror.follow()).changed == {"2"}
    finally:
        await database.execute("COMMIT PREPARED 'p'")

    assert {"1"} <= (await mirror.follow()).changed


async def test_subtransactions_are_seen_if_they_and_all_around_them_commit(database: Database) -> None:
    mirror = await mirror_of(database, TABLE)
    async with another(database) as nested:
        await nested.execute("BEGIN; SAVEPOINT a; UPDATE t SET v = 'kept' WHERE id = 1")
        await database.execute("UPDATE t SET v = 'w' WHERE id = 2")
        await mirror.follow()
        await nested.execute("SAVEPOINT b; UPDATE t SET v = 'undone' WHERE id = 3; ROLLBACK TO b")
        await nested.execute("RELEASE a; SAVEPOINT c; UPDATE t SET v = 'kept' WHERE id = 4")
        await mirror.follow()

        await nested.execute("COMMIT")

    assert {"1", "4"} <= (await mirror.follow()).changed
    assert await mirror.follow() == NOTHING


async def test_many_subtransactions_overflow_into_no_gap(database: Database) -> None:
    mirror = await mirror_of(database, TABLE)
    async with another(database) as nested:
        await nested.execute("BEGIN")
        for number in range(70, 170):  # a session remembers 64 of them where others see them
            await nested.execute(f"SAVEPOINT s; INSERT INTO t VALUES ({number}, 'nested'); RELEASE s")
        await mirror.follow()

        await nested.execute("COMMIT")

    assert {str(number) for number in range(70, 170)} <= (await mirror.follow()).changed


async def test_what_is_rolled_back_is_no_change(database: Database) -> None:
    mirror = await mirror_of(database, TABLE)

    await database.execute("BEGIN; UPDATE t SET v = 'w'; DELETE FROM t WHERE id = 1; ROLLBACK")

    assert await mirror.follow() == NOTHING


async def test_a_locked_row_is_no_change(database: Database) -> None:
    mirror = await mirror_of(database, TABLE)

    await database.execute("BEGIN; SELECT * FROM t FOR UPDATE; COMMIT")

    assert await mirror.follow() == NOTHING


@pytest.mark.parametrize("statement", ["VACUUM t", "VACUUM FREEZE t", "ANALYZE t", "REINDEX TABLE t"])
async def test_maintenance_in_place_is_no_change(database: Database, statement: str) -> None:
    mirror = await mirror_of(database, TABLE)

    await database.execute(statement)

    assert await mirror.follow() == NOTHING


async def test_freezing_hides_no_change_made_before_it(database: Database) -> None:
    mirror = await mirror_of(database, TABLE)

    await database.execute("UPDATE t SET v = 'w' WHERE id = 1")
    await database.execute("VACUUM FREEZE t")

    assert await mirror.follow() == changed("1")


@pytest.mark.parametrize(
    "statement",
    [
        "VACUUM FULL t",
        "CLUSTER t USING t_pkey",
        "TRUNCATE t",
        "TRUNCATE t; INSERT INTO t SELECT g, 'v' FROM generate_series(1, 5) g",
        "BEGIN; TRUNCATE t; COPY t FROM PROGRAM 'echo 1,v' WITH (FREEZE, FORMAT csv); COMMIT",
        "ALTER TABLE t ADD COLUMN w int DEFAULT 7",
        "ALTER TABLE t DROP COLUMN v",
        "ALTER TABLE t ALTER COLUMN v TYPE varchar(20)",
        "ALTER TABLE t ALTER COLUMN v TYPE text USING upper(v)",
        "ALTER TABLE t RENAME COLUMN v TO w",
        "ALTER TABLE t SET UNLOGGED",
        f"DROP TABLE t; {TABLE}",
    ],
)
async def test_an_altered_or_rewritten_table_is_compared_in_full(database: Database, statement: str) -> None:
    mirror = await mirror_of(database, TABLE)

    await database.execute(statement)

    assert (await mirror.follow()).reason == ALTERED
    assert await mirror.follow() == NOTHING


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE t ADD CHECK (id > 0)",
        "ALTER TABLE t ALTER COLUMN v SET DEFAULT 'x'",
        "ALTER TABLE t ALTER COLUMN v SET STORAGE EXTERNAL",
        "CREATE INDEX ON t (v)",
        "GRANT SELECT ON t TO public",
    ],
)
async def test_what_changes_no_document_is_no_reason_to_compare(database: Database, statement: str) -> None:
    mirror = await mirror_of(database, TABLE)

    await database.execute(statement)

    assert await mirror.follow() == NOTHING


async def test_a_column_dropped_and_added_with_another_default_is_noticed(database: Database) -> None:
    """No row is written, no file is new, and the SELECT is the same text."""
    mirror = await mirror_of(database, TABLE + "ALTER TABLE t ADD COLUMN w int DEFAULT 1")

    await database.execute("ALTER TABLE t DROP COLUMN w; ALTER TABLE t ADD COLUMN w int DEFAULT 2")

    assert (await mirror.follow()).reason == ALTERED


async def test_columns_that_swap_their_names_are_noticed(database: Database) -> None:
    mirror = await mirror_of(
        database, "CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'a', 'b')"
    )

    await database.execute(
        "ALTER TABLE t RENAME a TO c; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME c TO b"
    )

    assert (await mirror.follow()).reason == ALTERED


async def test_a_virtual_column_with_another_expression_is_noticed(database: Database) -> None:
    if database.connection.get_server_version().major < 18:
        pytest.skip("virtual columns came with version 18")
    mirror = await mirror_of(
        database,
        "CREATE TABLE t (id int PRIMARY KEY, w int GENERATED ALWAYS AS (id + 1) VIRTUAL);"
        "INSERT INTO t VALUES (1)",
    )

    await database.execute("ALTER TABLE t ALTER COLUMN w SET EXPRESSION AS (id + 2)")

    assert (await mirror.follow()).reason == ALTERED


@pytest.mark.parametrize("of", ["mood", "mood[]", "felt", "pair"])
async def test_a_renamed_label_is_noticed_wherever_the_enum_is_used(database: Database, of: str) -> None:
    value = {"mood": "glad", "felt": "glad", "mood[]": "{glad}", "pair": "(glad,1)"}[of]
    mirror = await mirror_of(
        database,
        "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE DOMAIN felt AS mood;"
        "CREATE TYPE pair AS (m mood, n int);"
        f"CREATE TABLE t (id int PRIMARY KEY, v {of}); INSERT INTO t VALUES (1, '{value}')",
    )

    await database.execute("ALTER TYPE mood RENAME VALUE 'glad' TO 'happy'")

    assert (await mirror.follow()).reason == ALTERED


async def test_a_member_of_a_composite_dropped_and_added_again_is_noticed(database: Database) -> None:
    mirror = await mirror_of(
        database,
        "CREATE TYPE pair AS (a int, b int);"
        "CREATE TABLE t (id int PRIMARY KEY, v pair); INSERT INTO t VALUES (1, '(1,2)')",
    )

    await database.execute("ALTER TYPE pair DROP ATTRIBUTE b; ALTER TYPE pair ADD ATTRIBUTE b int")

    assert (await mirror.follow()).reason == ALTERED


PARTITIONED = (
    "CREATE TABLE t (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
    "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);"
    "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20);"
    "CREATE TABLE t3 (LIKE t INCLUDING ALL);"
    "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (11, 'c'), (12, 'd');"
    "INSERT INTO t3 VALUES (21, 'e'), (22, 'f');"
)


async def test_changes_in_partitions_are_read(database: Database) -> None:
    mirror = await mirror_of(database, PARTITIONED, tables="t")

    await database.execute("UPDATE t SET v = 'w' WHERE id = 1; UPDATE t SET id = 13 WHERE id = 2")

    assert await mirror.follow() == changed("1", "13", is_proven=False)
    assert await mirror.follow() == NOTHING


async def test_a_partition_exchanged_for_one_of_equally_many_rows_is_noticed(database: Database) -> None:
    mirror = await mirror_of(database, PARTITIONED, tables="t")

    await database.execute("ALTER TABLE t DETACH PARTITION t2")
    await database.execute("ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM (20) TO (30)")

    assert (await mirror.follow()).reason == ALTERED


async def test_a_truncated_or_rewritten_partition_is_noticed(database: Database) -> None:
    mirror = await mirror_of(database, PARTITIONED, tables="t")

    await database.execute("TRUNCATE t2")
    assert (await mirror.follow()).reason == ALTERED
    await database.execute("VACUUM FULL t1")
    assert (await mirror.follow()).reason == ALTERED


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
    mirror = Mirror(source=database.source(**configuration))

    for _ in range(2):
        step = await mirror.follow()
        assert reason in str(step.reason)
        assert mirror.position is None


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
    mirror = await mirror_of(
        database,
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (PRIMARY KEY (id)) INHERITS (a);"
        "INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)",
    )

    await database.execute("INSERT INTO b VALUES (3)")
    assert await mirror.follow() == NOTHING
    await database.execute("INSERT INTO a VALUES (4)")
    assert await mirror.follow() == changed("4")


async def test_a_role_that_may_read_the_table_may_follow_it(database: Database) -> None:
    await database.execute(TABLE)
    role = f"reader_{database.name}"
    await database.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'r'; GRANT SELECT ON t TO {role}")
    mirror = Mirror(source=database.source(username=role, password="r"))
    await mirror.follow()

    assert await mirror.follow() == NOTHING

    await database.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public")
    assert (await mirror.follow()).reason == (
        "The role may not execute pg_control_system() and pg_control_checkpoint()."
    )
    await database.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_a_database_replaced_by_an_older_copy_of_it_is_noticed(database: Database) -> None:
    """The copy has the same relations, the same file numbers and the same row versions."""
    name, copy = f"app_{database.name}", f"copy_{database.name}"
    await database.execute(f"CREATE DATABASE {name}")
    await _in_database(database, name, TABLE)
    await database.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
    await _in_database(database, name, "UPDATE t SET v = 'newer' WHERE id = 1")
    mirror = Mirror(source=database.source(database=name))
    await mirror.follow()

    await database.execute(f"DROP DATABASE {name}")
    await database.execute(f"ALTER DATABASE {copy} RENAME TO {name}")

    assert (await mirror.follow()).reason == ALTERED
    await database.execute(f"DROP DATABASE {name}")


async def _in_database(database: Database, name: str, script: str) -> None:
    cluster = database.cluster
    connection = await asyncpg.connect(
        host=cluster.host, port=cluster.port, user=cluster.user, password=cluster.password, database=name
    )
    await connection.execute(script)
    await connection.close()
