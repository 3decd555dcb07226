"""Dates as the connector documents hold them: UTC, ``Z``, three to nine fraction digits."""

import re
from datetime import UTC, datetime, timedelta, timezone

_DATE_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})T(?P<hour>\d{2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"(?:(?P<utc>Z)|(?P<sign>[+-])(?P<offset_hours>\d{2}):?(?P<offset_minutes>\d{2})?)",
    re.ASCII,
)
_ZONELESS = re.compile(r"\d{4}(-\d{2}(-\d{2}(T(\d{2}(:\d{2}(:\d{2}([.,]\d{1,9})?)?)?)?)?)?)?", re.ASCII)
_EPOCH_MILLIS = re.compile(r"-?\d{1,18}(\.\d{1,6})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class InstantError(ValueError):
    """A text is not an instant; `kind` is the error type the server reports."""

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.kind = kind


def canonical_instant(text: str) -> str:
    """Return the instant `text` names, written as the server writes it; raise InstantError.

    A date without a time or a time without a zone names no instant and is refused.
    """
    if match := _DATE_TIME.fullmatch(text):
        return _from_match(match, text)
    if _ZONELESS.fullmatch(text):
        raise InstantError(f"Unable to obtain Instant from TemporalAccessor: [{text}]", "date_time_exception")
    if _EPOCH_MILLIS.fullmatch(text):
        return _from_epoch_millis(text)
    raise _unparsable(text)


def written(moment: datetime) -> str:
    """Return `moment`, which must be aware, as the server writes it."""
    moment = moment.astimezone(UTC)
    return _written(moment, f"{moment.microsecond:06d}")


def _from_match(match: re.Match[str], text: str) -> str:
    try:
        moment = datetime.fromisoformat(match["date"]).replace(
            hour=int(match["hour"]),
            minute=int(match["minute"] or 0),
            second=int(match["second"] or 0),
            tzinfo=_zone(match),
        )
        return _written(moment.astimezone(UTC), match["fraction"] or "")
    except (ValueError, OverflowError):
        raise _unparsable(text) from None


def _zone(match: re.Match[str]) -> timezone:
    if match["utc"]:
        return UTC
    offset = timedelta(hours=int(match["offset_hours"]), minutes=int(match["offset_minutes"] or 0))
    return timezone(-offset if match["sign"] == "-" else offset)


def _from_epoch_millis(text: str) -> str:
    whole, _, fraction = text.partition(".")
    try:
        moment = _EPOCH + timedelta(milliseconds=int(whole))
    except OverflowError:
        raise _unparsable(text) from None
    return _written(moment, f"{moment.microsecond // 1000:03d}{fraction}")


def _written(moment: datetime, fraction: str) -> str:
    # Exactness past the microsecond lives in the text alone: datetime has no room for it.
    digits = fraction.rstrip("0").ljust(3, "0")
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}.{digits}Z"


def _unparsable(text: str) -> InstantError:
    formats = "strict_date_optional_time||epoch_millis"
    return InstantError(
        f"failed to parse date field [{text}] with format [{formats}]", "illegal_argument_exception"
    )
