"""`_cat/indices`: the indices as a table of text, or as JSON with the same columns."""

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.api import targets
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Index
from sandbox.elasticsearch.mapping import dates
from sandbox.elasticsearch.security import IndexPrivilege

HEALTHS = ("green", "yellow", "red")
UNITS = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
Value = str | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its short names, what it says, and its value for an index."""

    name: str
    aliases: tuple[str, ...]
    description: str
    value: Callable[[Index], Value]
    is_size: bool = False
    is_default: bool = True


def _stored(index: Index) -> int | None:
    return None if index.is_closed else index.stored_bytes()


def _setting(name: str) -> Callable[[Index], Value]:
    return lambda index: int(index.settings.values.get(name, "1"))


COLUMNS = (
    Column("health", ("h",), "current health status", lambda index: "green"),
    Column("status", ("s",), "open/close status", lambda index: "close" if index.is_closed else "open"),
    Column("index", ("i", "idx"), "index name", lambda index: index.name),
    Column("uuid", ("id",), "index uuid", lambda index: index.uuid),
    Column("pri", ("p", "shards.primary", "shardsPrimary"), "primary shards", _setting("number_of_shards")),
    Column("rep", ("r", "shards.replica", "shardsReplica"), "replica shards", _setting("number_of_replicas")),
    Column(
        "docs.count",
        ("dc", "docsCount"),
        "available docs",
        lambda index: None if index.is_closed else len(index),
    ),
    Column(
        "docs.deleted", ("dd", "docsDeleted"), "deleted docs", lambda index: None if index.is_closed else 0
    ),
    Column(
        "creation.date",
        ("cd",),
        "index creation date (millisecond value)",
        lambda index: index.created_at_milliseconds,
        is_default=False,
    ),
    Column(
        "creation.date.string",
        ("cds",),
        "index creation date (as string)",
        lambda index: dates.iso(index.created_at_milliseconds),
        is_default=False,
    ),
    Column("store.size", ("ss", "storeSize"), "store size of primaries & replicas", _stored, is_size=True),
    Column("pri.store.size", (), "store size of primaries", _stored, is_size=True),
    Column("dataset.size", (), "total size of dataset", _stored, is_size=True),
)
BY_NAME = {name: column for column in COLUMNS for name in (column.name, *column.aliases)}


def indices(request: Request) -> Answer:
    """The list of indices."""
    if request.flag("help"):
        return _text(
            [[column.name, ",".join(column.aliases), column.description] for column in COLUMNS], " | "
        )
    found = targets.named(request, expand_wildcards="open,closed")
    health = request.query.get("health")
    if health is not None and health.lower() not in HEALTHS:
        raise errors.illegal_argument(f"unknown cluster health status [{health}]")
    if health not in (None, "green"):
        found = []
    columns = _columns(request)
    rows = [
        [_shown(column, column.value(index), request.query.get("bytes")) for _, column in columns]
        for index in _sorted(found, request.names("s"))
    ]
    headers = [header for header, _ in columns]
    if request.query.get("format") == "json":
        return Answer([dict(zip(headers, row, strict=True)) for row in rows])
    lines = [[cell or "" for cell in row] for row in rows]
    right = [_is_number(column) for _, column in columns]
    return _text([headers, *lines] if request.flag("v") else lines, " ", right)


def _columns(request: Request) -> list[tuple[str, Column]]:
    """The columns asked for, by name, short name or pattern; unknown ones are skipped."""
    wanted = request.names("h")
    if not wanted:
        return [(column.name, column) for column in COLUMNS if column.is_default]
    chosen: dict[str, Column] = {}
    for name in wanted:
        if name in BY_NAME:
            chosen[name] = BY_NAME[name]
        elif "*" in name:
            chosen.update({one.name: one for one in COLUMNS if fnmatch.fnmatchcase(one.name, name)})
    return list(chosen.items())


def _sorted(found: Sequence[Index], keys: Sequence[str]) -> list[Index]:
    ordered = sorted(found, key=lambda index: index.name)
    for key in reversed(keys):
        name, _, direction = key.partition(":")
        if name not in BY_NAME or direction not in ("", "asc", "desc"):
            raise errors.illegal_argument(f"Unable to sort by unknown sort key `{key}`")
        ordered.sort(key=_sort_key(BY_NAME[name]), reverse=direction == "desc")
    return ordered


def _sort_key(column: Column) -> Callable[[Index], tuple[bool, Any]]:
    def key(index: Index) -> tuple[bool, Any]:
        value = column.value(index)
        return value is not None, 0 if value is None else value

    return key


def _shown(column: Column, value: Value, unit: str | None) -> str | None:
    if value is None or not column.is_size:
        return None if value is None else str(value)
    size = int(value)
    if unit in UNITS:
        return str(size // UNITS[unit])
    name, factor = next((pair for pair in reversed(UNITS.items()) if size >= pair[1]), ("b", 1))
    return f"{size * 10 // factor / 10:g}{name}"


def _is_number(column: Column) -> bool:
    return column.is_size or column.name in ("pri", "rep", "docs.count", "docs.deleted", "creation.date")


def _text(lines: list[list[str]], separator: str, right: Sequence[bool] = ()) -> Answer:
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    text = ""
    for line in lines:
        cells = [
            cell.rjust(width) if number < len(right) and right[number] else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text += separator.join(cells).rstrip() + "\n"
    return Answer(text.encode(), headers={"Content-Type": "text/plain; charset=UTF-8"})


CAT = IndexPrivilege("monitor", "indices:monitor/stats")
PARAMETERS = targets.READ_PARAMETERS | {
    "bytes",
    "h",
    "health",
    "help",
    "include_unloaded_segments",
    "local",
    "master_timeout",
    "pri",
    "s",
    "time",
    "v",
}

ROUTES = [
    Route("GET", "/_cat/indices", indices, PARAMETERS, Body.NONE, CAT),
    Route("GET", "/_cat/indices/{index}", indices, PARAMETERS, Body.NONE, CAT),
]
