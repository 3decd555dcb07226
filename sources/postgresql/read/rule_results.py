"""The result of an advanced rule's query as a slice.

    locks by name -> snapshot -> what does the query read from? -> rows -> the files still the same?
         ^                                   |
         +--- another relation than locked --+

The query is run by COPY like a table: blocks of a size come, however large its rows are.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import Any

from sources.contract import Batch, IsUnchanged, RowTest, Snapshot
from sources.errors import SourceUnavailableError
from sources.postgresql import statements
from sources.postgresql.catalog.catalog import Catalog
from sources.postgresql.catalog.types import Relation
from sources.postgresql.connection import Database
from sources.postgresql.failures import translated
from sources.postgresql.read.blocks import batch_of, changed_batch_of
from sources.postgresql.read.copying import copied
from sources.postgresql.rules import advanced
from sources.unversioned import unversioned

_MOST_BEGINNINGS = 3
"""How often reading begins while the tables of a query are replaced by others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSlice:
    """The result of one advanced rule's query."""

    database: Database
    described: advanced.Described
    seed: int

    @property
    def name(self) -> str:
        return self.described.rule.label

    @property
    def estimated_rows(self) -> int | None:
        return None

    @property
    def mapping(self) -> Mapping[str, Any]:
        return self.described.document_sql(self.database.settings, self.seed).mapping

    @property
    def columns(self) -> Mapping[str, str]:
        return self.described.document_sql(self.database.settings, self.seed).fields

    @property
    def scope(self) -> None:
        """None: several rules may read the same tables."""
        return

    def narrowed(self, tests: Sequence[RowTest]) -> None:
        """Leave the rows to the service: the query's columns are known only once it runs."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Open the result, which has no row versions."""
        return unversioned(self, "The result of an advanced rule has no row versions.")

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Read the whole result under one snapshot; see `sources.contract.Slice`."""
        relations = self.described.relations
        with translated(f"Reading {self.name}"):
            for _ in range(_MOST_BEGINNINGS):
                async with self.database.transaction() as connection:
                    described = await self._locked(connection, relations)
                    if _identities(described.relations) == _identities(relations):
                        async with aclosing(self._read(connection, described, is_unchanged)) as batches:
                            async for batch in batches:
                                yield batch
                        return
                # What the query reads from is another relation than was locked, and the snapshot may be older
                # than a rewrite of that one, which would make it look empty.
                relations = described.relations
            raise SourceUnavailableError(f"Reading {self.name} failed: its tables were replaced meanwhile.")

    async def _locked(self, connection: Any, relations: Sequence[Relation]) -> advanced.Described:
        """Lock relations by their names before the snapshot is taken; return what the rule is then."""
        settings, limits = self.database.settings, self.database.limits
        await connection.execute(statements.look_in(settings.schemas), timeout=limits.command_seconds)
        for relation in relations:
            lock = statements.lock(statements.relation(relation.schema, relation.name))
            await connection.execute(lock, timeout=limits.lock_seconds + limits.command_seconds)
        return await advanced.described_by(self.described.rule, connection, self.database)

    async def _read(
        self, connection: Any, described: advanced.Described, is_unchanged: IsUnchanged | None
    ) -> AsyncGenerator[Batch, None]:
        catalog = Catalog(connection, self.database.limits.command_seconds)
        oids = [relation.oid for relation in described.relations]
        files = await catalog.files(oids)
        document_sql = described.document_sql(self.database.settings, self.seed)
        query = document_sql.select(statements.sub_select(described.rule.query))
        if document_sql.mapping != self.mapping:
            yield Batch(lines=b"", count=0, mapping=document_sql.mapping)
        async with aclosing(copied(connection, query, self.database.limits)) as blocks:
            async for block in blocks:
                yield batch_of(block) if is_unchanged is None else changed_batch_of(block, is_unchanged)
        if not await catalog.have_files([file for each in files for file in each]):
            raise SourceUnavailableError(f"Reading {self.name} failed: a table was rewritten meanwhile.")


def _identities(relations: Sequence[Relation]) -> set[tuple[int, str]]:
    return {(relation.oid, relation.label) for relation in relations}
