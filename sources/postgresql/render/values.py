r"""How each type becomes JSON: a value's SQL expression -> the SQL of its JSON text.

PostgreSQL does the rendering, so every value is exact; what is chosen here is only the form. The result of
every expression is text and never null: an SQL null is the JSON `null`.

A value that JSON cannot hold (NaN, an infinity, an empty range), that Elasticsearch would refuse under the
derived mapping, or that is over the size cap becomes `\x03null`. The mark cannot occur in JSON text, so the
reader counts the marks and removes them, and a row without them pays nothing.

A value never becomes structure: its text is either an escaped JSON string, or comes from the output function
of a built-in type, to which the value is cast, or was checked by a cast to JSON.

The forms depend on session settings which `statements.BEGIN` pins: TimeZone, DateStyle, IntervalStyle,
extra_float_digits, bytea_output.
"""

from collections.abc import Callable
from functools import partial

from sources.postgresql.catalog.types import FIRST_USER_OID, Attribute, Type, TypeKind
from sources.postgresql.quoting import identifier, json_string, literal
from sources.postgresql.render import extensions, json_columns, numbers, ranges
from sources.postgresql.render.names import member_names
from sources.postgresql.render.sql import NULLED, Rendering, built_in, capped, joined, or_null, type_name

_QUOTED = {
    "uuid", "date", "time", "timetz", "interval", "macaddr", "macaddr8", "bit", "varbit", "pg_lsn", "xid",
    "xid8",
}  # fmt: skip
"""Types whose text never needs an escape in JSON."""
_TEXTS = {"text", "varchar", "xml", "bpchar", "name"}
_LONGEST_REPEATED = 200
"""Characters of an expression that is not bound to a name; a reference to a column has at most 131."""
_LINE_FEED = literal("\n")
_FLOAT4 = Type(oid=700, schema="pg_catalog", name="float4", kind=TypeKind.BASE)


def json_text(expression: str, of: Attribute, rendering: Rendering) -> str:
    """Return the SQL text of the JSON of `expression`, an atom (a name, a call, something in parentheses)."""
    if of.is_not_null and of.type.base_name in numbers.WHOLE:
        return f"{built_in(expression, of.type)}::text"
    return _Renderer(rendering).render(expression, of.type, of.modifier)


