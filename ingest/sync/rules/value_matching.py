"""How a rule's text is compared with a document's value: by the type the value has in JSON.

    boolean           equals true or false, in any case
    number            exactly, as decimals: 0.1 is 0.1 and 2^63 + 1 is not 2^63
    date, timestamp   as instants, when both texts are ISO 8601; without an offset it is UTC
    text              character by character; < and > by code point
    array             if any element matches
    null, object      never match

`starts_with`, `ends_with`, `contains` and `regex` look at the JSON text of a number or boolean.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from operator import eq, gt, lt
from typing import Any

import re2

LONGEST_PATTERN = 1000

Matches = Callable[[Any], bool]

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_INSTANT = re.compile(
    r"(?P<year>[0-9]{4,7})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<fraction>\.[0-9]{1,30})?)?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?)?)?"
)
_YEARS_OF_A_CYCLE, _DAYS_OF_A_CYCLE = 400, 146_097
_SECONDS_OF_A_DAY = 86_400


class Policy(StrEnum):
    """What a rule does with the documents it matches."""

    INCLUDE = "include"
    EXCLUDE = "exclude"


class Operator(StrEnum):
    """How a rule compares."""

    EQUALS = "equals"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    CONTAINS = "contains"
    REGEX = "regex"
    GREATER = ">"
    LESS = "<"


class PatternError(ValueError):
    """The regular expression cannot be used; the message says why."""


def matcher(operator: Operator, text: str) -> Matches:
    """Return a function that tells whether a document's value matches. It never raises, whatever the value.

    Raises PatternError if a regular expression cannot be used.
    """
    match_one = _matcher_of_one(operator, text)

    def matches(value: Any) -> bool:
        if isinstance(value, list):
            return any(matches(element) for element in value)
        return match_one(value)

    return matches


def _matcher_of_one(operator: Operator, text: str) -> Matches:
    match operator:
        case Operator.EQUALS:
            return _comparison(eq, text, orders=False)
        case Operator.GREATER:
            return _comparison(gt, text, orders=True)
        case Operator.LESS:
            return _comparison(lt, text, orders=True)
        case Operator.STARTS_WITH:
            return _text_test(lambda shown: shown.startswith(text))
        case Operator.ENDS_WITH:
            return _text_test(lambda shown: shown.endswith(text))
        case Operator.CONTAINS:
            return _text_test(lambda shown: text in shown)
        case Operator.REGEX:
            return _text_test(_starts_like(text))


def _comparison(holds: Callable[[Any, Any], bool], text: str, *, orders: bool) -> Matches:
    number, instant, boolean = as_number(text), as_instant(text), as_boolean(text)

    def matches(value: Any) -> bool:
        match value:
            case bool():
                return not orders and value is boolean
            case int() | float() | Decimal():
                shown = exact(value)
                return number is not None and shown is not None and holds(shown, number)
            case str():
                at = as_instant(value) if instant is not None else None
                return holds(value, text) if at is None else holds(at, instant)
            case _:
                return False

    return matches


def _text_test(test: Callable[[str], bool]) -> Matches:
    def matches(value: Any) -> bool:
        match value:
            case str():
                return test(value)
            case bool():
                return test("true" if value else "false")
            case int() | float() | Decimal():
                shown = exact(value)
                return shown is not None and test(str(value))
            case _:
                return False

    return matches


def _starts_like(pattern: str) -> Callable[[str], bool]:
    compiled = compile_pattern(pattern)

    def test(text: str) -> bool:
        try:
            return compiled.match(text) is not None
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold and UTF-8 cannot
            return compiled.match(text.encode("utf-8", "replace").decode()) is not None

    return test


def compile_pattern(pattern: str) -> Any:
    """Compile a regular expression for an engine whose time grows with the text alone. Raises PatternError.

    The standard library's engine takes exponential time for some patterns, and a match that does not end
    would stop every connector of the service.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"is longer than {LONGEST_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        raise PatternError(
            reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        ) from error
    except UnicodeEncodeError as error:
        raise PatternError("holds half of a surrogate pair") from error


def as_boolean(text: str) -> bool | None:
    """Return the boolean a text stands for, in any case, None if it stands for none."""
    return {"true": True, "false": False}.get(text.strip().lower())


def as_number(text: str) -> Decimal | None:
    """Return the exact number a text stands for, None if it stands for none."""
    return Decimal(text.strip()) if _NUMBER.fullmatch(text.strip()) else None


def exact(value: float | Decimal) -> Decimal | None:
    """Return the number as its JSON text says it, None for what JSON has no number for."""
    try:
        # A float's shortest text is what the document said; its binary value is not.
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return number if number.is_finite() else None


def as_instant(text: str) -> Decimal | None:
    """Return the seconds since year 0 of an ISO 8601 date or timestamp, None if the text is not one."""
    found = _INSTANT.fullmatch(text.strip()) if text[:4].strip() else None
    if found is None:
        return None
    days = _days(int(found["year"]), int(found["month"]), int(found["day"]))
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if days is None or hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        return None
    seconds = days * _SECONDS_OF_A_DAY + hour * 3600 + minute * 60 + second - _offset_seconds(found["offset"])
    return seconds + Decimal(found["fraction"] or 0)


def _days(year: int, month: int, day: int) -> int | None:
    """Count days in the Gregorian calendar; years beyond 9999 are folded into the range `date` knows."""
    cycles, folded = divmod(year, _YEARS_OF_A_CYCLE)
    try:
        return cycles * _DAYS_OF_A_CYCLE + date(folded + _YEARS_OF_A_CYCLE, month, day).toordinal()
    except ValueError:
        return None


def _offset_seconds(offset: str | None) -> int:
    if not offset or offset in "Zz":
        return 0
    digits = offset[1:].replace(":", "").ljust(6, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:])
    return -seconds if offset[0] == "-" else seconds
