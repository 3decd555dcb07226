"""A table, or what is read like one, as a slice: complete under one snapshot, or an exception.

    lock -> snapshot -> still what was discovered? -> rows -> the files still the same? -> the types?
                                    |  no
                                    +-> discovered again, under the lock

The lock comes before the first query, because a snapshot taken before an ALTER TABLE that rewrites the table,
and used after it, sees an empty table. What is compared at the end is the certificate that this did not
happen. A name may have come to mean another relation since it was discovered, with other columns, types and
another key; the SELECT is made from what the name means under the lock. Types of the user's own are altered
without any lock on the table, so they are compared once more in the end.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from sources.contract import Batch, IsUnchanged, RowTest
from sources.errors import SourceUnavailableError
from sources.postgresql import statements
from sources.postgresql.catalog.catalog import Catalog
from sources.postgresql.catalog.discovery import Target, effective_key, rediscovered
from sources.postgresql.catalog.types import Attribute, Presence, ServerFacts
from sources.postgresql.changes.table_state import Servers, TableState
from sources.postgresql.connection import Database, Limits
from sources.postgresql.failures import translated
from sources.postgresql.read.snapshots import TableSnapshot
from sources.postgresql.render.document_sql import DocumentSQL, Origin, reference
from sources.postgresql.render.sql import Rendering
from sources.postgresql.rules import conditions
from sources.postgresql.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSlice:
    """One relation of one sync."""

    database: Database
    target: Target
    server_version: int
    servers: Servers
    seed: int
    tests: tuple[RowTest, ...] = ()
    """Which rows are wanted."""

    @property
    def _limits(self) -> Limits:
        return self.database.limits

    @property
    def _settings(self) -> Settings:
        return self.database.settings

    @property
    def name(self) -> str:
        return self.target.relation.label

    @property
    def estimated_rows(self) -> int | None:
        return self.target.relation.estimated_rows

    @property
    def mapping(self) -> Mapping[str, Any]:
        return self._document_sql(self.target, self.server_version).mapping

    @property
    def columns(self) -> Mapping[str, str]:
        return self._document_sql(self.target, self.server_version).fields

    @property
    def scope(self) -> Mapping[str, str]:
        relation = self.target.relation
        return {"database": self._settings.database, "schema": relation.schema, "table": relation.name}

    def narrowed(self, tests: Sequence[RowTest]) -> "TableSlice | None":
        """Leave out rows in PostgreSQL, if it decides as the tests would; see `sources.contract.Slice`."""
        narrowed = replace(self, tests=tuple(tests))
        return None if narrowed._wanted(self.target, self.server_version) is None else narrowed

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Read the table from its first row, under one snapshot; see `sources.contract.Slice`."""
        async with self.snapshot() as snapshot, aclosing(snapshot.batches(is_unchanged)) as batches:
            async for batch in batches:
                yield batch

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[TableSnapshot]:
        """Open the table at this moment; see `sources.contract.Slice`."""
        doing = f"Reading table {self.name}"
        async with self.database.transaction() as connection:
            catalog = Catalog(connection, self._limits.command_seconds)
            with translated(doing):
                await self._lock(connection)
                target, presence = await self._as_it_is_now(connection, catalog)
                server = await self.servers.facts(catalog, presence.server_started)
                snapshot = self._opened(connection, target, presence, server)
            yield snapshot
            with translated(doing):
                if not await catalog.have_files(presence.files):
                    raise SourceUnavailableError(f"{doing} failed: it was rewritten meanwhile.")
        if presence.types is not None:
            await self._require_same_types(presence)

    async def _require_same_types(self, presence: Presence) -> None:
        """Make sure that no type was altered while its values were read.

        No lock prevents it, and it shows in values at once, but in the catalog only to later snapshots.
        """
        doing = f"Reading table {self.name}"
        with translated(doing):
            async with self.database.transaction() as connection:
                catalog = Catalog(connection, self._limits.command_seconds)
                if await catalog.types_of(presence.oid) != presence.types:
                    raise SourceUnavailableError(
                        f"{doing} failed: a type of its columns was altered meanwhile."
                    )

    def _opened(
        self, connection: Any, target: Target, presence: Presence, server: ServerFacts | None
    ) -> TableSnapshot:
        has_children = presence.has_children and not target.only
        document_sql = self._document_sql(target, connection.get_server_version().major)
        is_unique = not target.given_key and not (target.relation.kind == "r" and has_children)
        state = TableState(
            presence=presence,
            server=server,
            target=target,
            select=document_sql.select(self._source),
            reads_children=has_children,
            is_unique=is_unique,
        )
        return TableSnapshot(
            connection=connection,
            limits=self._limits,
            target=target,
            document_sql=document_sql,
            source=self._source,
            has_children=has_children,
            pages=presence.pages or 0,
            is_unique=is_unique,
            own_position=state.position(),
            is_altered=target is not self.target,
            keeps_its_key=_key(target) == _key(self.target),
        )

    @property
    def _source(self) -> str:
        relation = self.target.relation
        return statements.relation(relation.schema, relation.name, only=self.target.only)

    async def _lock(self, connection: Any) -> None:
        lock = statements.lock if self.target.relation.is_lockable else statements.touch
        await connection.execute(
            lock(self._source), timeout=self._limits.lock_seconds + self._limits.command_seconds
        )

    async def _as_it_is_now(self, connection: Any, catalog: Catalog) -> tuple[Target, Presence]:
        """Return what is to be read under this name, discovered again if it is not what it was."""
        relation = self.target.relation
        target, presence = self.target, await self._presence(catalog, self.target)
        if (presence.oid, presence.shape) != (relation.oid, target.layout.shape):
            target = await rediscovered(catalog, target, presence.oid)
            presence = await self._presence(catalog, target)
        if not target.relation.is_lockable:
            await self._require_same_columns(connection, target)
        return target, presence

    async def _presence(self, catalog: Catalog, target: Target) -> Presence:
        presence = await catalog.presence(
            target.relation.schema,
            target.relation.name,
            with_types=target.layout.has_user_types,
        )
        if presence is None:
            raise SourceUnavailableError(f"Table {self.name} is gone.")
        return presence

    async def _require_same_columns(self, connection: Any, target: Target) -> None:
        """Make sure that a relation which LOCK TABLE does not take is what the snapshot says it is.

        The snapshot was taken before its lock was granted, so it may show columns that are gone since.
        """
        described = await connection.prepare(
            statements.all_of(self._source), timeout=self._limits.command_seconds
        )
        columns = [(column.name, column.type.oid) for column in described.get_attributes()]
        if columns != [(column.name, column.type.oid) for column in target.layout.columns]:
            raise SourceUnavailableError(f"Reading {self.name} failed: it was altered meanwhile.")

    def _wanted(self, target: Target, server_version: int) -> str | None:
        names = self._origin.fields([column.name for column in target.layout.columns])
        return conditions.wanted(
            self.tests,
            {names[column.name]: (reference(column.name), column) for column in target.layout.columns},
            max_value_bytes=self._settings.max_value_bytes,
            server_version=server_version,
        )

    @property
    def _origin(self) -> Origin:
        relation = self.target.relation
        return Origin(database=self._settings.database, schema=relation.schema, tables=(relation.name,))

    def _document_sql(self, target: Target, server_version: int) -> DocumentSQL:
        wanted = self._wanted(target, server_version)
        if wanted is None:
            raise SourceUnavailableError(
                f"Table {self.name} was altered meanwhile, and the sync rules have to be looked at again."
            )
        return DocumentSQL(
            origin=self._origin,
            wanted=wanted,
            columns=target.layout.columns,
            key=effective_key(target),
            rendering=Rendering.of(self._settings, server_version),
            seed=self.seed,
        )


def _key(target: Target) -> list[Attribute]:
    return [target.layout.column(name) for name in effective_key(target)]
