"""Which names an index can have: Elasticsearch says so only when it creates one, which a job does. Pure."""

from typing import Final

_FORBIDDEN: Final = frozenset('\\/*?"<>| ,#:')
_MOST_BYTES: Final = 255


def problem(name: str) -> str | None:
    """Say what keeps Elasticsearch from creating an index of this name; None if nothing does."""
    if name in ("", ".", ".."):
        return "must not be empty, '.' or '..'"
    if found := sorted(_FORBIDDEN.intersection(name)):
        return f"must not contain {found[0]!r}"
    if name[0] in "_-+":
        return "must not start with '_', '-' or '+'"
    if name != name.lower():
        return "must be lowercase"
    if len(name.encode()) > _MOST_BYTES:
        return f"is longer than {_MOST_BYTES} bytes"
    return None
