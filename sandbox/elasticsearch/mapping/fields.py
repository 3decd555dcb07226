"""The types of fields: which exist, and which values each takes.

`check(field, value)` raises `UnfitError` with the cause the server names. Nulls and arrays are
handled before; these functions get single values.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.elasticsearch.mapping import dates

MAX_TERM_BYTES = 32766
HERE = "{here}"
"""Stands for the position of the value in a reason, as line:column."""
PAST = "{past}"
"""Stands for the position behind the value's token."""

NUMBER_TEXT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

INTEGER_RANGES = {
    # name: (smallest, largest, how Java calls it)
    "long": (-(2**63), 2**63 - 1, "long"),
    "integer": (-(2**31), 2**31 - 1, "int"),
    "short": (-(2**15), 2**15 - 1, "short"),
    "byte": (-(2**7), 2**7 - 1, "byte"),
    "unsigned_long": (0, 2**64 - 1, "unsigned long"),
}
LARGEST_FLOAT = {"float": 3.4028235677973366e38, "half_float": 65520.0}
FLOATING = frozenset({"float", "double", "half_float", "scaled_float"})
NUMERIC = frozenset(INTEGER_RANGES) | FLOATING
TEXTUAL = frozenset({"text", "match_only_text", "search_as_you_type", "annotated_text", "semantic_text"})
TERMS = frozenset({"keyword", "constant_keyword", "wildcard", "version", "icu_collation_keyword"})
DATES = frozenset({"date", "date_nanos"})
OBJECTS = frozenset({"object", "nested"})
STRUCTURED = frozenset(
    {
        "flattened",
        "geo_point",
        "geo_shape",
        "point",
        "shape",
        "dense_vector",
        "sparse_vector",
        "rank_feature",
        "rank_features",
        "completion",
        "percolator",
        "join",
        "histogram",
        "aggregate_metric_double",
        "integer_range",
        "long_range",
        "float_range",
        "double_range",
        "date_range",
        "ip_range",
        "token_count",
        "murmur3",
    }
)
TYPES = NUMERIC | TEXTUAL | TERMS | DATES | OBJECTS | STRUCTURED | {"boolean", "ip", "binary", "alias"}


class UnfitError(Exception):
    """A value does not fit its field, for the reason the server would give as the cause."""

    def __init__(
        self,
        kind: str,
        reason: str,
        *,
        caused_by: tuple[str, str] | None = None,
        member: str | None = None,
        shows_value: bool = True,
    ) -> None:
        super().__init__(reason)
        self.path: tuple[int, ...] = ()
        """Which element of an array is at fault, where an array is one value."""
        self.member = member
        """The member of the value that is at fault, if the value is an object."""
        self.shows_value = shows_value
        self.type = kind
        self.reason = reason
        self.caused_by = caused_by


def unread(message: str) -> UnfitError:
    """The parser cannot read a value of this kind as another."""
    return UnfitError("x_content_parse_exception", f"[{PAST}] {message}")


@dataclass(slots=True)
class Field:
    """One field of a mapping; objects have `properties`, leaves may have multi-fields."""

    path: str
    type: str
    parameters: dict[str, Any] = field(default_factory=dict)
    properties: "dict[str, Field]" = field(default_factory=dict)
    fields: "dict[str, Field]" = field(default_factory=dict)

    @property
    def is_object(self) -> bool:
        """Whether the field holds other fields."""
        return self.type in OBJECTS

    @property
    def is_enabled(self) -> bool:
        """Whether the server looks inside the object at all."""
        return self.parameters.get("enabled", True) not in (False, "false")

    @property
    def format(self) -> str:
        """The date formats the field reads."""
        return str(self.parameters.get("format", dates.DEFAULT_FORMAT))

    def count(self) -> int:
        """How many fields this is towards the limit, itself included."""
        return (
            1
            + sum(child.count() for child in self.properties.values())
            + sum(child.count() for child in self.fields.values())
        )

    def to_wire(self) -> dict[str, Any]:
        """The field as a mapping shows it."""
        wire: dict[str, Any] = {}
        if self.type != "object" or not (self.properties or self.parameters):
            wire["type"] = self.type
        wire.update(self.parameters)
        if self.properties:
            wire["properties"] = {name: self.properties[name].to_wire() for name in sorted(self.properties)}
        if self.fields:
            wire["fields"] = {name: child.to_wire() for name, child in self.fields.items()}
        return wire


def check(target: Field, value: Any) -> None:
    """Raise `UnfitError` unless the value (not null, not an array) fits the field."""
    if ignores_malformed(target):
        return
    checker = CHECKERS.get(target.type)
    if checker is not None:
        checker(target, value)


def quick_check(target: Field, kind: type) -> Callable[[Any], Any]:
    """A function that is true of values of this Python type that surely fit the field.

    Quick, as it runs for every value of a bulk request. What it is not true of may still fit: `check` knows.
    """
    if kind is int and target.type in INTEGER_RANGES:
        smallest, largest, _ = INTEGER_RANGES[target.type]
        return range(smallest, largest + 1).__contains__
    if kind in (int, float) and target.type in LARGEST_FLOAT:
        limit = LARGEST_FLOAT[target.type]
        return lambda value: -limit < value < limit
    if kind is str and target.type in DATES:
        format_ = target.format
        return lambda value: dates.is_valid(value, format_)
    if kind is str and target.type in TERMS:
        return lambda value: len(value) < MAX_TERM_BYTES // 4
    return lambda value: False


