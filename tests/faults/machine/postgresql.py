"""Tables of a real PostgreSQL.

The documents are put together from what PostgreSQL itself says is in the tables, by the documented rules and
not by the product's code.
"""

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from sandbox.postgresql import Cluster
from sources.registry import SOURCES
from tests.faults.machine.changes import Kind, RowChange
from tests.faults.machine.tables import NAMES, PASSWORD, READER, Documents, Tables
from tests.support.database import Database

SCHEMA = f"""
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
DO $$ BEGIN CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}';
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT USAGE ON SCHEMA public TO {READER};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {READER};
CREATE TABLE a (id int PRIMARY KEY, v text);
CREATE TABLE b (id int PRIMARY KEY, v text);
CREATE TABLE pairs (p text, q text, n float8, PRIMARY KEY (p, q));
INSERT INTO a SELECT n, 'first ' || n FROM generate_series(0, 4) n;
INSERT INTO b SELECT n, 'first ' || n FROM generate_series(0, 2) n;
"""
IN_ORDER = (
    "CREATE TABLE a (id int PRIMARY KEY, v text)",
    *(f"GRANT SELECT ON {table} TO {READER}" for table in NAMES),
)
_OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'elastic-ingest'"
_SQL = {
    Kind.PUT: (
        "INSERT INTO {table} (id, v) VALUES ({key}, '{value}') ON CONFLICT (id) DO UPDATE SET v = excluded.v"
    ),
    Kind.UPDATE: "UPDATE {table} SET v = '{value}' WHERE id >= {key}",
    Kind.DELETE: "DELETE FROM {table} WHERE id = {key}",
    Kind.EXCHANGE: (
        "DELETE FROM {table} WHERE id = {key}; "
        "INSERT INTO {table} (id, v) VALUES ({other}, '{value}') ON CONFLICT (id) DO NOTHING"
    ),
    Kind.EMPTY: "TRUNCATE {table}",
}
_ESCAPES = (("%", "%25"), ("_", "%5F"), (",", "%2C"))


@dataclass(slots=True, kw_only=True)
class TablesOfPostgreSQL(Tables):
    """A database."""

    database: Database

    async def execute(self, sql: str) -> None:
        """Run a statement; what PostgreSQL refuses does not happen."""
        try:
            await self.database.execute(sql)
        except asyncpg.PostgresError:
            pass
        finally:
            await self.note_rows()

    async def alter(self, sql: str) -> None:
        """Run a statement that may change what a document looks like, or who may read it."""
        self.unjudged_changes += 1
        await self.execute(sql)

    async def change(self, change: RowChange) -> None:
        """Change rows."""
        parts = {"table": change.table, "key": change.key, "other": change.other_key}
        await self.execute(_SQL[change.kind].format(**parts, value=change.value.replace("'", "''")))

    async def documents(self) -> Documents:
        """Return the documents of the rows; two rows with one id would be a defect of the rules."""
        found: Documents = {}
        sql = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        for (table,) in await self.database.connection.fetch(sql):
            if table in NAMES:
                for row in await self.database.connection.fetch(f'SELECT * FROM "{table}"'):
                    document = self._document(table, dict(row))
                    assert document["id"] not in found, "two rows of one id"
                    found[document["id"]] = document
        return found

    def _document(self, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
        key = [str(row[name]) for name in (("p", "q") if table == "pairs" else ("id",))]
        return {
            "id": f"{self.database.name}_public_{table}_{','.join(map(escaped, key))}",
            "database": self.database.name,
            "schema": "public",
            "table": table,
            **{f"public_{table}_{name}": _as_json(value) for name, value in row.items()},
        }

    def configuration(self) -> dict[str, Any]:
        """Return values for a role of its own."""
        return self.database.configuration(
            username=READER, password=PASSWORD, max_deleted_share=100, retry_count=3
        )

    async def lose_readers(self) -> None:
        """Terminate every connection of the service."""
        await self.database.value(f"SELECT count(pg_terminate_backend(pid)) {_OURS}")

    async def readers(self) -> int:
        """Count the connections of the service."""
        return int(await self.database.value(f"SELECT count(*) {_OURS}"))

    async def put_in_order(self) -> None:
        """Create what is missing, and grant what was revoked."""
        for statement in IN_ORDER:
            await self.alter(statement)


def _as_json(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def escaped(part: str) -> str:
    """Return a part of a key as it stands in an id, by the documentation."""
    for character, escape in _ESCAPES:
        part = part.replace(character, escape)
    return part


@asynccontextmanager
async def tables_of_postgresql(cluster: Cluster, database_name: str) -> AsyncIterator[TablesOfPostgreSQL]:
    """Begin with two tables that hold rows."""
    connection = await asyncpg.connect(
        host=cluster.host, port=cluster.port, user=cluster.user, password=cluster.password,
        database=database_name,
    )  # fmt: skip
    try:
        tables = TablesOfPostgreSQL(sources=SOURCES, database=Database(cluster, database_name, connection))
        await tables.database.execute(SCHEMA)
        await tables.database.execute("SET lock_timeout = '40ms'")
        await tables.note_rows()
        yield tables
    finally:
        await connection.close()
