"""Types of PostgreSQL made at random, with values and what each value is in a document.

A model of its own: what is expected comes from how a value was made, not from how it is rendered.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import strategies as st

names = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from('."%, _aA'),
    min_size=1,
    max_size=12,
)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@dataclass(frozen=True)
class Value:
    """A value as SQL, and as it is in a document."""

    sql: str
    json: Any


@dataclass(frozen=True)
class Members:
    """An object of which the values are known, in this order, and not the names."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class SqlType:
    """A type: its name in SQL, the statements that make it, and its values."""

    name: str
    definitions: tuple[str, ...]
    values: st.SearchStrategy[Value]
    is_time: bool = False
    is_array: bool = False


def quoted(text: str, quote: str = '"') -> str:
    """Quote a name, or with `'` a text."""
    return quote + text.replace(quote, quote * 2) + quote


def _leaf(
    name: str, values: st.SearchStrategy[Any], json: Callable[[Any], Any], sql: Callable[[Any], str] = str
) -> SqlType:
    made = values.map(lambda value: Value(f"{quoted(sql(value), chr(39))}::{name}", json(value)))
    return SqlType(name, (), made, is_time=name.startswith("timestamp"))


def _same(value: Any) -> Any:
    return value


def _printed(moment: datetime) -> str:
    """A moment as PostgreSQL prints it: without zeros at the end of a fraction."""
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment.replace(microsecond=0, tzinfo=None).isoformat()}{fraction}+00:00"


def _dumped(value: Any) -> str:
    return orjson.dumps(value).decode()


