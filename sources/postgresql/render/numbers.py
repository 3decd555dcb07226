r"""Numbers and booleans as JSON: exact, and of the type that Elasticsearch should map.

Elasticsearch takes the first value of a field that has no mapping for its type: after 1 it is `long`, and 1.5
is found as 1. A float is therefore written as 1.0, and so is a numeric where nothing is mapped beforehand.
"""

from sources.postgresql.catalog.types import Type
from sources.postgresql.render.mappings import LONG_DIGITS, precision_and_scale
from sources.postgresql.render.sql import NULLED, Rendering, built_in, nulled_unless, or_null

WHOLE = frozenset({"int2", "int4", "int8", "oid", "bool"})
NAMES = WHOLE | {"float4", "float8", "numeric", "money", "point"}

_LONGEST_NUMBER = 900
"""Digits before or after the point. Elasticsearch refuses a document with a number of over 1000."""

_PLAIN_BELOW = {"float4": "1e6", "float8": "1e15"}
"""From where on a whole float is printed with an exponent."""


def number_text(value: str, of: Type, modifier: int, rendering: Rendering) -> str:
    """Render a value of one of the `NAMES`: a number, a boolean or a pair of numbers."""
    value = built_in(value, of)
    match of.name:
        case "float4" | "float8":
            return _float(value, of.name)
        case "numeric":
            return _numeric(value, modifier, rendering)
        case "money":
            return or_null(f"{value}::numeric::text")
        case "point":
            return _point(value)
        case _:
            return or_null(f"{value}::text")


def is_short(modifier: int) -> bool:
    """Whether a numeric of this modifier always fits into a number, and is one but for NaN."""
    return modifier > 0 and sum(map(abs, precision_and_scale(modifier))) < _LONGEST_NUMBER


def not_numbers(server_version: int) -> str:
    """Return the numerics that are no numbers, as SQL literals."""
    return "'NaN','Infinity','-Infinity'" if server_version >= 14 else "'NaN'"


def _float(value: str, name: str) -> str:
    """Render a float with a fraction or an exponent, never like a whole number."""
    # NaN sorts above infinity, so two comparisons exclude all three.
    return (
        f"CASE WHEN {_is_printed_whole(value, name)} THEN {value}::text||'.0'"
        f" WHEN {value}>'-Infinity' AND {value}<'Infinity' THEN {value}::text"
        f" WHEN {value} IS NULL THEN 'null' ELSE {NULLED} END"
    )


def _numeric(value: str, modifier: int, rendering: Rendering) -> str:
    """Render a numeric with every digit; as a string if it is too long for a number."""
    text = f"{value}::text"
    if is_short(modifier):
        precision, scale = precision_and_scale(modifier)
        if scale <= 0 and precision > LONG_DIGITS and not rendering.is_mapped:
            text += "||'.0'"
        return nulled_unless(f"{value}<>'NaN'", value, text)
    shown = text if rendering.is_mapped else f"CASE WHEN scale({value})=0 THEN {text}||'.0' ELSE {text} END"
    has_few_digits = f"{value}>-1e{_LONGEST_NUMBER} AND {value}<1e{_LONGEST_NUMBER} AND scale({value})<100"
    return (
        f"CASE WHEN {has_few_digits} THEN {shown} WHEN {value} IS NULL THEN 'null'"
        f" WHEN {value} IN ({not_numbers(rendering.server_version)}) THEN {NULLED}"
        f" WHEN length({text})<{_LONGEST_NUMBER} THEN {shown} ELSE '\"'||{text}||'\"' END"
    )


def _point(value: str) -> str:
    longitude, latitude = f"({value})[0]", f"({value})[1]"
    is_finite = " AND ".join(f"{part}>'-Infinity' AND {part}<'Infinity'" for part in (longitude, latitude))
    body = f"""concat('{{"lat":',{_coordinate(latitude)},',"lon":',{_coordinate(longitude)},'}}')"""
    return nulled_unless(is_finite, value, body)


def _coordinate(value: str) -> str:
    return f"{value},CASE WHEN {_is_printed_whole(value, 'float8')} THEN '.0' END"


def _is_printed_whole(value: str, name: str) -> str:
    limit = _PLAIN_BELOW[name]
    return f"{value}=trunc({value}) AND {value}>-{limit} AND {value}<{limit}"
