"""Where in a JSON text a value stands, for error messages that name line and column."""

from collections.abc import Sequence
from enum import Enum
from json import JSONDecoder
from typing import Any

Path = Sequence[str | int]

_BLANK = " \t\r\n"
_DECODER = JSONDecoder()


class Anchor(Enum):
    """Which end of the member a message points at."""

    KEY = "key"
    VALUE = "value"
    END = "end"


def locate(raw: bytes, path: Path, anchor: Anchor = Anchor.VALUE) -> tuple[int, int]:
    """Return line and column, from 1, of what `path` leads to in valid JSON.

    Where the path leads nowhere, the position of the last value on it that exists.
    """
    text = raw.decode("utf-8", "replace")
    position = _skip_blank(text, 0)
    key_position = position
    for step in path:
        found = _find(text, position, step)
        if found is None:
            break
        key_position, position = found
    match anchor:
        case Anchor.KEY:
            offset = key_position
        case Anchor.VALUE:
            offset = position
        case Anchor.END:
            offset = _end(text, position) - 1
    return line_and_column(text, offset)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return line and column, from 1, of a character of `text`."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _find(text: str, position: int, step: str | int) -> tuple[int, int] | None:
    """Return where the key and the value of `step` begin in the container at `position`."""
    if text[position] == "{" and isinstance(step, str):
        return _find_member(text, position, step)
    if text[position] == "[" and isinstance(step, int):
        return _find_element(text, position, step)
    return None


def _find_member(text: str, position: int, name: str) -> tuple[int, int] | None:
    found = None
    position = _skip_blank(text, position + 1)
    while text[position] != "}":
        key, after = _DECODER.raw_decode(text, position)
        value_position = _skip_blank(text, _skip_blank(text, after) + 1)
        if key == name:
            found = (position, value_position)
        position = _next(text, value_position)
    return found


def _find_element(text: str, position: int, index: int) -> tuple[int, int] | None:
    position = _skip_blank(text, position + 1)
    for _ in range(index):
        if text[position] == "]":
            return None
        position = _next(text, position)
    return position, position


def _next(text: str, value_position: int) -> int:
    """Return where the next member begins, or the closing bracket, after the value at `value_position`."""
    position = _skip_blank(text, _end(text, value_position))
    return _skip_blank(text, position + 1) if text[position] == "," else position


def _end(text: str, value_position: int) -> int:
    return _DECODER.raw_decode(text, value_position)[1]


def _skip_blank(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANK:
        position += 1
    return position


def duplicate_key(text: str) -> str | None:
    """Return a key that an object of `text` holds twice, if there is one."""
    duplicates: list[str] = []

    def remember(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            keys = [key for key, _ in pairs]
            duplicates.append(next(key for key in keys if keys.count(key) > 1))
        return members

    JSONDecoder(object_pairs_hook=remember).decode(text)
    return duplicates[0] if duplicates else None
