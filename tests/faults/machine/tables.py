"""The tables of the state machine: what may happen to them, and which documents they should become.

The documents are put together from what PostgreSQL itself says is in the tables, by the documented rules and
not by the product's code.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tests.support.database import Database

NAMES = ("a", "b", "c")
READER, PASSWORD = "machine_reader", "canary-7f3d-of-the-reader"
SCHEMA = f"""
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
DO $$ BEGIN CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}';
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT USAGE ON SCHEMA public TO {READER};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {READER};
CREATE TABLE a (id int PRIMARY KEY, v text);
CREATE TABLE b (id int PRIMARY KEY, v text);
INSERT INTO a SELECT n, 'first ' || n FROM generate_series(0, 4) n;
INSERT INTO b SELECT n, 'first ' || n FROM generate_series(0, 2) n;
"""
_END_BACKENDS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name = 'elastic-ingest'"
)
_BACKENDS = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name = 'elastic-ingest'"
)

Documents = dict[str, dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class Tables:
    """A database, and since when each of its rows is as it is."""

    database: Database
    changes: int = 0
    """How often anything may have changed."""
    since: dict[str, tuple[dict[str, Any], float]] = field(default_factory=dict)
    """For each document that a row should be, by its id, what it says and since when it says that."""

    async def empty(self) -> None:
        """Begin again with two tables."""
        await self.database.execute(SCHEMA)
        await self.database.execute("SET lock_timeout = '40ms'")
        self.since.clear()
        await self._note_rows()

    async def execute(self, sql: str) -> bool:
        """Run a statement; what PostgreSQL refuses does not happen."""
        self.changes += 1
        try:
            await self.database.execute(sql)
        except asyncpg.PostgresError:
            return False
        finally:
            await self._note_rows()
        return True

    async def _note_rows(self) -> None:
        now = time.monotonic()
        documents = await self.documents(NAMES)
        before = self.since
        self.since = {
            id_: before[id_] if id_ in before and before[id_][0] == document else (document, now)
            for id_, document in documents.items()
        }

    async def names(self) -> list[str]:
        """Return which tables there are."""
        sql = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        return sorted(row["relname"] for row in await self.database.connection.fetch(sql))

    async def documents(self, tables: Collection[str]) -> Documents:
        """Return the documents that the rows of these tables should be."""
        found: Documents = {}
        for table in await self.names():
            if table in tables:
                for row in await self.database.connection.fetch(f'SELECT * FROM "{table}"'):
                    document = self._document(table, dict(row))
                    found[document["id"]] = document
        return found

    def _document(self, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": f"{self.database.name}_public_{table}_{row['id']}",
            "database": self.database.name,
            "schema": "public",
            "table": table,
            **{f"public_{table}_{name}": value for name, value in row.items()},
        }

    def configuration(self) -> dict[str, Any]:
        """Return values with which a connector reads every table, deleting as much as it has to."""
        return self.database.configuration(
            username=READER, password=PASSWORD, max_deleted_share=100, retry_count=3
        )

    async def end_backends(self) -> int:
        """Terminate every connection of the service; return how many there were."""
        return int(await self.database.value(_END_BACKENDS))

    async def backends(self) -> int:
        """Return how many connections the service has."""
        return int(await self.database.value(_BACKENDS))
