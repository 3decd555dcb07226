"""A row's content hash, computed by PostgreSQL: whenever the document changes, it changes.

`hash_record_extended` hashes a row four times as fast as its document could be hashed, but by each type's own
notion of equality, which is coarser than what a document shows: 1.0 and 1.00 are equal numerics, -0 and 0
equal floats, an enum hashes its oid and not its label, an array forgets its dimensions. And bigint is folded
to 32 bits first, so that 1 and 4294967296 have the same hash by construction, and with it every timestamp. A
column is therefore hashed as it is only if its type's hash tells apart all that prints differently, otherwise
as its binary or its text form, as bytes.
"""

import hashlib
from collections.abc import Sequence

from sources.postgresql.catalog.types import Attribute, Type, TypeKind
from sources.postgresql.quoting import qualified
from sources.postgresql.render.sql import NULLED, Rendering

RENDERER_VERSION = 1
"""Raise it when documents change in a way which the text of the SELECT does not show."""

_HASHED_AS_IS = {
    "int2",
    "int4",
    "bool",
    "oid",
    "uuid",
    "date",
    "bytea",
    "macaddr",
    "macaddr8",
    "inet",
    "cidr",
    "char",
}
_TEXTS = {"text", "varchar", "bpchar", "name", "xml", "json"}
_SENT_EXACTLY = {
    "int8", "float4", "float8", "numeric", "money", "time", "timetz", "timestamp", "timestamptz", "interval",
    "bit", "varbit", "point", "lseg", "path", "box", "polygon", "line", "circle", "pg_lsn", "tsvector",
}  # fmt: skip


def hash_sql(columns: Sequence[tuple[str, Attribute]], seed: int, rendering: Rendering) -> str:
    """Return the SQL of a row's signed 64-bit hash; `columns` holds each one's expression and what it is."""
    parts = [_hashable(expression, column, rendering.max_value_bytes) for expression, column in columns]
    # A null hashes to 0 whatever the seed; the constant lets the seed into rows of nulls alone.
    record = f"ROW({','.join(['0', *parts])})"
    if rendering.server_version < 14:
        return f"hashtextextended({record}::text,{seed})"
    return f"hash_record_extended({record},{seed})"


def seed_of(seed: int, *parts: str) -> int:
    """Mix a seed with everything else that determines documents; the result is a signed 64-bit integer."""
    text = "\0".join([str(RENDERER_VERSION), str(seed), *parts])
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)


def _hashable(expression: str, column: Attribute, cap: int) -> str:
    of = column.type
    while of.kind is TypeKind.DOMAIN and of.part is not None:
        of = of.part
    if of is not column.type and not (of.kind is TypeKind.BASE and of.base_name in _TEXTS):
        # A function that takes any enum, array or range does not take a domain over one.
        expression = f"{expression}::{qualified(of.schema, of.name)}"
    if of.kind is TypeKind.BASE and of.base_name == "bytea":
        return _unless_large(expression, r"'\x03'", cap)
    if of.kind is TypeKind.BASE and of.base_name in _HASHED_AS_IS:
        return expression
    if of.kind is TypeKind.BASE and of.base_name in _TEXTS:
        # A collation that ignores case would also hash without it.
        return f'{_unless_large(f"{expression}::text", NULLED, cap)} COLLATE "C"'
    if of.sender is not None and _is_sent_exactly(of):
        return f"{qualified(*of.sender)}({expression})"
    return f'{expression}::text COLLATE "C"'


def _unless_large(expression: str, instead: str, cap: int) -> str:
    """Hash something else in place of a value that is too large for the document, whatever it is.

    A row is put together to be hashed, and two values of 600 MB are more than PostgreSQL can put together.
    """
    return f"CASE WHEN octet_length({expression})>{cap} THEN {instead} ELSE {expression} END"


def _is_sent_exactly(of: Type) -> bool:
    """Whether two values with the same binary form always print the same."""
    match of.kind:
        case TypeKind.ENUM:
            return True
        case TypeKind.BASE:
            return of.base_name in _HASHED_AS_IS | _TEXTS | _SENT_EXACTLY
        case TypeKind.DOMAIN | TypeKind.ARRAY | TypeKind.RANGE | TypeKind.MULTIRANGE:
            return of.part is not None and _is_sent_exactly(of.part)
        case TypeKind.COMPOSITE:
            return all(_is_sent_exactly(member.type) for member in of.attributes)
        case TypeKind.PSEUDO:
            return False
