"""A table as a slice: one read transaction in a thread of its own, which is the snapshot.

BEGIN -> columns and key -> rows, some hundred at a time -> lines
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sources.contract import ADDED_MEMBERS, Batch, IsUnchanged, RowTest, Snapshot
from sources.errors import SourceConfigurationError, SourceUnavailableError
from sources.lines import batch, limited_id, line
from sources.sqlite.values import is_nulled, json_value, key_text
from sources.unversioned import unversioned

ROWS_AT_ONCE = 200
LOCK_SECONDS = 30.0
_TRANSIENT = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_INTERRUPT}
_PRIMARY_CODE = 0xFF

TABLES = """
SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name
"""
COLUMNS = "SELECT name, pk FROM pragma_table_info(?) ORDER BY cid"


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what SQLite raises into a SourceError that begins with what was being done."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY_CODE
        kind = SourceUnavailableError if code in _TRANSIENT else SourceConfigurationError
        raise kind(f"{doing} failed: {error}.") from error


def opened(path: Path) -> sqlite3.Connection:
    """Open a file for reading alone; it is not created."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=ro",
        uri=True,
        timeout=LOCK_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only = on")
    return connection


def identifier(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def field_name(table: str, column: str) -> str:
    """Return the name of a column's field, which is none of those that the service adds."""
    name = f"{table}_{column}"
    return f"{name}_" if name in ADDED_MEMBERS else name


def layout(connection: sqlite3.Connection, table: str) -> tuple[list[str], list[str]]:
    """Return the names of a table's columns, and those of its primary key in its order."""
    rows = connection.execute(COLUMNS, (table,)).fetchall()
    key = sorted((pk, name) for name, pk in rows if pk)
    return [name for name, _ in rows], [name for _, name in key]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSlice:
    """One table of one sync."""

    path: Path
    name: str
    names: tuple[str, ...]
    seed: int

    @property
    def estimated_rows(self) -> None:
        return

    @property
    def mapping(self) -> Mapping[str, Any]:
        """A keyword takes whatever a column may hold."""
        return {field: {"type": "keyword", "ignore_above": 8191} for field in self.columns}

    @property
    def columns(self) -> Mapping[str, str]:
        return {field_name(self.name, column): column for column in self.names}

    @property
    def scope(self) -> Mapping[str, str]:
        return {"database": str(self.path), "table": self.name}

    def narrowed(self, tests: Sequence[RowTest]) -> None:
        """Leave every rule to the service."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        return unversioned(self, "SQLite keeps no row versions.")

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Read the table from its first row; see `sources.contract.Slice`."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(max_workers=1)
        with translated(f"Reading table {self.name}"):
            connection = await loop.run_in_executor(thread, opened, self.path)
            try:
                cursor, columns, key = await loop.run_in_executor(thread, self._begun, connection)
                while rows := await loop.run_in_executor(thread, cursor.fetchmany, ROWS_AT_ONCE):
                    lines = [self._line(dict(zip(columns, row, strict=True)), key) for row in rows]
                    nulled = sum(is_nulled(value) for row in rows for value in row)
                    yield batch(lines, is_unchanged, nulled)
            finally:
                connection.interrupt()
                thread.submit(connection.close)
                thread.shutdown(wait=False)

    def _begun(self, connection: sqlite3.Connection) -> tuple[sqlite3.Cursor, list[str], list[str]]:
        """Begin the transaction; what there is under the name is looked at again in it."""
        connection.execute("BEGIN")
        columns, key = layout(connection, self.name)
        if not columns:
            raise SourceConfigurationError(f"Table {self.name} does not exist any more.")
        if not key:
            raise SourceConfigurationError(f"Table {self.name} has no primary key any more; add one.")
        names = ", ".join(identifier(column) for column in columns)
        return connection.execute(f"SELECT {names} FROM {identifier(self.name)}"), columns, key

    def _line(self, row: Mapping[str, Any], key: Sequence[str]) -> bytes:
        values = [row[column] for column in key]
        if None in values:
            raise SourceConfigurationError(
                f"Reading table {self.name} failed: a row has a null in its primary key; declare it NOT NULL."
            )
        id_ = limited_id(f"{self.path}_{self.name}_{key_text(values)}")
        members = {field_name(self.name, column): json_value(value) for column, value in row.items()}
        return line(id_, {**self.scope, **members}, self.seed)
