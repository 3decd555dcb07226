"""Which tables a configuration names: parsing `tables`, `schema` and `id_columns`. Pure.

    album, artist      two tables, names exactly as PostgreSQL spells them
    *                  every table of the schemas; views have to be named beside it
    sales.order        with several schemas, a table of one of them; one whose name has the dot comes first
    "odd, name"        quoted as in SQL, when a name has commas, dots, quotes or spaces at its ends
    "s"."t"            likewise, with its schema
    !audit_*           without every table whose name begins so, whatever else the list says
    !s.audit, !"a*"    without one table; a star in quotes is a star

Every pattern matches in one pass: its repetitions are possessive, so that no text makes it try twice.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

LONGEST_LIST = 1_000_000
"""Characters a list may have."""
MOST_NAMES = 20_000
"""Names a list may have."""
MOST_PATTERNS = 100
"""Names with a star it may leave out; each is compared with every table."""

_PART = r'"(?:[^"]++|"")*+"'
_QUOTED_NAME = re.compile(rf"({_PART})(?:\s*+\.\s*+({_PART}))?+\s*+")
_PLAIN_NAME = re.compile(r"[^,\"]*+")
_BLANKS = re.compile(r"\s*+")
_TABLE_OF_KEY = re.compile(rf"((?:{_PART}\s*+\.\s*+)?+{_PART}\s*+|[^,(\"]++)\(")
_COLUMNS_OF_KEY = re.compile(rf"((?:{_PART}|[^()\"]++)*+)\)")
_KEY_FORM = "must look like album_view(id), sales(shop, day)"


class SelectionError(ValueError):
    """A list of names cannot be read; the message completes the sentence `Tables …`."""


@dataclass(frozen=True, slots=True)
class Name:
    """A table as somebody wrote it."""

    name: str
    schema: str | None = None
    is_quoted: bool = False
    is_excluded: bool = False

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

    @property
    def is_pattern(self) -> bool:
        """Whether a star in it stands for any text."""
        return self.is_excluded and not self.is_quoted and "*" in self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to read: every table or not, the named relations, and the key columns given for some."""

    every_table: bool
    names: tuple[Name, ...]
    key_columns: Mapping[Name, tuple[str, ...]]
    excluded: tuple[Name, ...] = ()

    @classmethod
    def of(cls, names: Sequence[Name], key_columns: Mapping[Name, tuple[str, ...]]) -> Self:
        """Divide the wildcard, the names and the exclusions, each of which counts once."""
        named = dict.fromkeys(name for name in names if not name.is_excluded)
        every_table = named.pop(Name("*"), ...) is None
        return cls(
            every_table=every_table,
            names=tuple(named),
            key_columns=key_columns,
            excluded=tuple(dict.fromkeys(name for name in names if name.is_excluded)),
        )


def parse_names(value: Any) -> list[Name]:
    """Read a list of names, or a text of names divided by commas. Raises SelectionError."""
    if isinstance(value, str):
        texts = [value]
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        texts = value
    else:
        raise SelectionError("must be names divided by commas")
    _require_short(sum(len(text) for text in texts))
    names: list[Name] = []
    _require_few(len(texts) + sum(text.count(",") for text in texts))
    for text in texts:
        names += _scan(text)
    if sum(name.is_pattern for name in names) > MOST_PATTERNS:
        raise SelectionError(f"leaves out more than {MOST_PATTERNS} patterns")
    return names


def parse_key_columns(text: str) -> dict[Name, tuple[str, ...]]:
    """Read `table(column, column), table(column)`. Raises SelectionError."""
    _require_short(len(text))
    _require_few(text.count("(") + text.count(","))
    found: dict[Name, tuple[str, ...]] = {}
    position = _after_blanks(text, 0)
    while position < len(text):
        table = _TABLE_OF_KEY.match(text, position)
        columns = _COLUMNS_OF_KEY.match(text, table.end()) if table else None
        if table is None or columns is None:
            raise SelectionError(_KEY_FORM)
        names, keys = _scan(table[1]), _scan(columns[1])
        if len(names) != 1 or names[0].is_excluded or not keys:
            raise SelectionError(_KEY_FORM)
        found[names[0]] = tuple(str(column) for column in keys)
        position = _after_divider(text, columns.end())
    return found


def matches(pattern: str, name: str) -> bool:
    """Say whether a name is what a pattern with stars describes: its pieces, in order, both ends held."""
    first, *others = pattern.split("*")
    if not others:
        return name == pattern
    *inner, last = others
    if len(name) < len(first) + len(last) or not (name.startswith(first) and name.endswith(last)):
        return False
    position, end = len(first), len(name) - len(last)
    for piece in inner:
        found = name.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What is left out, looked up without trying every name for every table."""

    pairs: frozenset[tuple[str, str]]
    patterns: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, names: Iterable[Name], schemas: Sequence[str]) -> Self:
        """Resolve names and patterns against the schemas."""
        pairs: list[tuple[str, str]] = []
        patterns: list[tuple[str, str]] = []
        for name in names:
            (patterns if name.is_pattern else pairs).extend(name.candidates(schemas))
        return cls(frozenset(pairs), tuple(patterns))

    def cover(self, schema: str, table: str) -> bool:
        """Say whether a table is left out."""
        return (schema, table) in self.pairs or any(
            schema == schema_of and matches(pattern, table) for schema_of, pattern in self.patterns
        )


def _scan(text: str) -> list[Name]:
    names: list[Name] = []
    position = 0
    while position <= len(text):
        name, position = _name_at(text, position)
        if position < len(text) and text[position] != ",":
            raise SelectionError(
                f'has a quotation mark out of place after {str(name)[:80]!r}; write " inside a name as ""'
            )
        if "\0" in str(name):
            raise SelectionError("has a NUL character in a name")
        if name.name:
            names.append(name)
        elif name.is_excluded:
            raise SelectionError("has an exclamation mark without a name after it")
        position += 1
    return names


def _name_at(text: str, start: int) -> tuple[Name, int]:
    """Read the name that begins at a place, and say where it ends."""
    position = _after_blanks(text, start)
    is_excluded = text.startswith("!", position)
    if is_excluded:
        position = _after_blanks(text, position + 1)
    if quoted := _QUOTED_NAME.match(text, position):
        first, second = quoted[1], quoted[2]
        name = Name(
            _unquoted(second or first), _unquoted(first) if second else None, True, is_excluded=is_excluded
        )
        return name, quoted.end()
    plain = _PLAIN_NAME.match(text, position)
    end = plain.end() if plain else position
    return Name(text[position:end].strip(), is_excluded=is_excluded), end


def _after_blanks(text: str, position: int) -> int:
    blanks = _BLANKS.match(text, position)
    return blanks.end() if blanks else position


def _after_divider(text: str, position: int) -> int:
    """Pass the comma, semicolon or line break after an entry. Raises SelectionError if there is none."""
    end = _after_blanks(text, position)
    if end < len(text) and text[end] in ",;":
        return _after_blanks(text, end + 1)
    if end < len(text) and "\n" not in text[position:end]:
        raise SelectionError(_KEY_FORM)
    return end


def _require_short(length: int) -> None:
    if length > LONGEST_LIST:
        raise SelectionError(f"is longer than {LONGEST_LIST:,} characters")


def _require_few(count: int) -> None:
    if count > MOST_NAMES:
        raise SelectionError(f"has more than {MOST_NAMES:,} names")


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"')
