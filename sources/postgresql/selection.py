"""Which tables a configuration names: parsing `tables`, `schema` and `id_columns`. Pure.

album, artist           two tables, names exactly as PostgreSQL spells them *                       every
table of the schemas; views have to be named beside it sales.order             with several schemas, a table
of one of them (a table whose name has the dot comes first) "odd, name", "s"."t"    quoted as in SQL, when a
name has commas, dots, quotes or spaces at its ends
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

_PART = r'"(?:[^"]|"")*"'
_QUOTED_NAME = re.compile(rf"\s*({_PART})(?:\s*\.\s*({_PART}))?\s*")
_PLAIN_NAME = re.compile(r"[^,\"]*")
_KEY_COLUMNS = re.compile(
    rf"\s*((?:{_PART}\s*\.\s*)?{_PART}|[^,(\"]+?)\s*\(((?:{_PART}|[^()\"])*)\)\s*(?:[,;\n]|$)"
)


class SelectionError(ValueError):
    """A list of names cannot be read; the message completes the sentence `Tables …`."""


@dataclass(frozen=True, slots=True)
class Name:
    """A table as somebody wrote it."""

    name: str
    schema: str | None = None
    is_quoted: bool = False

    def __str__(self) -> str:
        return self.name if self.schema is None else f"{self.schema}.{self.name}"

    def candidates(self, schemas: Sequence[str]) -> list[tuple[str, str]]:
        """Return the (schema, table) pairs this may mean, the first existing one being meant."""
        if self.schema is not None:
            return [(self.schema, self.name)]
        pairs = [(schema, self.name) for schema in schemas]
        schema, dot, table = self.name.partition(".")
        if dot and not self.is_quoted and schema in schemas:
            pairs.append((schema, table))
        return pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to read: every table or not, the named relations, and the key columns given for some."""

    every_table: bool
    names: tuple[Name, ...]
    key_columns: Mapping[Name, tuple[str, ...]]

    @classmethod
    def of(cls, names: Sequence[Name], key_columns: Mapping[Name, tuple[str, ...]]) -> Self:
        """Divide the wildcard from the names, each of which counts once."""
        stars = [name for name in names if name == Name("*")]
        named = dict.fromkeys(name for name in names if name not in stars)
        return cls(every_table=bool(stars), names=tuple(named), key_columns=key_columns)


def parse_names(value: Any) -> list[Name]:
    """Read a list of names, or a text of names divided by commas. Raises SelectionError."""
    if isinstance(value, str):
        return list(_scan(value))
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [name for item in value for name in _scan(item)]
    raise SelectionError("must be names divided by commas")


def parse_key_columns(text: str) -> dict[Name, tuple[str, ...]]:
    """Read `table(column, column), table(column)`. Raises SelectionError."""
    found: dict[Name, tuple[str, ...]] = {}
    position = 0
    while position < len(text) and text[position:].strip():
        match = _KEY_COLUMNS.match(text, position)
        if match is None:
            raise SelectionError("must look like album_view(id), sales(shop, day)")
        tables, columns = parse_names(match[1]), parse_names(match[2])
        if len(tables) != 1 or not columns:
            raise SelectionError("must look like album_view(id), sales(shop, day)")
        found[tables[0]] = tuple(str(column) for column in columns)
        position = match.end()
    return found


def _scan(text: str) -> Sequence[Name]:
    names: list[Name] = []
    position = 0
    while position <= len(text):
        quoted = _QUOTED_NAME.match(text, position)
        if quoted is not None:
            first, second = quoted[1], quoted[2]
            name = Name(_unquoted(second or first), _unquoted(first) if second else None, is_quoted=True)
            position = quoted.end()
        else:
            plain = _PLAIN_NAME.findall(text, position)[0]  # it matches at least the empty text
            name = Name(plain.strip())
            position += len(plain)
        if position < len(text) and text[position] != ",":
            raise SelectionError(
                f'has a quotation mark out of place after {str(name)!r}; write " inside a name as ""'
            )
        if "\0" in str(name):
            raise SelectionError("has a NUL character in a name")
        if name.name:
            names.append(name)
        position += 1
    return names


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"')
