"""The steps from one position to the next that tests expect, and tables to take them in."""

from typing import Any

from tests.integration.changes.table_copy import Step, TableCopy
from tests.support.database import Database

NOTHING = Step(reason=None, is_proven=True)


ALTERED = "It was altered, rewritten or emptied since, or documents are made of it in another way."


def changed(*keys: str, is_proven: bool = True) -> Step:
    return Step(reason=None, changed=frozenset(keys), is_proven=is_proven)


async def copy_of(database: Database, script: str, **configuration: Any) -> TableCopy:
    """Create tables, and look at the first one once."""
    await database.execute(script)
    copy = TableCopy(source=database.source(**configuration))
    assert (await copy.follow()).reason == "No job that completed has left a position for it yet."
    return copy


TABLE = (
    "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, 'v' FROM generate_series(1, 5) g;"
)
