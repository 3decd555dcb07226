"""The kinds of members a body can have: what JSON each takes, and how its value is read."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.elasticsearch.connectors.parsing.instants import InstantError, canonical_instant
from sandbox.elasticsearch.connectors.parsing.parser import BodyError, Field, Read, Token, illegal, token_of

INT_RANGE = range(-(2**31), 2**31)
LONG_RANGE = range(-(2**63), 2**63)

_STRING = frozenset({Token.VALUE_STRING})
_NULL = frozenset({Token.VALUE_NULL})
_OBJECT = frozenset({Token.START_OBJECT})
_ARRAY = frozenset({Token.START_ARRAY})
_NUMERIC = frozenset({Token.VALUE_NUMBER, Token.VALUE_STRING})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
SCALARS = frozenset({Token.VALUE_STRING, Token.VALUE_NUMBER, Token.VALUE_BOOLEAN, Token.VALUE_NULL})
ANYTHING = SCALARS | _OBJECT | _ARRAY


def text(name: str, *, required: bool = False) -> Field:
    """A string."""
    return Field(name, _STRING, _unchanged, required)


def text_or_null(name: str, *, required: bool = False) -> Field:
    """A string or null."""
    return Field(name, _STRING | _NULL, _unchanged, required)


def boolean(name: str, *, required: bool = False) -> Field:
    """A boolean, or one of the strings "true" and "false"."""
    return Field(name, frozenset({Token.VALUE_BOOLEAN, Token.VALUE_STRING}), read_boolean, required)


def integer(name: str, *, required: bool = False) -> Field:
    """A 32-bit integer, or a string holding one."""
    return Field(name, _NUMERIC, _read_int, required)


def long(name: str, *, required: bool = False) -> Field:
    """A 64-bit integer, or a string holding one."""
    return Field(name, _NUMERIC, _read_long, required)


def instant(name: str, *, required: bool = False) -> Field:
    """A date as a string; read into the canonical text of its instant."""
    return Field(name, _STRING, read_instant, required)


def instant_or_null(name: str) -> Field:
    """A date as a string, or null."""
    return Field(name, _STRING | _NULL, _or_null(read_instant))


def enumeration(
    name: str, read: Callable[[str], str], *, required: bool = False, null: bool = False
) -> Field:
    """A word of a closed set; `read` returns its canonical form."""
    return Field(name, _STRING | _NULL if null else _STRING, _or_null(read) if null else read, required)


def object_of(name: str, read: Read, *, required: bool = False, null: bool = False) -> Field:
    """A nested object read by `read`."""
    return Field(name, _OBJECT | _NULL if null else _OBJECT, _or_null(read) if null else read, required)


def open_object(name: str, *, required: bool = False, null: bool = False) -> Field:
    """An object of any content."""
    return object_of(name, _unchanged, required=required, null=null)


def array_of(name: str, read: Read, *, required: bool = False) -> Field:
    """An array of objects; one bare object stands for an array of one."""
    return Field(name, _OBJECT | _ARRAY, lambda value: _read_each(value, read), required)


def text_array(name: str, *, required: bool = False) -> Field:
    """An array of strings; one bare string stands for an array of one."""
    return Field(name, _STRING | _ARRAY, lambda value: _read_each(value, _read_text), required)


def value_of(name: str, accepts: frozenset[Token], read: Read, *, required: bool = False) -> Field:
    """Anything else: the kinds and the reading are given."""
    return Field(name, accepts, read, required)


def words(class_name: str, *values: str, ignore_case: bool = True) -> Callable[[str], str]:
    """Return a reader of the closed set `values`, which refuses others naming the server's `class_name`."""
    known = {(value.upper() if ignore_case else value): value for value in values}

    def read(word: str) -> str:
        found = known.get(word.upper() if ignore_case else word)
        if found is None:
            raise illegal(f"Unknown {class_name} [{word}].")
        return found

    return read


def read_boolean(value: Any) -> bool:
    """Read a boolean as leniently as the server does."""
    match value:
        case bool():
            return value
        case "true":
            return True
        case "false":
            return False
        case _:
            raise illegal(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")


def read_instant(value: Any) -> str:
    """Read a date into its canonical text."""
    try:
        return canonical_instant(value)
    except InstantError as error:
        raise illegal(str(error), kind=error.kind) from error


def _read_int(value: Any) -> int:
    return _read_whole(value, INT_RANGE, "int", "an integer")


def _read_long(value: Any) -> int:
    return _read_whole(value, LONG_RANGE, "long", "a long")


def _read_whole(value: Any, allowed: range, type_name: str, article: str) -> int:
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        raise illegal(f'For input string: "{value}"', kind="number_format_exception")
    exact = Decimal(value)  # fractions are cut off; a float would also round what is whole
    if not -(2**64) < exact < 2**64 or int(exact) not in allowed:
        raise _out_of_range(value, allowed, type_name, article)
    return int(exact)


def _out_of_range(value: Any, allowed: range, type_name: str, article: str) -> BodyError:
    if isinstance(value, str):
        return illegal(f"Value [{value}] is out of range for {article}")
    return illegal(
        f"Numeric value ({value}) out of range of {type_name} ({allowed.start} - {allowed.stop - 1})",
        kind="input_coercion_exception",
    )


def _read_text(value: Any) -> str:
    token = token_of(value)
    if token in {Token.START_OBJECT, Token.START_ARRAY, Token.VALUE_NULL}:
        raise illegal(f"Can't get text on a {token}", kind="illegal_state_exception")
    if token is Token.VALUE_BOOLEAN:
        return "true" if value else "false"
    return str(value)


def _read_each(value: Any, read: Read) -> list[Any]:
    if not isinstance(value, list):
        return [read(value)]
    parsed = []
    for position, element in enumerate(value):
        try:
            parsed.append(read(element))
        except BodyError as error:
            raise error.below(position) from None
    return parsed


def _or_null(read: Read) -> Read:
    return lambda value: None if value is None else read(value)


def _unchanged(value: Any) -> Any:
    return value
