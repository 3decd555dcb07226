"""Reading single rows by their keys, as a feed tells them, and finding out which of them are not there.

Keys are texts as the server writes the values. A row is found by the equality of its key's type, which may
take two texts for the same, as `citext` does; whether a key is absent is decided by ids, which do not.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson

from sources.contract import ID_END, Batch
from sources.lines import join_lines, split_lines
from sources.postgresql import statements
from sources.postgresql.catalog.types import Attribute, Type, TypeKind
from sources.postgresql.connection import Limits
from sources.postgresql.read.blocks import batch_of
from sources.postgresql.read.copying import copied
from sources.postgresql.render.document_sql import DocumentSQL

ROWS_AT_ONCE = 5_000
"""How many rows one statement asks for."""

EQUALITIES = """
SELECT o.oprleft AS type, n.nspname AS schema
FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE o.oprname = '=' AND o.oprleft = o.oprright AND o.oprleft = ANY($1::oid[])
"""
"""Where the equality of a type is that did not come with the server; no search path leads there."""

_DISTINCT_AS_TEXT = frozenset({"int2", "int4", "int8", "oid", "uuid", "bool", "date"})
"""Types of which two values are equal if and only if their texts are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRows:
    """What it takes to read rows of a relation by their keys."""

    connection: Any
    limits: Limits
    document_sql: DocumentSQL
    source: str

    async def batches(self, keys: Sequence[Sequence[str]]) -> AsyncGenerator[Batch, None]:
        """Read each row once, and tell the ids of those that are not there."""
        equalities = await self._equalities()
        for start in range(0, len(keys), ROWS_AT_ONCE):
            some = keys[start : start + ROWS_AT_ONCE]
            found: set[bytes] = set()
            await self.connection.execute(statements.BY_PLACE, timeout=self.limits.command_seconds)
            query = statements.rows_of(
                self.document_sql.select(self.source), self._conditions(equalities), _columns(some)
            )
            async with aclosing(copied(self.connection, query, self.limits)) as blocks:
                async for block in blocks:
                    yield batch_of(_first_of_each(block, found))
            await self.connection.execute(statements.BY_CHOICE, timeout=self.limits.command_seconds)
            if absent := await self._absent(some, found):
                yield Batch(lines=b"", count=0, absent=absent)

    async def _absent(self, keys: Sequence[Sequence[str]], found: set[bytes]) -> tuple[str, ...]:
        if len(found) == len(keys) and all(c.type.base_name in _DISTINCT_AS_TEXT for c in self._key):
            return ()
        query = statements.ids_of(self.document_sql.id_of(_casts(self._key)), len(self._key))
        rows = await self.connection.fetch(query, *_columns(keys), timeout=self.limits.stall_seconds)
        ids = dict.fromkeys(row[0] for row in rows)
        return tuple(orjson.loads(id_) for id_ in ids if id_.encode() not in found)

    async def _equalities(self) -> dict[int, str]:
        foreign = [base.oid for column in self._key if not (base := _base(column.type)).base_name]
        if not foreign:
            return {}
        rows = await self.connection.fetch(EQUALITIES, foreign, timeout=self.limits.command_seconds)
        return {row["type"]: row["schema"] for row in rows}

    def _conditions(self, equalities: dict[int, str]) -> list[str]:
        return [
            statements.equals(column.name, value, equalities.get(_base(column.type).oid, "pg_catalog"))
            for column, value in zip(self._key, _casts(self._key), strict=True)
        ]

    @property
    def _key(self) -> list[Attribute]:
        by_name = {column.name: column for column in self.document_sql.columns}
        return [by_name[name] for name in self.document_sql.key]


def _casts(key: Sequence[Attribute]) -> list[str]:
    """Return the expressions that turn the texts of a key into values."""
    return [
        statements.value_of_key(number, base.schema, base.name)
        for number, base in enumerate(_base(column.type) for column in key)
    ]


def _base(of: Type) -> Type:
    """Return the type under a domain, whose constraints do not concern a key that was once accepted."""
    while of.kind is TypeKind.DOMAIN:
        of = of.inner
    return of


def _columns(keys: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(column) for column in zip(*keys, strict=True)]


def _first_of_each(block: bytes, found: set[bytes]) -> bytes:
    """Return the lines of a block whose id was not found before, and note the ids."""
    lines = split_lines(block)
    kept = [line for line in lines if _is_new(line[: line.index(ID_END)], found)]
    return block if len(kept) == len(lines) else join_lines(kept)


def _is_new(id_: bytes, found: set[bytes]) -> bool:
    if id_ in found:
        return False
    found.add(id_)
    return True
