r"""How each type becomes JSON: a value's SQL expression -> the SQL of its JSON text.

PostgreSQL does the rendering, so every value is exact; what is chosen here is only the form. The result of
every expression is text and never null: an SQL null is the JSON `null`.

A value that JSON cannot hold (NaN, an infinity, an empty range) or that is over the size cap becomes
`\x03null`. The mark cannot occur in JSON text, so the reader counts the marks and removes them, and a row
without them pays nothing.

The forms depend on session settings which `statements.BEGIN` pins: TimeZone, DateStyle, IntervalStyle,
extra_float_digits, bytea_output.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sources.postgresql.catalog.types import FIRST_USER_OID, Attribute, Type, TypeKind
from sources.postgresql.quoting import identifier, json_string, literal, qualified

NULLED = "\x03null"
NULL_MARK = b"\x03"

FUNCTION_ARGUMENTS = 96
"""How many arguments we give one function; PostgreSQL allows 100."""

_MAY_BE_LARGE_BYTES = 2048
"""Stored size from which a value that is not plain text is measured before it is sent. Smaller ones cannot be
large: compression saves at most a factor of 255.
"""

_NUMBERS = {"int2", "int4", "int8", "oid", "bool"}
_QUOTED = {
    "uuid", "date", "time", "timetz", "interval", "macaddr", "macaddr8", "bit", "varbit", "pg_lsn", "xid",
    "xid8",
}  # fmt: skip
"""Types whose text never needs an escape in JSON."""
_TIMES = {"date", "timestamp", "timestamptz"}
_VECTORS = {"vector", "halfvec"}

_BREAKS = "\n\r\t"
_LINE_FEED = "\n"
_BACKSLASH = "\\"
_MASK = "\x01"
_LONE_SURROGATE = (
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What the form of a value depends on besides its type."""

    server_version: int
    """The server's major version."""
    max_value_bytes: int
    """Larger values become null and are counted."""


def json_text(expression: str, of: Attribute, rendering: Rendering) -> str:
    """Return the SQL text of the JSON of `expression`, an atom (a name, a call, something in parentheses)."""
    if of.is_not_null and of.type.base_name in _NUMBERS:
        return f"{expression}::text"
    return _Renderer(rendering).render(expression, of.type, of.modifier)


def joined(parts: list[str]) -> str:
    """Return the SQL that concatenates the parts, however many; a null part counts as empty."""
    while len(parts) > FUNCTION_ARGUMENTS:
        groups = [parts[i : i + FUNCTION_ARGUMENTS] for i in range(0, len(parts), FUNCTION_ARGUMENTS)]
        parts = [f"concat({','.join(group)})" for group in groups]
    return f"concat({','.join(parts)})"


