"""JSON that is read and written again without losing digits of integers.

`orjson` turns integers beyond 64 bits into floats; the server keeps them. So a text with so long a number
goes through the slower standard library.
"""

import json
import re
from typing import Any

import orjson

LONG_NUMBER = re.compile(rb"\d{19}")


def loads(raw: bytes) -> Any:
    """Read JSON; raises `orjson.JSONDecodeError`."""
    value = orjson.loads(raw)
    return json.loads(raw) if LONG_NUMBER.search(raw) else value


def dumps(value: Any) -> bytes:
    """Write JSON, compact."""
    try:
        return orjson.dumps(value)
    except TypeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass")
