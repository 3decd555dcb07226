"""Every source there is, with the same three rows in it, and the fake one that other tests rely on."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.postgresql import Cluster
from sources.contract import Source
from sources.sqlite import SQLite
from tests.fakes.source import MemorySource
from tests.integration.sources.database import database_on


@dataclass(frozen=True, slots=True)
class World:
    """A source with the rows a, b and c, and a way to change row b."""

    source: Source
    change_b: Callable[[], Awaitable[None]]


@pytest.fixture(params=["postgresql", "sqlite", "memory"])
async def world(request: pytest.FixtureRequest, cluster: Cluster, tmp_path: Path) -> AsyncIterator[World]:
    """A source under the contract."""
    if request.param == "memory":
        source = MemorySource()
        source.put("letter", [(letter, {"value": 1}) for letter in "abc"])

        async def change() -> None:
            source.put("letter", [("b", {"value": 2})])

        yield World(source, change)
        return
    if request.param == "sqlite":
        connection = sqlite3.connect(tmp_path / "letters.db", isolation_level=None)
        connection.execute("CREATE TABLE letter (id text PRIMARY KEY, value int)")
        connection.execute("INSERT INTO letter VALUES ('a', 1), ('b', 1), ('c', 1)")

        async def set_b() -> None:
            connection.execute("UPDATE letter SET value = 2 WHERE id = 'b'")

        yield World(SQLite({"path": str(tmp_path / "letters.db")}), set_b)
        connection.close()
        return
    async with database_on(cluster) as database:
        await database.execute(
            "CREATE TABLE letter (id text PRIMARY KEY, value int);"
            "INSERT INTO letter VALUES ('a', 1), ('b', 1), ('c', 1)"
        )

        async def update() -> None:
            await database.execute("UPDATE letter SET value = 2 WHERE id = 'b'")

        yield World(database.source(), update)
