"""How a length of time is written for people: in its largest unit."""

from datetime import UTC, datetime
from typing import Final

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def span(seconds: float) -> str:
    """Write a length of time: `12 s`, `3 min`, `5 h`, `2 d`."""
    whole = max(0, round(seconds))
    size, unit = next((one for one in _UNITS if whole >= one[0]), _UNITS[-1])
    return f"{whole // size} {unit}"


def since(moment: datetime, now: datetime | None = None) -> str:
    """Write how long ago a moment was."""
    return span(((now or datetime.now(UTC)) - moment).total_seconds())
