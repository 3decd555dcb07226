"""Every source there is, with the same three rows in it, and the fake one that other tests rely on."""

import math
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.postgresql import Cluster
from sources.contract import Source
from sources.errors import SourceUnavailableError
from sources.sqlite import SQLite
from tests.support.database import database_on
from tests.support.memory_source import MemorySource

MANY = 2_000
CREATE = "CREATE TABLE letter (id text PRIMARY KEY, value float8);"
INSERT = "INSERT INTO letter VALUES ('a', 1), ('b', 1), ('c', 1);"
UPDATE = "UPDATE letter SET value = 2 WHERE id = 'b'"
CLEAR = "DELETE FROM letter"
LOSE = "DROP TABLE letter"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUnderTest:
    """A source with the rows a, b and c, and ways to change it."""

    source: Source
    change_b: Callable[[], Awaitable[None]]
    fill: Callable[[], Awaitable[None]]
    """Add many rows, whose keys begin alike."""
    put_infinity: Callable[[], Awaitable[None]]
    """Give row c a value that JSON cannot hold."""
    clear: Callable[[], Awaitable[None]]
    """Delete all rows."""
    lose: Callable[[], Awaitable[None]]
    """Take away what the slice reads from."""


def memory_subject(source: MemorySource) -> SourceUnderTest:
    """Put the rows into a source that may be broken."""
    source.put("letter", [(letter, {"value": 1}) for letter in "abc"])

    async def change_b() -> None:
        source.put("letter", [("b", {"value": 2})])

    async def fill() -> None:
        source.put("letter", [(f"many {number}", {"value": 0}) for number in range(MANY)])

    async def put_infinity() -> None:
        source.put("letter", [("c", {"value": math.inf})])

    async def clear() -> None:
        source.tables["letter"].clear()

    async def lose() -> None:
        def lost(_slice: str, _batch: int) -> None:
            raise SourceUnavailableError("The table is lost.")

        source.before_batch = lost

    return SourceUnderTest(
        source=source, change_b=change_b, fill=fill, put_infinity=put_infinity, clear=clear, lose=lose
    )


@pytest.fixture(params=["postgresql", "sqlite", "memory"])
async def subject(
    request: pytest.FixtureRequest, cluster: Cluster, tmp_path: Path
) -> AsyncIterator[SourceUnderTest]:
    """A source under the contract."""
    match request.param:
        case "memory":
            yield memory_subject(MemorySource())
        case "sqlite":
            connection = sqlite3.connect(tmp_path / "letters.db", isolation_level=None)
            connection.executescript(f"PRAGMA journal_mode = wal; {CREATE} {INSERT}")

            async def run(sql: str) -> None:
                connection.executescript(sql)

            numbers = f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY} - 1)"
            many = f"{numbers} INSERT INTO letter SELECT 'many ' || i, 0 FROM n"
            yield _subject(SQLite({"path": str(tmp_path / "letters.db")}), run, many, "9e999")
            connection.close()
        case _:
            async with database_on(cluster) as database:
                await database.execute(CREATE + INSERT)
                many = f"INSERT INTO letter SELECT 'many ' || i, 0 FROM generate_series(1, {MANY}) i"
                yield _subject(database.source(), database.execute, many, "'Infinity'")


def _subject(
    source: Source, run: Callable[[str], Awaitable[None]], many: str, infinity: str
) -> SourceUnderTest:
    return SourceUnderTest(
        source=source,
        change_b=lambda: run(UPDATE),
        fill=lambda: run(many),
        put_infinity=lambda: run(f"UPDATE letter SET value = {infinity} WHERE id = 'c'"),
        clear=lambda: run(CLEAR),
        lose=lambda: run(LOSE),
    )
