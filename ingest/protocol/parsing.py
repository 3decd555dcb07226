"""Tolerant parsing of members, and the dates and versions all documents of the protocol have.

Documents are also written by Kibana, by curl and by other versions of this service: an unknown or null member
reads as absent, an unknown word of a closed set as None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Version:
    """The state of a document somebody read; a write guarded by it fails if anybody wrote since."""

    seq_no: int
    primary_term: int

    def to_params(self) -> dict[str, int]:
        """Render as the query parameters of a guarded write."""
        return {"if_seq_no": self.seq_no, "if_primary_term": self.primary_term}


def instant(value: Any) -> datetime | None:
    """Read a date as Elasticsearch gives it (ISO text or epoch milliseconds); None if it is neither."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()):
            return datetime.fromtimestamp(float(value) / 1000, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def timestamp(moment: datetime) -> str:
    """Render a date as the protocol writes it: UTC, microseconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def enum_of(words: type[Word], value: Any) -> Word | None:
    """Return a word of a closed set; None for any other."""
    try:
        return words(value)
    except ValueError:
        return None


def version_of(hit: Mapping[str, Any]) -> Version:
    """Return the version a hit was read at."""
    return Version(int(hit["_seq_no"]), int(hit["_primary_term"]))


def object_of(value: Any) -> dict[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str | None:
    """Return a text; None for an empty one and anything else."""
    return value if isinstance(value, str) and value else None


def flag_of(value: Any, *, default: bool) -> bool:
    """Return a flag; the default for anything else."""
    return value if isinstance(value, bool) else default


def count_of(value: Any) -> int:
    """Return a count; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