def takes_any(target: Field, kind: type) -> bool:
    """Whether every value of this Python type fits the field, so that none needs a check."""
    if target.type in TEXTUAL:
        return kind in (str, int, float, bool)
    if target.type in TERMS:
        return (kind is str and "ignore_above" in target.parameters) or kind in (int, float, bool)
    if target.type in ("double", "scaled_float"):
        return kind in (int, float)
    return ignores_malformed(target) or (target.type == "boolean" and kind is bool)


def ignores_malformed(target: Field) -> bool:
    """Whether a value that does not fit is left out instead of being refused."""
    is_told_to = target.parameters.get("ignore_malformed") in (True, "true")
    return is_told_to and target.type not in TEXTUAL | TERMS


def _check_text(target: Field, value: Any) -> None:
    if isinstance(value, dict):
        raise UnfitError("illegal_argument_exception", f"Expected text at {HERE} but found START_OBJECT")
    if target.type in TERMS and isinstance(value, str) and "ignore_above" not in target.parameters:
        size = len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
        if size > MAX_TERM_BYTES:
            raise UnfitError(
                "illegal_argument_exception",
                f'Document contains at least one immense term in field="{target.path}" (whose UTF8 '
                "encoding is "
                f"longer than the max length {MAX_TERM_BYTES}), all of which were skipped.  Please "
                "correct the "
                "analyzer to not produce such terms.",
                caused_by=(
                    "max_bytes_length_exceeded_exception",
                    f"bytes can be at most {MAX_TERM_BYTES} in length; got {size}",
                ),
            )


def _check_number(target: Field, value: Any) -> None:
    number = _number(target, value)
    if number is None:
        return
    if target.type in FLOATING:
        if abs(number) >= LARGEST_FLOAT.get(target.type, float("inf")) or number != number:
            raise UnfitError(
                "illegal_argument_exception",
                f"[{target.type}] supports only finite values, but got [{value}]",
            )
        return
    smallest, largest, java = INTEGER_RANGES[target.type]
    if not smallest <= number <= largest:
        if isinstance(value, str):
            article = "an" if java[0] in "iu" else "a"
            raise UnfitError(
                "illegal_argument_exception", f"Value [{value}] is out of range for {article} {target.type}"
            )
        raise unread(f"Numeric value ({value}) out of range of {java} ({smallest} - {largest})")
    if number != int(number) and target.parameters.get("coerce", True) in (False, "false"):
        raise UnfitError(
            "illegal_argument_exception", f"{value} cannot be converted to {java} without data loss"
        )


def _number(target: Field, value: Any) -> float | int | None:
    match value:
        case bool():
            raise unread(
                f"Current token (VALUE_{str(value).upper()}) not numeric, can not use numeric value accessors"
            )
        case int() | float():
            return value
        case str():
            if target.parameters.get("coerce", True) in (False, "false"):
                raise UnfitError("illegal_argument_exception", f"{target.type} value passed as String")
            if value == "":
                return None
            if target.type in FLOATING and value in ("NaN", "Infinity", "-Infinity"):
                return float(value)
            if NUMBER_TEXT.fullmatch(value.strip()) is None:
                raise UnfitError("illegal_argument_exception", f'For input string: "{value}"')
            return int(value) if value.strip().lstrip("+-").isdigit() else float(value)
        case _:
            raise UnfitError("illegal_argument_exception", "Cannot parse object as number")


def _check_boolean(target: Field, value: Any) -> None:
    if isinstance(value, bool) or value in ("true", "false", ""):
        return
    if isinstance(value, dict | int | float):
        tokens = {dict: "START_OBJECT", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT"}
        kind = tokens[type(value)]
        raise unread(f"Current token ({kind}) not of boolean type")
    raise UnfitError(
        "illegal_argument_exception",
        f"Failed to parse value [{value}] as only [true] or [false] are allowed.",
    )


def _check_date(target: Field, value: Any) -> None:
    if isinstance(value, dict):
        raise UnfitError("illegal_argument_exception", f"Expected text at {HERE} but found START_OBJECT")
    if isinstance(value, str) and dates.is_valid(value, target.format):
        return
    if parsed_date(target, value) is None:
        raise UnfitError(
            "illegal_argument_exception",
            f"failed to parse date field [{_text(value)}] with format [{target.format}]",
            caused_by=("date_time_parse_exception", "Failed to parse with all enclosed parsers"),
        )


def parsed_date(target: Field, value: Any) -> float | None:
    """The moment of a date field's value in milliseconds; None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return dates.parse(_text(value), target.format)


def _check_ip(target: Field, value: Any) -> None:
    if isinstance(value, dict):
        raise UnfitError("illegal_argument_exception", f"Expected text at {HERE} but found START_OBJECT")
    try:
        ipaddress.ip_address(value if isinstance(value, str) else "")
    except ValueError:
        raise UnfitError(
            "illegal_argument_exception", f"'{_text(value)}' is not an IP string literal."
        ) from None


def _check_vector(target: Field, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnfitError(
            "illegal_argument_exception", "Failed to parse object: expecting token of type [VALUE_NUMBER]"
        )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


CHECKERS: Mapping[str, Callable[[Field, Any], None]] = {
    **dict.fromkeys(TEXTUAL | TERMS, _check_text),
    **dict.fromkeys(NUMERIC, _check_number),
    **dict.fromkeys(DATES, _check_date),
    "boolean": _check_boolean,
    "ip": _check_ip,
    "binary": _check_text,
    "dense_vector": _check_vector,
}
