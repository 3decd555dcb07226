"""A table, or what is read like one, as a slice: complete under one snapshot, or an exception.

    lock -> snapshot -> columns again, under the lock -> rows -> the files still the same?

The lock comes before the first query, because a snapshot taken before an ALTER TABLE that rewrites the table,
and used after it, sees an empty table. What is compared at the end is the certificate that this did not
happen.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from sources.contract import Batch, IsUnchanged, RowTest
from sources.errors import SourceConfigurationError, SourceUnavailableError
from sources.postgresql import statements
from sources.postgresql.catalog.catalog import Catalog
from sources.postgresql.catalog.discovery import Target, effective_key, key_findings
from sources.postgresql.changes.circumstances import Circumspection
from sources.postgresql.connection import Limits, transaction
from sources.postgresql.failures import translated
from sources.postgresql.read.snapshots import TableSnapshot
from sources.postgresql.render.documents import Documents, Origin, field_names, reference
from sources.postgresql.render.values import Rendering
from sources.postgresql.rules import conditions
from sources.postgresql.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSlice:
    """One relation of one sync."""

    settings: Settings
    limits: Limits
    target: Target
    server_version: int
    seed: int
    unmapped: frozenset[str] = frozenset()
    """Columns which are left to dynamic mapping."""
    tests: tuple[RowTest, ...] = ()
    """Which rows are wanted."""

    @property
    def name(self) -> str:
        return self.target.relation.label

    @property
    def estimated_rows(self) -> int | None:
        return self.target.relation.estimated_rows

    @property
    def mapping(self) -> Mapping[str, Any]:
        return self._documents(self.target, self.server_version).mapping(self.unmapped)

    @property
    def scope(self) -> Mapping[str, str]:
        relation = self.target.relation
        return {"database": self.settings.database, "schema": relation.schema, "table": relation.name}

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
        async with transaction(self.settings, self.limits) as connection:
            catalog = Catalog(connection, self.limits.command_seconds)
            with translated(doing):
                await self._lock(connection)
                target = await self._as_it_is_now(catalog)
                files = await catalog.files(target.relation.oid)
                snapshot = await self._opened(connection, target, files)
            yield snapshot
            with translated(doing):
                if await catalog.files(target.relation.oid) != files:
                    raise SourceUnavailableError(f"{doing} failed: it was rewritten meanwhile.")
                await connection.execute(statements.COMMIT, timeout=self.limits.command_seconds)

    async def _opened(
        self, connection: Any, target: Target, files: Sequence[tuple[int, int | None]]
    ) -> TableSnapshot:
        has_children = len(files) > 1 and not target.only
        documents = self._documents(target, connection.get_server_version().major)
        is_unique = not target.given_key and not (target.relation.kind == "r" and has_children)
        look = Circumspection(
            connection=connection,
            timeout_seconds=self.limits.command_seconds,
            target=target,
            select=documents.select(self._source),
            is_unique=is_unique,
        )
        members = [member for member, _ in files] if has_children else [target.relation.oid]
        return TableSnapshot(
            connection=connection,
            limits=self.limits,
            target=target,
            documents=documents,
            source=self._source,
            has_children=has_children,
            is_unique=is_unique,
            circumstances=await look.circumstances(members),
        )

    @property
    def _source(self) -> str:
        relation = self.target.relation
        return statements.relation(relation.schema, relation.name, only=self.target.only)

    async def _lock(self, connection: Any) -> None:
        lock = statements.lock if self.target.relation.is_lockable else statements.touch
        await connection.execute(
            lock(self._source), timeout=self.limits.lock_seconds + self.limits.command_seconds
        )

    async def _as_it_is_now(self, catalog: Catalog) -> Target:
        """Look at columns and key again; what discovery saw may have changed before the lock was granted."""
        relation = self.target.relation
        layouts = await catalog.layouts([relation.oid])
        if relation.oid not in layouts:
            raise SourceUnavailableError(
                f"Table {self.name} was replaced by another of the same name meanwhile."
            )
        target = replace(self.target, layout=layouts[relation.oid])
        findings = [str(finding) for finding in key_findings(target)]
        if findings:
            raise SourceConfigurationError(*findings)
        return target

    def _wanted(self, target: Target, server_version: int) -> str | None:
        names = field_names(self._origin, [column.name for column in target.layout.columns])
        return conditions.wanted(
            self.tests,
            {names[column.name]: (reference(column.name), column) for column in target.layout.columns},
            max_value_bytes=self.settings.max_value_bytes,
            server_version=server_version,
        )

    @property
    def _origin(self) -> Origin:
        relation = self.target.relation
        return Origin(database=self.settings.database, schema=relation.schema, tables=(relation.name,))

    def _documents(self, target: Target, server_version: int) -> Documents:
        wanted = self._wanted(target, server_version)
        if wanted is None:
            raise SourceUnavailableError(
                f"Table {self.name} was altered meanwhile, and the sync rules have to be looked at again."
            )
        return Documents(
            origin=self._origin,
            wanted=wanted,
            columns=target.layout.columns,
            key=effective_key(target),
            rendering=Rendering(server_version=server_version, max_value_bytes=self.settings.max_value_bytes),
            seed=self.seed,
        )