json_values = st.recursive(
    st.none() | texts | st.booleans() | st.integers(-9, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
LEAVES = [
    _leaf("pg_catalog.int4", st.integers(-(2**31), 2**31 - 1), _same),
    _leaf("pg_catalog.int8", st.integers(-(2**63), 2**63 - 1), _same),
    _leaf("pg_catalog.bool", st.booleans(), _same),
    _leaf("pg_catalog.text", texts, _same),
    _leaf("pg_catalog.bpchar", texts, lambda text: text.rstrip(" ")),
    _leaf("pg_catalog.float8", st.floats(-1e16, 1e16).map(lambda number: number + 0.0), _same, repr),
    _leaf("pg_catalog.numeric", st.decimals(-(10**9), 10**9, places=3), float),
    _leaf("pg_catalog.date", st.dates(), lambda day: day.isoformat()),
    _leaf("pg_catalog.timestamptz", moments, _printed, lambda moment: moment.isoformat()),
    _leaf("pg_catalog.uuid", st.uuids(), str),
    _leaf("pg_catalog.jsonb", json_values, _same, _dumped),
]  # fmt: skip


@dataclass
class Types:
    """Draws types no deeper than asked for, each with a name of its own."""

    draw: Callable[[st.SearchStrategy[Any]], Any]
    schema: str
    count: int = 0

    def some(self, depth: int) -> SqlType:
        """Draw a type that consists of others down to this depth."""
        if depth == 0:
            return self._enum() if self.draw(st.integers(0, 5)) == 0 else self.draw(st.sampled_from(LEAVES))
        kind = self.draw(st.sampled_from([self._domain, self._array, self._composite, self._range]))
        made: SqlType = kind(depth - 1)
        return made

    def _name(self) -> str:
        self.count += 1
        return f"{quoted(self.schema)}.{quoted(f'{self.draw(names)}{self.count}')}"

    def _enum(self) -> SqlType:
        name, labels = self._name(), self.draw(st.lists(names, min_size=1, max_size=3, unique=True))
        values = st.sampled_from(labels).map(lambda label: Value(f"{quoted(label, chr(39))}::{name}", label))
        listed = ", ".join(quoted(label, "'") for label in labels)
        return SqlType(name, (f"CREATE TYPE {name} AS ENUM ({listed})",), values)

    def _domain(self, depth: int) -> SqlType:
        base, name = self.some(depth), self._name()
        values = base.values.map(lambda value: Value(f"({value.sql})::{name}", value.json))
        return SqlType(name, (*base.definitions, f"CREATE DOMAIN {name} AS {base.name}"), values)

    def _array(self, depth: int) -> SqlType:
        element = self.some(depth)
        while element.is_array:  # an array of arrays is an array of more dimensions
            element = self.some(depth)
        name = f"{element.name}[]"
        items = st.none() | element.values
        flat = st.lists(items, max_size=3)
        nested = st.lists(st.tuples(items, items), min_size=1, max_size=2)
        return SqlType(
            name,
            element.definitions,
            flat.map(lambda values: _array_of(name, values))
            | nested.map(lambda rows: _array_of(name, [_array_of(name, row) for row in rows])),
            is_array=True,
        )

    def _composite(self, depth: int) -> SqlType:
        members = [self.some(depth) for _ in range(self.draw(st.integers(1, 3)))]
        name, called = self._name(), self.draw(
            st.lists(names, min_size=len(members), max_size=len(members), unique=True)
        )  # fmt: skip
        listed = ", ".join(f"{quoted(n)} {m.name}" for n, m in zip(called, members, strict=True))
        values = st.tuples(*(st.none() | member.values for member in members)).map(
            lambda parts: Value(
                f"ROW({', '.join('NULL' if part is None else part.sql for part in parts)})::{name}",
                Members(tuple(None if part is None else part.json for part in parts)),
            )
        )
        definitions = tuple(statement for member in members for statement in member.definitions)
        return SqlType(name, (*dict.fromkeys(definitions), f"CREATE TYPE {name} AS ({listed})"), values)

    def _range(self, depth: int) -> SqlType:
        subtype, name, multi = self.some(depth), self._name(), self._name()
        definition = f"CREATE TYPE {name} AS RANGE (subtype = {subtype.name}, multirange_type_name = {multi})"

        def made(value: Value, is_open: bool) -> Value:
            bound = _with_fraction(value.json) if subtype.is_time else value.json
            if is_open:
                return Value(f"{name}({value.sql}, NULL, '()')", {"gt": bound})
            return Value(f"{name}({value.sql}, {value.sql}, '[]')", {"gte": bound, "lte": bound})

        values = st.builds(made, subtype.values, st.booleans())
        definitions = (*subtype.definitions, definition)
        if self.draw(st.booleans()):
            many = values.map(lambda value: Value(f"{multi}({value.sql})", [value.json]))
            return SqlType(multi, definitions, many)
        return SqlType(name, definitions, values)


def _array_of(name: str, values: Any) -> Value:
    parts = ", ".join("NULL" if value is None else value.sql for value in values)
    return Value(f"ARRAY[{parts}]::{name}", [None if value is None else value.json for value in values])


def _with_fraction(moment: str) -> str:
    return moment if "." in moment else moment.replace("+00:00", ".000+00:00")


def agrees(expected: Any, found: Any) -> bool:
    """Whether a document's value is what was expected, numbers being compared as doubles."""
    match expected:
        case Members(values):
            return isinstance(found, dict) and agrees(list(values), list(found.values()))
        case dict():
            return (
                isinstance(found, dict)
                and expected.keys() == found.keys()
                and all(agrees(value, found[name]) for name, value in expected.items())
            )
        case list():
            return (
                isinstance(found, list)
                and len(expected) == len(found)
                and all(agrees(one, other) for one, other in zip(expected, found, strict=True))
            )
        case bool() | None | str():
            return type(expected) is type(found) and bool(expected == found)
        case _:
            is_number = isinstance(found, int | float | Decimal) and not isinstance(found, bool)
            return is_number and float(expected) == float(found)


@dataclass(frozen=True)
class Table:
    """A table in a schema of its own: its script, and the values of each row's columns after the key."""

    schema: str
    name: str
    script: str
    rows: tuple[tuple[Any, ...], ...]

    def mismatches(self, documents: dict[int, list[Any]]) -> Iterator[str]:
        """Say what is not in the documents as it is in the table; by key, a document's values in order."""
        for key, row in enumerate(self.rows):
            found = documents.get(key)
            if found is None or len(found) != len(row):
                yield f"row {key}: {found} for {row}"
                continue
            yield from (f"{one!r} became {other!r}" for one, other in zip(row, found, strict=True)
                        if not agrees(one, other))  # fmt: skip


@st.composite
def tables(draw: Callable[[st.SearchStrategy[Any]], Any], depth: int = 3) -> Table:
    """Draw a table of types as deep as that, with a few rows."""
    schema, name = f"s{draw(names)}", draw(names)
    types = Types(draw, schema)
    columns = [types.some(draw(st.integers(0, depth))) for _ in range(draw(st.integers(1, 3)))]
    called = draw(
        st.lists(
            names.filter(lambda n: n != "key"), min_size=len(columns), max_size=len(columns), unique=True
        )
    )
    count = draw(st.integers(1, 3))
    rows = [[draw(st.none() | column.values) for column in columns] for _ in range(count)]
    statements = [statement for column in columns for statement in column.definitions]
    table = f"{quoted(schema)}.{quoted(name)}"
    listed = "".join(f", {quoted(n)} {column.name}" for n, column in zip(called, columns, strict=True))
    inserts = [
        f"INSERT INTO {table} VALUES ({key}{''.join(', NULL' if v is None else f', {v.sql}' for v in row)})"
        for key, row in enumerate(rows)
    ]
    script = [
        f"CREATE SCHEMA {quoted(schema)}", *dict.fromkeys(statements),
        f"CREATE TABLE {table} (key int PRIMARY KEY{listed})", *inserts,
    ]  # fmt: skip
    made = tuple(tuple(None if value is None else value.json for value in row) for row in rows)
    return Table(schema, name, ";\n".join(script), made)
