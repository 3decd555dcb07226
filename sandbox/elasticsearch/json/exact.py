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
    """Write JSON, compact, into no more memory than it is long.

    `orjson` writes into a buffer of at least 8 KiB and cuts it short, and the rest is of no use to anybody as
    long as the text is kept; hence the copy.
    """
    try:
        return b"%b" % orjson.dumps(value)
    except TypeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass")


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