class _Renderer:
    """The forms under one `Rendering`. `depth` keeps the aliases of nested sub-selects apart."""

    def __init__(self, rendering: Rendering) -> None:
        self._rendering = rendering
        self._depth = 0

    def render(self, value: str, of: Type, modifier: int = -1) -> str:
        if len(value) > _LONGEST_REPEATED:
            return self._bound(value, of, modifier)
        match of.kind:
            case TypeKind.DOMAIN:
                return self.render(f"({value}::{type_name(of.inner)})", of.inner, of.modifier)
            case TypeKind.ENUM:
                return or_null(f"to_json({value}::text)::text")
            case TypeKind.COMPOSITE:
                return self._capped(value, self._composite(value, of))
            case TypeKind.ARRAY:
                return self._capped(value, self._array(value, of, modifier))
            case TypeKind.RANGE:
                return ranges.range_text(value, of, self._rendering.server_version, self.render)
            case TypeKind.MULTIRANGE:
                return self._capped(value, self._multirange(value, of))
            case TypeKind.BASE | TypeKind.PSEUDO:
                return self._built_in(value, of, modifier) if of.base_name else self._other(value, of)

    def _bound(self, value: str, of: Type, modifier: int) -> str:
        """Evaluate a long expression once. A form may name its value twenty times, at every level anew."""
        self._depth += 1
        item = f"b{self._depth}"
        text = self.render(f"{item}.v", of, modifier)
        self._depth -= 1
        return f"(SELECT {text} FROM (SELECT {value} AS v OFFSET 0) AS {item})"

    def _built_in(self, value: str, of: Type, modifier: int) -> str:
        name, rendering = of.base_name, self._rendering
        if name in numbers.NAMES:
            return numbers.number_text(value, of, modifier, rendering)
        if name in _QUOTED:
            return or_null(f"'\"'||{built_in(value, of)}::text||'\"'")
        if name in _TEXTS:
            return self._text(value, of, modifier)
        match name:
            case "json":
                return json_columns.json_text(value, rendering)
            case "jsonb":
                return json_columns.jsonb_text(value, of, rendering)
            case "bytea":
                return self._bytea(value, of)
            case "cidr":
                return self._cidr(value, of)
            case "timestamp" | "timestamptz" | "inet":
                return or_null(f"to_json({value})::text")
            case _:
                return self._as_json(value, of)

    def _other(self, value: str, of: Type) -> str:
        """Render a type that did not come with the server."""
        if of.has_geojson and of.name in ("geometry", "geography"):
            return extensions.geometry_text(value, of, self._rendering)
        if of.name in extensions.VECTORS and self._rendering.is_mapped:
            return extensions.vector_text(value, of, self._rendering)
        if of.name in extensions.VECTORS:
            return self._array_by_element(extensions.single_precision(value), _FLOAT4, -1)
        if of.name == "hstore":
            return json_columns.hstore_text(value, of, self._rendering)
        if of.has_json_cast:
            return self._capped(value, json_columns.json_text(f"({value}::pg_catalog.json)", self._rendering))
        return self._as_json(value, of)

    def _as_json(self, value: str, of: Type) -> str:
        text = f"to_json({value})::text"
        if of.oid >= FIRST_USER_OID or of.kind is TypeKind.PSEUDO:
            text = f"translate({text},{literal(json_columns.BREAKS)},'   ')"
        return self._capped(value, or_null(text))

    def _text(self, value: str, of: Type, modifier: int) -> str:
        # The cast trims char(n). octet_length() reads a stored size without fetching the value.
        text = or_null(f"to_json({value}::text)::text")
        cap = self._rendering.max_value_bytes
        longest = 64 if of.name == "name" else (modifier - 4) * 4
        if (of.name == "name" or modifier > 4) and longest <= cap:
            return text
        return f"CASE WHEN octet_length({value}::text)>{cap} THEN {NULLED} ELSE {text} END"

    def _bytea(self, value: str, of: Type) -> str:
        value = built_in(value, of)
        text = or_null(rf"""'"'||translate(encode({value},'base64'),{_LINE_FEED},'')||'"'""")
        cap = self._rendering.max_value_bytes
        return f"CASE WHEN octet_length({value})>{cap} THEN {NULLED} ELSE {text} END"

    def _cidr(self, value: str, of: Type) -> str:
        """Render a network; Elasticsearch takes one of IPv4 addresses written as IPv6 by its ends only."""
        value = built_in(value, of)
        ends = f"""concat('{{"gte":"',host(network({value})),'","lte":"',host(broadcast({value})),'"}}')"""
        text = or_null(f"to_json({value})::text")
        return f"CASE WHEN {value}<<='::ffff:0:0/96'::inet THEN {ends} ELSE {text} END"

    def _composite(self, value: str, of: Type) -> str:
        parts = []
        names = member_names([member.name for member in of.attributes])
        for number, member in enumerate(of.attributes):
            opening = ("{" if number == 0 else ",") + json_string(names[member.name]) + ":"
            field = f"({value}).{identifier(member.name)}"
            parts.append(f"{literal(opening)}||{self.render(field, member.type, member.modifier)}")
        body = joined([*parts, "'}'"]) if parts else "'{}'"
        # Against the constant NULL this asks whether the whole is null; IS NULL would ask whether all members
        # are.
        return f"CASE WHEN {value} IS NOT DISTINCT FROM NULL THEN 'null' ELSE {body} END"

    def _array(self, value: str, of: Type, modifier: int) -> str:
        element = of.inner
        while element.kind is TypeKind.DOMAIN:
            modifier, element = element.modifier, element.inner
        if (native := self._native_array(element, modifier)) is not None:
            return or_null(native(f"{value}::{type_name(element)}[]" if element is not of.inner else value))
        return self._array_by_element(value, of.inner, modifier)

    def _native_array(self, element: Type, modifier: int) -> Callable[[str], str] | None:
        """Return how to_json() renders an array as we want it, nested to any depth; None if it does not."""
        if element.kind is TypeKind.ENUM or element.base_name in _NATIVE_ELEMENTS:
            return _same
        match element.base_name:
            case "oid":
                return partial(_cast, "int8")
            case "bpchar":
                return partial(_cast, "text")
            case "money":
                return partial(_numbers, "numeric")
            case "float4" | "float8" if self._rendering.is_mapped:
                return partial(_numbers, element.name)
            case "numeric" if numbers.is_short(modifier) and self._rendering.is_mapped:
                return partial(_numbers, "numeric")
            case _:
                return None

    def _array_by_element(self, value: str, element: Type, modifier: int) -> str:
        """Render element by element, each dimension a JSON array."""
        self._depth += 1
        item = f"u{self._depth}"
        flat = (
            f"(SELECT concat('[',string_agg({self.render(item + '.v', element, modifier)},','),']')"
            f" FROM (SELECT unnest({value}) AS v) AS {item})"
        )
        nested = [
            f"WHEN {count} THEN {self._nested(value, element, modifier, count)}" for count in range(2, 7)
        ]
        self._depth -= 1
        return (
            f"CASE WHEN {value} IS NULL THEN 'null' ELSE CASE COALESCE(array_ndims({value}),0)"
            f" WHEN 0 THEN '[]' WHEN 1 THEN {flat} {' '.join(nested)} END END"
        )

    def _nested(self, value: str, element: Type, modifier: int, dimensions: int) -> str:
        indexes = [f"i{self._depth}_{number}" for number in range(1, dimensions + 1)]
        text = self.render(f"({value}){''.join(f'[{index}]' for index in indexes)}", element, modifier)
        for number in range(dimensions, 0, -1):
            index = indexes[number - 1]
            text = (
                f"(SELECT concat('[',string_agg({text},',' ORDER BY {index}),']') FROM"
                f" generate_series(array_lower({value},{number}),array_upper({value},{number})) AS {index})"
            )
        return text

    def _multirange(self, value: str, of: Type) -> str:
        self._depth += 1
        item = f"u{self._depth}"
        text = self.render(f"{item}.v", of.inner)
        self._depth -= 1
        return (
            f"CASE WHEN {value} IS NULL THEN 'null' ELSE (SELECT concat('[',string_agg({text},','),']')"
            f" FROM (SELECT unnest({value}) AS v) AS {item}) END"
        )

    def _capped(self, value: str, text: str) -> str:
        return capped(value, text, self._rendering)


_NATIVE_ELEMENTS = {
    "int2", "int4", "int8", "bool", "text", "varchar", "name", "uuid", "date", "time", "timetz", "timestamp",
    "timestamptz", "interval", "macaddr", "macaddr8", "bit", "varbit", "inet", "jsonb", "xml",
}  # fmt: skip


def _same(value: str) -> str:
    return f"to_json({value})::text"


def _cast(to: str, value: str) -> str:
    return _same(f"{value}::pg_catalog.{to}[]")


def _numbers(of: str, value: str) -> str:
    """Replace the strings to_json() writes for NaN and infinities; an array of numbers has no others."""
    text = _cast(of, value)
    for name in ("NaN", "Infinity", "-Infinity"):
        quoted = f'"{name}"'
        text = f"replace({text},{literal(quoted)},{NULLED})"
    return text
