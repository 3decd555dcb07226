"""Bounds of a range in a time zone of the request: it holds for dates that name no zone, and for rounding."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.mapping import dates

OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d\d))?", re.ASCII)
ZONED = re.compile(r"T.*(?:Z|[+-]\d\d(?::?\d\d)?)(?:\|\||$)|^-?\d{5,}(?:\|\||$)", re.ASCII)
EPOCH = datetime.fromtimestamp(0, UTC)


def named(value: Any) -> tzinfo:
    """The zone of a name or an offset."""
    text = str(value)
    if found := OFFSET.fullmatch(text):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, KeyError):
        raise errors.illegal_argument(
            f"java.time.DateTimeException: Invalid ID for ZoneOffset, invalid format: {text}"
        ) from None


def evaluate(
    text: str, format_: str, now: datetime, *, zone: tzinfo | None, round_up: bool = False
) -> float | None:
    """The moment of a date-math expression whose dates are of a zone."""
    if zone is None or ZONED.search(text):
        return dates.evaluate(text, format_, now, round_up=round_up)
    local_now = now.astimezone(zone).replace(tzinfo=UTC)
    local = dates.evaluate(text, format_, local_now, round_up=round_up)
    if local is None:
        return None
    moment = (EPOCH + timedelta(milliseconds=local)).replace(tzinfo=zone)
    return local - (moment.utcoffset() or timedelta()) / timedelta(milliseconds=1)
