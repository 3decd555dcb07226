"""JSON that is kept for a while."""

from typing import Any

import orjson


def json_text(value: Any) -> bytes:
    """Write JSON into memory of its length; `orjson` leaves it at the start of a buffer of 8 KiB or more."""
    return b"%b" % orjson.dumps(value)
