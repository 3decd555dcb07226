"""The steps from one position to the next that tests expect, and tables to take them in."""

from typing import Any

from tests.integration.changes.mirror import Mirror, Step
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
