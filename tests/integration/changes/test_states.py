"""The state of a server: the same name means that no row of any table has changed in between."""

import pytest

from tests.integration.changes.sessions import another
from tests.support.database import Database

CREATE = "CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item VALUES (1, 'one'), (2, 'two')"
CHANGES = (
    "INSERT INTO item VALUES (3, 'three')",
    "UPDATE item SET name = 'ONE' WHERE id = 1",
    "DELETE FROM item WHERE id = 1",
    "TRUNCATE item",
    "ALTER TABLE item ADD COLUMN price int DEFAULT 3",
    "DROP TABLE item",
    "CREATE TABLE other (id int PRIMARY KEY)",
    "INSERT INTO item VALUES (3, 'three'); DELETE FROM item WHERE id = 3",
)


async def test_nothing_that_only_reads_changes_the_state(database: Database) -> None:
    await database.execute(CREATE)

    async with database.source() as source:
        before = await source.state()
        (slice_,) = await source.slices({}, 0)
        async with slice_.snapshot() as snapshot:
            assert await snapshot.count() == 2
        await database.execute("SELECT * FROM item")

        assert before is not None
        assert await source.state() == before


@pytest.mark.parametrize("change", CHANGES)
async def test_every_commit_changes_the_state(database: Database, change: str) -> None:
    await database.execute(CREATE)

    async with database.source() as source:
        before = await source.state()
        await database.execute(change)

        assert await source.state() != before


async def test_a_transaction_that_ends_after_one_with_a_higher_number_changes_the_state(
    database: Database,
) -> None:
    """Its number is lower than that of one that ended before: only the list of the running ones tells."""
    await database.execute(CREATE)

    async with (
        database.source() as source,
        another(database) as early,
        another(database) as longest,
    ):
        await longest.execute("BEGIN; UPDATE item SET name = 'LONGEST' WHERE id = 1")
        await early.execute("BEGIN; UPDATE item SET name = 'EARLY' WHERE id = 2")
        await database.execute("INSERT INTO item VALUES (3, 'late')")
        before = await source.state()
        await early.execute("SAVEPOINT here; INSERT INTO item VALUES (4, 'within'); RELEASE here")
        during = await source.state()
        await early.execute("COMMIT")

        assert await source.state() not in (before, during)
        await longest.execute("ROLLBACK")