class _Renderer:
    """The forms under one `Rendering`. `depth` keeps the aliases of nested sub-selects apart."""

    def __init__(self, rendering: Rendering) -> None:
        self._version = rendering.server_version
        self._cap = rendering.max_value_bytes
        self._depth = 0

    def render(self, value: str, of: Type, modifier: int = -1) -> str:
        match of.kind:
            case TypeKind.DOMAIN:
                return self.render(f"({value}::{type_name(of.inner)})", of.inner, of.modifier)
            case TypeKind.ENUM:
                return _or_null(f"to_json({value}::text)::text")
            case TypeKind.COMPOSITE:
                return self._capped(value, self._composite(value, of))
            case TypeKind.ARRAY:
                return self._capped(value, self._array(value, of))
            case TypeKind.RANGE:
                return self._range(value, of)
            case TypeKind.MULTIRANGE:
                return self._capped(value, self._multirange(value, of))
            case TypeKind.BASE | TypeKind.PSEUDO:
                return self._base(value, of, modifier)

    def _base(self, value: str, of: Type, modifier: int) -> str:
        name = of.base_name
        if name in _NUMBERS:
            return _or_null(f"{value}::text")
        if name in _QUOTED:
            return _or_null(f"'\"'||{value}::text||'\"'")
        if name in ("timestamp", "timestamptz", "inet", "cidr"):
            return _or_null(f"to_json({value})::text")
        render = {
            "text": self._text,
            "varchar": self._text,
            "xml": self._text,
            "bpchar": self._text,
            "name": self._text,
            "float4": self._float,
            "float8": self._float,
            "numeric": self._numeric,
            "money": self._money,
            "bytea": self._bytea,
            "json": self._json,
            "jsonb": self._jsonb,
            "point": self._point,
        }.get(name, self._other)
        return render(value, of, modifier)

    def _text(self, value: str, of: Type, modifier: int) -> str:
        # The cast trims char(n). octet_length() reads a stored size without fetching the value.
        text = _or_null(f"to_json({value}::text)::text")
        longest = 64 if of.name == "name" else (modifier - 4) * 4
        if (of.name == "name" or modifier > 4) and longest <= self._cap:
            return text
        return f"CASE WHEN octet_length({value}::text)>{self._cap} THEN {_NULLED} ELSE {text} END"

    def _float(self, value: str, of: Type, modifier: int) -> str:
        # NaN sorts above infinity, so two comparisons exclude all three.
        return _finite(value, f"{value}>'-Infinity' AND {value}<'Infinity'")

    def _numeric(self, value: str, of: Type, modifier: int) -> str:
        if (
            modifier > 0 or self._version < 14
        ):  # a declared precision admits no infinity, older servers know none
            return _finite(value, f"{value}<>'NaN'")
        return _finite(value, f"{value}>'-Infinity' AND {value}<'Infinity'")

    def _money(self, value: str, of: Type, modifier: int) -> str:
        return _or_null(f"{value}::numeric::text")

    def _bytea(self, value: str, of: Type, modifier: int) -> str:
        text = _or_null(rf"""'"'||translate(encode({value},'base64'),{literal(_LINE_FEED)},'')||'"'""")
        return f"CASE WHEN octet_length({value})>{self._cap} THEN {_NULLED} ELSE {text} END"

    def _jsonb(self, value: str, of: Type, modifier: int) -> str:
        return self._capped(value, _or_null(f"{value}::text"))

    def _json(self, value: str, of: Type, modifier: int) -> str:
        """Keep the text, but make line breaks harmless, replace lone surrogates and resolve duplicate keys.

        Control characters inside strings are not valid JSON, so those that occur are white space between
        tokens. Duplicate keys, which Elasticsearch refuses, are resolved as jsonb does (the last one counts)
        where the server can test for them without raising an error, which is from version 16 on.
        """
        text = f"translate({value}::text,{literal(_BREAKS)},'   ')"
        if self._version < 16:
            has_escape = f"strpos({value}::text,{literal(_BACKSLASH + 'u')})>0"
            clean = f"CASE WHEN {has_escape} THEN {_unmasked(_repaired(text))} ELSE {text} END"
        else:
            repaired = _unmasked(_repaired(text))
            # The server's strict parser refuses an escaped NUL, JSON and Elasticsearch do not.
            tested = _unmasked(f"replace({_repaired(text)},{literal(_BACKSLASH + 'u0000')},'0')")
            clean = (
                f"CASE WHEN {value} IS NULL THEN NULL WHEN {value} IS JSON WITH UNIQUE KEYS THEN {text}"
                f" WHEN {tested} IS JSON WITH UNIQUE KEYS THEN {repaired}"
                f" WHEN pg_input_is_valid({repaired},'jsonb') THEN {repaired}::jsonb::text ELSE {_NULLED} END"
            )
        body = _or_null(clean)
        return f"CASE WHEN octet_length({value}::text)>{self._cap} THEN {_NULLED} ELSE {body} END"

    def _point(self, value: str, of: Type, modifier: int) -> str:
        longitude, latitude = f"({value})[0]", f"({value})[1]"
        is_finite = " AND ".join(
            f"{part}>'-Infinity' AND {part}<'Infinity'" for part in (longitude, latitude)
        )
        return _finite(value, is_finite, f"""concat('{{"lat":',{latitude},',"lon":',{longitude},'}}')""")

    def _other(self, value: str, of: Type, modifier: int) -> str:
        if of.name in _VECTORS:
            return self._capped(value, _or_null(f"{value}::text"))
        # to_json() uses a cast to json if the type has one: hstore becomes an object, geometry GeoJSON.
        text = f"to_json({value})::text"
        if of.oid >= FIRST_USER_OID or of.kind is TypeKind.PSEUDO:
            text = f"translate({text},{literal(_BREAKS)},'   ')"
        return self._capped(value, _or_null(text))

    def _composite(self, value: str, of: Type) -> str:
        parts = []
        for number, member in enumerate(of.attributes):
            opening = ("{" if number == 0 else ",") + json_string(member.name) + ":"
            field = f"({value}).{identifier(member.name)}"
            parts.append(f"{literal(opening)}||{self.render(field, member.type, member.modifier)}")
        body = joined([*parts, "'}'"]) if parts else "'{}'"
        # Against the constant NULL this asks whether the whole is null; IS NULL would ask whether all members
        # are.
        return f"CASE WHEN {value} IS NOT DISTINCT FROM NULL THEN 'null' ELSE {body} END"

    def _array(self, value: str, of: Type) -> str:
        element = of.inner
        while element.kind is TypeKind.DOMAIN:
            element = element.inner
        native = _NATIVE_ARRAYS.get(element.base_name)
        if element.kind is TypeKind.ENUM:
            native = _same
        if native is not None:
            return _or_null(native(f"{value}::{type_name(element)}[]" if element is not of.inner else value))
        return self._array_by_element(value, of)

    def _array_by_element(self, value: str, of: Type) -> str:
        """Render element by element, each dimension a JSON array."""
        self._depth += 1
        item = f"u{self._depth}"
        flat = (
            f"(SELECT concat('[',string_agg({self.render(item + '.v', of.inner)},','),']')"
            f" FROM (SELECT unnest({value}) AS v) AS {item})"
        )
        nested = [f"WHEN {count} THEN {self._nested(value, of.inner, count)}" for count in range(2, 7)]
        self._depth -= 1
        return (
            f"CASE WHEN {value} IS NULL THEN 'null' ELSE CASE COALESCE(array_ndims({value}),0)"
            f" WHEN 0 THEN '[]' WHEN 1 THEN {flat} {' '.join(nested)} END END"
        )

    def _nested(self, value: str, element: Type, dimensions: int) -> str:
        indexes = [f"i{self._depth}_{number}" for number in range(1, dimensions + 1)]
        text = self.render(f"({value}){''.join(f'[{index}]' for index in indexes)}", element)
        for number in range(dimensions, 0, -1):
            index = indexes[number - 1]
            text = (
                f"(SELECT concat('[',string_agg({text},',' ORDER BY {index}),']') FROM"
                f" generate_series(array_lower({value},{number}),array_upper({value},{number})) AS {index})"
            )
        return text

    def _range(self, value: str, of: Type) -> str:
        lower, upper = f"lower({value})", f"upper({value})"
        subtype = of.inner.base_name
        no_lower, no_upper, is_unusable = f"lower_inf({value})", f"upper_inf({value})", f"isempty({value})"
        if (lowest_highest := self._infinities(subtype)) is not None:
            lowest, highest = lowest_highest
            no_lower += f" OR {lower}={lowest}"
            no_upper += f" OR {upper}={highest}"
            is_unusable += f" OR {lower}={highest} OR {upper}={lowest}"
        if subtype in ("float4", "float8", "numeric"):
            is_unusable += f" OR {lower}='NaN' OR {upper}='NaN'"
        if subtype in _TIMES:
            # date_range knows the years 1 to 9999 and would refuse the document otherwise.
            years = "NOT BETWEEN '0001-01-01' AND '9999-12-31 23:59:59.999999'"
            if subtype == "date":
                years = "NOT BETWEEN '0001-01-01' AND '9999-12-31'"
            is_unusable += (
                f" OR (isfinite({lower}) AND {lower} {years}) OR (isfinite({upper}) AND {upper} {years})"
            )
        bounds = ",".join(
            f"CASE WHEN {is_open} THEN NULL ELSE concat(CASE WHEN {function}({value})"
            f" THEN '\"{closed}\":' ELSE '\"{opened}\":' END,{self.render(bound, of.inner)}) END"
            for is_open, function, closed, opened, bound in (
                (no_lower, "lower_inc", "gte", "gt", lower),
                (no_upper, "upper_inc", "lte", "lt", upper),
            )
        )
        return (
            f"CASE WHEN {value} IS NULL THEN 'null' WHEN {is_unusable} THEN {_NULLED}"
            f" ELSE concat('{{',concat_ws(',',{bounds}),'}}') END"
        )

    def _infinities(self, subtype: str) -> tuple[str, str] | None:
        if subtype in _TIMES:
            return "'-infinity'", "'infinity'"
        if subtype in ("float4", "float8") or (subtype == "numeric" and self._version >= 14):
            return "'-Infinity'", "'Infinity'"
        return None

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
        return (
            f"CASE WHEN pg_column_size({value})>{_MAY_BE_LARGE_BYTES}"
            f" AND octet_length({value}::text)>{self._cap} THEN {_NULLED}"
            f" ELSE {text} END"
        )


