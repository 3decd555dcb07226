"""Building blocks of the SQL that renders documents."""

from dataclasses import dataclass
from typing import Self

from sources.postgresql.catalog.types import Type
from sources.postgresql.quoting import literal, qualified
from sources.postgresql.settings import Mappings, Settings

NULL_MARK = b"\x03"
NULLED = literal("\x03null")
"""What a value becomes that cannot be in a document. The mark cannot occur in JSON; the reader counts it."""

FUNCTION_ARGUMENTS = 96
"""How many arguments we give one function; PostgreSQL allows 100."""

_MAY_BE_LARGE_BYTES = 2048
"""Stored size from which a value that is not plain text is measured before it is sent. Smaller ones cannot be
large: compression saves at most a factor of 255.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What the form of a value depends on besides its type."""

    server_version: int
    """The server's major version."""
    max_value_bytes: int
    """Larger values become null and are counted."""
    is_mapped: bool = True
    """Whether every field has a derived mapping; otherwise the first value decides about it."""

    @classmethod
    def of(cls, settings: Settings, server_version: int) -> Self:
        """Return what a configuration asks of the forms."""
        return cls(
            server_version=server_version,
            max_value_bytes=settings.max_value_bytes,
            is_mapped=settings.mappings is Mappings.DERIVED,
        )


def type_name(of: Type) -> str:
    """Return the type's name for a cast, without a modifier."""
    return qualified(of.schema, of.name)


def built_in(value: str, of: Type) -> str:
    """Return a value of a type that came with the server as certainly of that type.

    Text that is written into JSON as it is must come from the type's own output function. If the column has
    another type than we were told, the server converts the value or refuses it.
    """
    return f"{value}::{type_name(of)}"


def or_null(text: str) -> str:
    """Return JSON text, `null` for an SQL null."""
    return f"COALESCE({text},'null')"


def nulled_unless(condition: str, value: str, text: str) -> str:
    """Return JSON text where a condition, which is not true of an SQL null, holds."""
    return f"CASE WHEN {condition} THEN {text} WHEN {value} IS NULL THEN 'null' ELSE {NULLED} END"


def capped(value: str, text: str, rendering: Rendering) -> str:
    """Return JSON text unless the value is larger than allowed."""
    return (
        f"CASE WHEN pg_column_size({value})>{_MAY_BE_LARGE_BYTES}"
        f" AND octet_length({value}::text)>{rendering.max_value_bytes} THEN {NULLED} ELSE {text} END"
    )


def joined(parts: list[str]) -> str:
    """Return the SQL that concatenates the parts, however many; a null part counts as empty."""
    while len(parts) > FUNCTION_ARGUMENTS:
        groups = [parts[i : i + FUNCTION_ARGUMENTS] for i in range(0, len(parts), FUNCTION_ARGUMENTS)]
        parts = [f"concat({','.join(group)})" for group in groups]
    return f"concat({','.join(parts)})"
