"""What a value of SQLite becomes in a document and in an id. Pure.

A column of SQLite may hold values of any type, whatever it was declared as.

    NULL     null       integer   a number, exact    text   a text
    real     a number, infinity null and counted     blob   base64
"""

import base64
import math
from collections.abc import Sequence
from typing import Any

Value = None | int | float | str | bytes


def json_value(value: Value) -> Any:
    """Return a value as JSON has it; None for what JSON cannot hold."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


def is_nulled(value: Value) -> bool:
    """Whether a value becomes null although it is none."""
    return isinstance(value, float) and not math.isfinite(value)


def key_text(key: Sequence[Value]) -> str:
    """Return the part of an id that tells rows apart: different keys have different texts."""
    return ",".join(_part(value) for value in key)


def _part(value: Value) -> str:
    match value:
        case None:
            raise ValueError("a null does not tell rows apart")
        case int():
            return str(value)
        case float():
            return f"%R{value!r}"
        case bytes():
            return f"%B{value.hex()}"
        case str():
            text = value.replace("%", "%25").replace(",", "%2C").replace("_", "%5F")
            # The text 1 and the number 1 are two keys.
            return f"%T{text}" if text[:1].isdigit() or text[:1] == "-" else text
