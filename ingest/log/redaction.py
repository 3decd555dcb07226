"""What must not be shown, by its type or by the name it is filed under."""

import re
from collections.abc import Mapping
from typing import Any, Final

from ingest.secret import STARS, Secret

LONGEST_TEXT: Final = 10_000
_SECRET_NAME: Final = re.compile(
    r"passw|api_?key|secret|authorization|token|private_?key|credential", re.IGNORECASE
)


def redacted(value: Any, name: str = "") -> Any:
    """Return the value with stars for all that is secret by its type or by the name it is filed under."""
    match value:
        case None | bool() | int() | float():
            return value
        case Secret():
            return STARS
        case _ if name and _SECRET_NAME.search(name):
            return STARS
        case Mapping():
            return {str(key): redacted(inner, str(key)) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redacted(inner) for inner in value]
        case str():
            return (
                value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}… ({len(value)} characters)"
            )
        case _:
            return redacted(str(value))
