"""The values of fields that take objects whole: `flattened`, the ranges and points."""

import ipaddress
import math
from collections.abc import Iterator
from typing import Any

from sandbox.elasticsearch.json import token_of
from sandbox.elasticsearch.mapping import dates
from sandbox.elasticsearch.mapping.fields import (
    HERE,
    INTEGER_RANGES,
    MAX_TERM_BYTES,
    Field,
    UnfitError,
    check,
    ignores_malformed,
)
from sandbox.elasticsearch.mapping.points import check_points

RANGES = frozenset({"integer_range", "long_range", "float_range", "double_range", "date_range", "ip_range"})
BOUNDS = ("gte", "gt", "lte", "lt")
DEPTH_LIMIT = 20


def check_structure(target: Field, value: Any) -> None:
    """Raise `UnfitError` unless the value (not null, an array only where it is one) fits the field."""
    if target.type == "flattened":
        _check_flattened(target, value)
    elif target.type in RANGES:
        _check_range(target, value)
    elif target.type == "geo_point":
        if not ignores_malformed(target):
            check_points(target, value)
    else:
        check(target, value)


def _check_flattened(target: Field, value: Any) -> None:
    if not isinstance(value, dict):
        raise UnfitError(
            "parsing_exception",
            f"Failed to parse object: expecting token of type [START_OBJECT] but found [{token_of(value)}]",
        )
    depth_limit = int(target.parameters.get("depth_limit", DEPTH_LIMIT))
    longest = int(target.parameters.get("ignore_above", 2**31))
    for path, leaf in _leaves(value, ()):
        if len(path) > depth_limit:
            raise _unfit_flattened(
                f"The provided [flattened] field [{target.path}] exceeds the maximum depth limit of "
                f"[{depth_limit}]."
            )
        key, text = ".".join(path), _text(leaf)
        if "\0" in key:
            raise _unfit_flattened(
                "Keys in [flattened] fields cannot contain the reserved character \\0. "
                f"Offending key: [{key}]."
            )
        if len(text) <= longest and len(key.encode()) + 1 + len(text.encode()) > MAX_TERM_BYTES:
            raise _unfit_flattened(
                f"Flattened field [{target.path}] contains one immense field whose keyed encoding is longer "
                f"than the allowed max length of {MAX_TERM_BYTES} bytes. Key length: {len(key.encode())}, "
                f"value length: {len(text.encode())} for key starting with [{key[:50]}]"
            )


def _unfit_flattened(reason: str) -> UnfitError:
    return UnfitError("illegal_argument_exception", reason)


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    match value:
        case dict():
            for name, member in value.items():
                yield from _leaves(member, (*path, name))
        case list():
            for element in value:
                yield from _leaves(element, path)
        case None:
            return
        case _:
            yield path, value


def _check_range(target: Field, value: Any) -> None:
    if target.type == "ip_range" and isinstance(value, str):
        _network(value)
        return
    if not isinstance(value, dict):
        name = target.path.rpartition(".")[2]
        reason = f"[{HERE}] error parsing field [{target.path}], expected an object but got {name}"
        raise UnfitError("document_parsing_exception", reason)
    lower, upper = -math.inf, math.inf
    for name, bound in value.items():
        if name not in BOUNDS:
            reason = f"[{HERE}] error parsing field [{target.path}], with unknown parameter [{name}]"
            raise UnfitError("document_parsing_exception", reason, member=name)
        if bound is None:
            continue
        limit = _limit(target, name, bound)
        if name in ("gte", "gt"):
            lower = _moved(target, limit, 1) if name == "gt" else limit
        else:
            upper = _moved(target, limit, -1) if name == "lt" else limit
    if lower > upper:
        # By then the parser's position is behind the object, where there is no value to show.
        raise UnfitError("illegal_argument_exception", _crossed(target, lower, upper), shows_value=False)


def _crossed(target: Field, lower: float, upper: float) -> str:
    if target.type == "ip_range":
        return "min value cannot be greater than max value for InetAddressRange field"
    return f"min value ({_shown(target, lower)}) is greater than max value ({_shown(target, upper)})"


def _shown(target: Field, limit: float) -> str:
    is_floating = target.type in ("float_range", "double_range")
    return str(float(limit)) if is_floating else str(int(limit))


def _limit(target: Field, name: str, bound: Any) -> float:
    """A bound at the resolution of the field; raises `UnfitError`."""
    kind = target.type.removesuffix("_range")
    try:
        if kind == "date":
            return _date(target, name, bound)
        if kind == "ip":
            return _address(bound)
        check(Field(target.path, kind), bound)
    except UnfitError as problem:
        problem.member = name
        raise
    if kind in INTEGER_RANGES:
        return int(bound) if isinstance(bound, int) else int(float(bound))
    return float(bound)


def _moved(target: Field, limit: float, step: int) -> float:
    """The next value in a direction, as a bound that is not included wants it."""
    if target.type in ("float_range", "double_range"):
        return math.nextafter(limit, math.inf * step)
    if target.type in ("long_range", "integer_range"):
        smallest, largest, _ = INTEGER_RANGES[target.type.removesuffix("_range")]
        return max(smallest, min(limit + step, largest))
    return limit + step


def _date(target: Field, name: str, bound: Any) -> float:
    moment = dates.parse(_text(bound), target.format, round_up=name in ("gt", "lte"))
    if moment is None:
        reason = f"failed to parse date field [{_text(bound)}] with format [{target.format}]"
        raise UnfitError("parse_exception", reason)
    return math.floor(moment)


def _address(bound: Any) -> int:
    try:
        return int(ipaddress.ip_address(str(bound)))
    except ValueError:
        raise _not_an_address(bound) from None


def _network(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        reason = f"Expected [ip/prefix] but was [{text}]"
        raise UnfitError("illegal_argument_exception", reason) from None


def _not_an_address(value: Any) -> UnfitError:
    return UnfitError("illegal_argument_exception", f"'{value}' is not an IP string literal.")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
