"""A table, or what is read like one, at one moment: all its rows, what changed since, how many there are."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from sources.contract import Batch, Digest, IsUnchanged, Key
from sources.errors import SourceConfigurationError, SourceUnavailableError
from sources.postgresql import statements
from sources.postgresql.catalog.discovery import Target
from sources.postgresql.changes import positions
from sources.postgresql.changes import statements as versions
from sources.postgresql.changes.positions import Position
from sources.postgresql.changes.table_state import PositionResult
from sources.postgresql.connection import Limits
from sources.postgresql.failures import translated
from sources.postgresql.read.blocks import batch_of, changed_batch_of
from sources.postgresql.read.copying import copied
from sources.postgresql.read.hash_first import ChangedRows
from sources.postgresql.read.keyed import KeyedRows
from sources.postgresql.render.document_sql import DocumentSQL


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSnapshot:
    """What it takes to read one relation in a transaction whose snapshot is taken."""

    connection: Any
    limits: Limits
    target: Target
    document_sql: DocumentSQL
    source: str
    """The relation as FROM names it."""
    has_children: bool
    """Whether rows of other tables are read with it."""
    pages: int
    """How large it is, if it is a plain table."""
    is_unique: bool
    """Whether the server guarantees that no two rows have the same key."""
    own_position: PositionResult
    is_altered: bool
    """Whether it is not what was discovered, so that its fields may be others."""
    keeps_its_key: bool
    """Whether a key that was told of what was discovered is one of what is there now."""

    @property
    def position(self) -> str | None:
        position = self.own_position.position
        return None if position is None else str(position)

    def incompatibility(self, since: str | None) -> str | None:
        position = self.own_position.position
        return self.own_position.refusal if position is None else positions.incompatibility(position, since)

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        with translated(self._doing):
            if not self.is_unique:
                await self._require_unique()
            if is_unchanged is None or self.has_children or not self.target.relation.is_plain:
                read = self._in_full(self.document_sql.select(self.source), is_unchanged)
            else:
                read = self._by_hash(is_unchanged)
            if self.is_altered:
                yield self._new_mapping
            async with aclosing(read) as batches:
                async for batch in batches:
                    yield batch

    async def changes(self, since: str) -> AsyncGenerator[Batch, None]:
        with translated(self._doing):
            position = Position.parsed(since)
            if position is None:
                raise ValueError(f"Not a position: {since!r}.")
            age = await self._value(versions.HORIZON_AGE, position.horizon)
            query = versions.changed(self.document_sql.select(self.source), age)
            if self.is_altered:
                yield self._new_mapping
            async with aclosing(self._in_full(query, None)) as batches:
                async for batch in batches:
                    yield batch

    async def rows(self, keys: Sequence[Key]) -> AsyncGenerator[Batch, None]:
        with translated(self._doing):
            if not self.keeps_its_key:
                raise SourceUnavailableError(f"{self._doing} failed: it has another key than before.")
            if self.is_altered:
                yield self._new_mapping
            read = KeyedRows(
                connection=self.connection,
                limits=self.limits,
                document_sql=self.document_sql,
                source=self.source,
            )
            told = [key for key in keys if isinstance(key, tuple)]
            async with aclosing(read.batches(told)) as batches:
                async for batch in batches:
                    yield batch

    async def count(self) -> int:
        with translated(self._doing):
            counted: int = await self._value(versions.count(self.source, self.document_sql.wanted))
            return counted

    async def digest(self) -> Digest:
        with translated(self._doing):
            query = versions.digest(self.source, self.document_sql.wanted, self.document_sql.row_hash)
            (row,) = await self.connection.fetch(query, timeout=self.limits.stall_seconds)
            return Digest(rows=row["rows"], sums=row["sums"] or "0")

    @property
    def _new_mapping(self) -> Batch:
        return Batch(lines=b"", count=0, mapping=self.document_sql.mapping)

    @property
    def _doing(self) -> str:
        return f"Reading table {self.target.relation.label}"

    async def _in_full(self, query: str, is_unchanged: IsUnchanged | None) -> AsyncGenerator[Batch, None]:
        async with aclosing(copied(self.connection, query, self.limits)) as blocks:
            async for block in blocks:
                yield batch_of(block) if is_unchanged is None else changed_batch_of(block, is_unchanged)

    def _by_hash(self, is_unchanged: IsUnchanged) -> AsyncGenerator[Batch, None]:
        return ChangedRows(
            connection=self.connection,
            limits=self.limits,
            document_sql=self.document_sql,
            source=self.source,
            pages=self.pages,
            is_unchanged=is_unchanged,
        ).batches()

    async def _require_unique(self) -> None:
        """Make sure that a key which the server does not guarantee tells rows apart."""
        repeated = statements.duplicates(self.source, self.document_sql.identity)
        if await self.connection.fetch(repeated, timeout=self.limits.stall_seconds):
            raise SourceConfigurationError(
                f"{self._doing} failed: several rows have the same {', '.join(self.document_sql.key)}."
                " Name more columns in Id columns, so that they tell rows apart."
            )

    async def _value(self, query: str, *arguments: Any) -> Any:
        return await self.connection.fetchval(query, *arguments, timeout=self.limits.stall_seconds)
