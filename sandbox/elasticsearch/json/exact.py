"""JSON that is read and written again without losing digits of integers.

`orjson` turns integers beyond 64 bits into floats; the server keeps them. So a text with so large a number
goes through the slower standard library.
"""

import json
from typing import Any

import orjson

SMALLEST_LOST = 2.0**63


def loads(raw: bytes) -> Any:
    """Read JSON; raises `orjson.JSONDecodeError`."""
    value = orjson.loads(raw)
    return json.loads(raw) if _may_lack_digits(value) else value


def dumps(value: Any) -> bytes:
    """Write JSON, compact, into memory of its length."""
    try:
        return trimmed(orjson.dumps(value))
    except TypeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass")


def trimmed(text: bytes) -> bytes:
    """Copy what `orjson` wrote into memory of its length: it is at the start of a buffer of 8 KiB or more."""
    return b"%b" % text


def _may_lack_digits(value: Any) -> bool:
    members = value.values() if type(value) is dict else value if type(value) is list else (value,)
    for member in members:
        kind = type(member)
        if kind is float:
            if not -SMALLEST_LOST < member < SMALLEST_LOST:
                return True
        elif (kind is dict or kind is list) and _may_lack_digits(member):
            return True
    return False
