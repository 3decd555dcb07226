"""A document as a search looks at it: values by field path, typed by the mapping."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from sandbox.elasticsearch.indices import Document, Index
from sandbox.elasticsearch.mapping import Field, dates
from sandbox.elasticsearch.mapping.fields import (
    DATES,
    INTEGER_RANGES,
    NUMBER_TEXT,
    NUMERIC,
    TEXTUAL,
    parsed_date,
)

CONTAINERS = frozenset({dict, list})
WORD = re.compile(r"\w+(?:['’]\w+)*")


class Candidate:
    """A document under consideration; its source is read when first needed."""

    __slots__ = ("_parsed", "document", "index", "position")

    def __init__(self, index: Index, document: Document, position: int) -> None:
        self.index = index
        self.document = document
        self.position = position
        self._parsed: dict[str, Any] | None = None

    @property
    def source(self) -> dict[str, Any]:
        """The parsed source."""
        if self._parsed is None:
            self._parsed = orjson.loads(self.document.source)
        return self._parsed

    def raw(self, path: str) -> list[Any]:
        """Every value at a path, through objects and arrays, without nulls."""
        return list(_walk(self.source, path))

    def values(self, field: Field) -> list[Any]:
        """The values of a field as doc values hold them: dates in milliseconds, numbers as numbers."""
        raw = self.at(field)
        if type(raw) not in CONTAINERS:
            typed = typed_value(field, raw)
            return [] if typed is None else [typed]
        return [typed for value in _walk(raw, "") if (typed := typed_value(field, value)) is not None]

    def has(self, field: Field) -> bool:
        """Whether the field has any value here; quicker than reading them."""
        raw = self.at(field)
        if type(raw) not in CONTAINERS:
            return _is_value(field, raw)
        return any(_is_value(field, value) for value in _walk(raw, ""))

    def at(self, field: Field) -> Any:
        """What stands in the source where the field has its values."""
        source = self._parsed
        if source is None:
            source = self.source
        path = field.path
        if "." not in path:
            return source.get(path)
        return list(_walk(source, _source_path(self.index, field)))


def typed_value(field: Field, value: Any) -> Any:
    """One value as a field of this type holds it; None if it does not fit."""
    if value is None:
        return None
    read: Callable[[Field, Any], Any] = TYPED.get(field.type, _term)
    return read(field, value)


def _is_value(field: Field, value: Any) -> bool:
    if field.type in DATES and isinstance(value, str):
        return dates.is_valid(value, field.format)
    return typed_value(field, value) is not None


def tokens(text: str) -> list[str]:
    """The terms the standard analyzer makes of a text."""
    return [word.lower() for word in WORD.findall(text)]


def is_analyzed(field: Field) -> bool:
    """Whether the field holds terms of a text instead of the text."""
    return field.type in TEXTUAL


def _source_path(index: Index, field: Field) -> str:
    """Where in the source the values of a field are: a multi-field has those of its parent."""
    path = field.path
    parent, _, _ = path.rpartition(".")
    if parent:
        above = index.mapping.field(parent)
        if above is not None and not above.is_object:
            return parent
    return path


def _walk(node: Any, path: str) -> Iterator[Any]:
    if isinstance(node, list):
        for element in node:
            yield from _walk(element, path)
        return
    if not path:
        if node is not None:
            yield node
        return
    if not isinstance(node, dict):
        return
    if path in node:
        yield from _walk(node[path], "")
        return
    # A dotted path may be nested objects, keys with dots in them, or both.
    head, dot, rest = path.partition(".")
    while dot:
        if head in node:
            yield from _walk(node[head], rest)
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"


def _number(field: Field, value: Any) -> Any:
    if type(value) is int:
        return value
    if isinstance(value, str):
        if NUMBER_TEXT.fullmatch(value) is None:
            return None
        value = float(value) if not value.lstrip("+-").isdigit() else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if field.type in INTEGER_RANGES and isinstance(value, float):
        return int(value) if abs(value) < float("inf") else None
    return value


def _boolean(field: Field, value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "": False}.get(value) if isinstance(value, str) else None


def _term(field: Field, value: Any) -> str | None:
    if isinstance(value, dict):
        return None
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    parameters = field.parameters
    limit = parameters.get("ignore_above")
    if limit is not None and len(text) > int(limit):
        return None
    return text.lower() if parameters.get("normalizer") == "lowercase" else text


TYPED: Mapping[str, Callable[[Field, Any], Any]] = {
    **dict.fromkeys(DATES, parsed_date),
    **dict.fromkeys(NUMERIC, _number),
    "boolean": _boolean,
}
"""How values are read by the type of their field; every other type holds terms."""
