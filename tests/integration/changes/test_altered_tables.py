"""A table, type or column that is altered, rewritten or emptied is compared in full."""

import pytest

from tests.integration.changes.steps import ALTERED, NOTHING, TABLE, copy_of
from tests.support.database import Database


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
    copy = await copy_of(database, TABLE)

    await database.execute(statement)

    assert (await copy.follow()).reason == ALTERED
    assert await copy.follow() == NOTHING


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
    copy = await copy_of(database, TABLE)

    await database.execute(statement)

    assert await copy.follow() == NOTHING


async def test_a_column_dropped_and_added_with_another_default_is_noticed(database: Database) -> None:
    """No row is written, no file is new, and the SELECT is the same text."""
    copy = await copy_of(database, TABLE + "ALTER TABLE t ADD COLUMN w int DEFAULT 1")

    await database.execute("ALTER TABLE t DROP COLUMN w; ALTER TABLE t ADD COLUMN w int DEFAULT 2")

    assert (await copy.follow()).reason == ALTERED


async def test_columns_that_swap_their_names_are_noticed(database: Database) -> None:
    copy = await copy_of(
        database, "CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'a', 'b')"
    )

    await database.execute(
        "ALTER TABLE t RENAME a TO c; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME c TO b"
    )

    assert (await copy.follow()).reason == ALTERED


async def test_a_virtual_column_with_another_expression_is_noticed(database: Database) -> None:
    if database.connection.get_server_version().major < 18:
        pytest.skip("virtual columns came with version 18")
    copy = await copy_of(
        database,
        "CREATE TABLE t (id int PRIMARY KEY, w int GENERATED ALWAYS AS (id + 1) VIRTUAL);"
        "INSERT INTO t VALUES (1)",
    )

    await database.execute("ALTER TABLE t ALTER COLUMN w SET EXPRESSION AS (id + 2)")

    assert (await copy.follow()).reason == ALTERED


@pytest.mark.parametrize("of", ["mood", "mood[]", "felt", "pair"])
async def test_a_renamed_label_is_noticed_wherever_the_enum_is_used(database: Database, of: str) -> None:
    value = {"mood": "glad", "felt": "glad", "mood[]": "{glad}", "pair": "(glad,1)"}[of]
    copy = await copy_of(
        database,
        "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE DOMAIN felt AS mood;"
        "CREATE TYPE pair AS (m mood, n int);"
        f"CREATE TABLE t (id int PRIMARY KEY, v {of}); INSERT INTO t VALUES (1, '{value}')",
    )

    await database.execute("ALTER TYPE mood RENAME VALUE 'glad' TO 'happy'")

    assert (await copy.follow()).reason == ALTERED


async def test_a_member_of_a_composite_dropped_and_added_again_is_noticed(database: Database) -> None:
    copy = await copy_of(
        database,
        "CREATE TYPE pair AS (a int, b int);"
        "CREATE TABLE t (id int PRIMARY KEY, v pair); INSERT INTO t VALUES (1, '(1,2)')",
    )

    await database.execute("ALTER TYPE pair DROP ATTRIBUTE b; ALTER TYPE pair ADD ATTRIBUTE b int")

    assert (await copy.follow()).reason == ALTERED