_NULLED = literal(NULLED)


def type_name(of: Type) -> str:
    """Return the type's name for a cast, without a modifier."""
    return qualified(of.schema, of.name)


def _or_null(text: str) -> str:
    return f"COALESCE({text},'null')"


def _finite(value: str, is_finite: str, text: str | None = None) -> str:
    shown = text or f"{value}::text"
    return f"CASE WHEN {is_finite} THEN {shown} WHEN {value} IS NULL THEN 'null' ELSE {_NULLED} END"


def _repaired(json: str) -> str:
    """Replace lone surrogates; escaped backslashes are masked, so that one cannot be taken for the start of
    an escape.
    """
    masked = f"replace({json},{literal(_BACKSLASH * 2)},{literal(_MASK)})"
    return f"regexp_replace({masked},{literal(_LONE_SURROGATE)},{literal(_BACKSLASH * 2 + 'ufffd')},'g')"


def _unmasked(json: str) -> str:
    return f"replace({json},{literal(_MASK)},{literal(_BACKSLASH * 2)})"


def _same(value: str) -> str:
    return f"to_json({value})::text"


def _without_non_numbers(value: str) -> str:
    """Replace the strings to_json() writes for NaN and infinities; an array of numbers has no others."""
    text = f"to_json({value})::text"
    for name in ("NaN", "Infinity", "-Infinity"):
        quoted = f'"{name}"'
        text = f"replace({text},{literal(quoted)},{_NULLED})"
    return text


def _cast(to: str, render: Callable[[str], str] = _same) -> Callable[[str], str]:
    def text(value: str) -> str:
        return render(f"{value}::{to}[]")

    return text


_NATIVE_ARRAYS: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(
        (
            "int2", "int4", "int8", "bool", "text", "varchar", "name", "uuid", "date", "time", "timetz",
            "timestamp", "timestamptz", "interval", "macaddr", "macaddr8", "bit", "varbit", "inet", "cidr",
            "jsonb", "xml",
        ),
        _same,
    ),
    "oid": _cast("int8"),
    "bpchar": _cast("text"),
    "float4": _without_non_numbers,
    "float8": _without_non_numbers,
    "numeric": _without_non_numbers,
    "money": _cast("numeric", _without_non_numbers),
}  # fmt: skip
"""Arrays which to_json() renders as we want them, nested to any depth, given the element's base type."""
