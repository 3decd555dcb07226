"""What row versions tell of transactions and of maintenance, on every version there is."""

import asyncpg
import pytest

from tests.integration.changes.sessions import another
from tests.integration.changes.steps import ALTERED, NOTHING, TABLE, changed, copy_of
from tests.integration.changes.table_copy import TableCopy
from tests.support.database import Database


async def test_nothing_is_read_where_nothing_changed(database: Database) -> None:
    copy = await copy_of(database, TABLE)

    assert await copy.follow() == NOTHING


async def test_inserted_and_updated_rows_are_read_and_deleted_ones_missed_by_count(
    database: Database,
) -> None:
    copy = await copy_of(database, TABLE)

    await database.execute("UPDATE t SET v = 'w' WHERE id = 1")
    await database.execute("INSERT INTO t VALUES (6, 'v')")
    assert await copy.follow() == changed("1", "6")
    await database.execute("DELETE FROM t WHERE id = 2")
    assert await copy.follow() == changed(is_proven=False)


async def test_a_row_deleted_and_another_inserted_do_not_cancel_out(database: Database) -> None:
    copy = await copy_of(database, TABLE)

    await database.execute("DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (9, 'v')")

    assert await copy.follow() == changed("9", is_proven=False)


async def test_a_changed_key_is_a_new_row_and_a_missing_one(database: Database) -> None:
    copy = await copy_of(database, TABLE)

    await database.execute("UPDATE t SET id = 50 WHERE id = 5")

    assert await copy.follow() == changed("50", is_proven=False)


async def test_a_transaction_open_at_the_position_is_seen_once_it_commits(database: Database) -> None:
    copy = await copy_of(database, TABLE)
    async with another(database) as slow:
        await slow.execute("BEGIN; UPDATE t SET v = 'slow' WHERE id = 1")
        await database.execute("UPDATE t SET v = 'quick' WHERE id = 2")
        assert (await copy.follow()).changed == {"2"}
        await database.execute("UPDATE t SET v = 'quick' WHERE id = 3")
        assert {"3"} <= (await copy.follow()).changed

        await slow.execute("COMMIT")

        assert {"1"} <= (await copy.follow()).changed
    assert await copy.follow() == NOTHING


async def test_a_prepared_transaction_is_seen_once_it_commits(database: Database) -> None:
    copy = await copy_of(database, TABLE)
    await database.execute("BEGIN; UPDATE t SET v = 'prepared' WHERE id = 1; PREPARE TRANSACTION 'p'")
    try:
        await database.execute("UPDATE t SET v = 'w' WHERE id = 2")
        assert (await copy.follow()).changed == {"2"}
    finally:
        await database.execute("COMMIT PREPARED 'p'")

    assert {"1"} <= (await copy.follow()).changed


async def test_subtransactions_are_seen_if_they_and_all_around_them_commit(database: Database) -> None:
    copy = await copy_of(database, TABLE)
    async with another(database) as nested:
        await nested.execute("BEGIN; SAVEPOINT a; UPDATE t SET v = 'kept' WHERE id = 1")
        await database.execute("UPDATE t SET v = 'w' WHERE id = 2")
        await copy.follow()
        await nested.execute("SAVEPOINT b; UPDATE t SET v = 'undone' WHERE id = 3; ROLLBACK TO b")
        await nested.execute("RELEASE a; SAVEPOINT c; UPDATE t SET v = 'kept' WHERE id = 4")
        await copy.follow()

        await nested.execute("COMMIT")

    assert {"1", "4"} <= (await copy.follow()).changed
    assert await copy.follow() == NOTHING


async def test_many_subtransactions_overflow_into_no_gap(database: Database) -> None:
    copy = await copy_of(database, TABLE)
    async with another(database) as nested:
        await nested.execute("BEGIN")
        for number in range(70, 170):  # a session remembers 64 of them where others see them
            await nested.execute(f"SAVEPOINT s; INSERT INTO t VALUES ({number}, 'nested'); RELEASE s")
        await copy.follow()

        await nested.execute("COMMIT")

    assert {str(number) for number in range(70, 170)} <= (await copy.follow()).changed


async def test_what_is_rolled_back_is_no_change(database: Database) -> None:
    copy = await copy_of(database, TABLE)

    await database.execute("BEGIN; UPDATE t SET v = 'w'; DELETE FROM t WHERE id = 1; ROLLBACK")

    assert await copy.follow() == NOTHING


async def test_a_locked_row_is_no_change(database: Database) -> None:
    copy = await copy_of(database, TABLE)

    await database.execute("BEGIN; SELECT * FROM t FOR UPDATE; COMMIT")

    assert await copy.follow() == NOTHING


@pytest.mark.parametrize("statement", ["VACUUM t", "VACUUM FREEZE t", "ANALYZE t", "REINDEX TABLE t"])
async def test_maintenance_in_place_is_no_change(database: Database, statement: str) -> None:
    copy = await copy_of(database, TABLE)

    await database.execute(statement)

    assert await copy.follow() == NOTHING


async def test_freezing_hides_no_change_made_before_it(database: Database) -> None:
    copy = await copy_of(database, TABLE)

    await database.execute("UPDATE t SET v = 'w' WHERE id = 1")
    await database.execute("VACUUM FREEZE t")

    assert await copy.follow() == changed("1")


async def test_a_role_that_may_read_the_table_may_follow_it(database: Database) -> None:
    await database.execute(TABLE)
    role = f"reader_{database.name}"
    await database.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'r'; GRANT SELECT ON t TO {role}")
    copy = TableCopy(source=database.source(username=role, password="r"))
    await copy.follow()

    assert await copy.follow() == NOTHING

    await database.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public")
    assert (await copy.follow()).reason == (
        "The role may not execute pg_control_system() and pg_control_checkpoint()."
    )
    await database.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_a_database_replaced_by_an_older_copy_of_it_is_noticed(database: Database) -> None:
    """The older database has the same relations, the same file numbers and the same row versions."""
    name, older = f"app_{database.name}", f"copy_{database.name}"
    await database.execute(f"CREATE DATABASE {name}")
    await _in_database(database, name, TABLE)
    await database.execute(f"CREATE DATABASE {older} TEMPLATE {name}")
    await _in_database(database, name, "UPDATE t SET v = 'newer' WHERE id = 1")
    copy = TableCopy(source=database.source(database=name))
    await copy.follow()

    await database.execute(f"DROP DATABASE {name}")
    await database.execute(f"ALTER DATABASE {older} RENAME TO {name}")

    assert (await copy.follow()).reason == ALTERED
    await database.execute(f"DROP DATABASE {name}")


async def _in_database(database: Database, name: str, script: str) -> None:
    cluster = database.cluster
    connection = await asyncpg.connect(
        host=cluster.host, port=cluster.port, user=cluster.user, password=cluster.password, database=name
    )
    await connection.execute(script)
    await connection.close()
