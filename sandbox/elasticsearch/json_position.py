"""Where in a JSON text a value stands, for error messages that name line and column."""

import json
import re
from collections.abc import Sequence

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def locate(raw: bytes, path: Sequence[str | int]) -> tuple[int, int]:
    """Line and column, counted from one, at which the value of a path begins.

    Where the path leads nowhere, the position of the last value on it that exists.
    """
    text = raw.decode("utf-8", "replace")
    position = _skip(text, 0)
    for step in path:
        try:
            found = _member(text, position, step)
        except (ValueError, IndexError):
            found = None
        if found is None:
            break
        position = found
    line = text.count("\n", 0, position) + 1
    return line, position - (text.rfind("\n", 0, position) + 1) + 1


def locate_key(raw: bytes, path: Sequence[str], name: str) -> tuple[int, int]:
    """Line and column at which the member `name` of the object at `path` begins."""
    line, column = locate(raw, [*path, name])
    text = raw.decode("utf-8", "replace").split("\n")[line - 1]
    start = text.rfind(f'"{name}"', 0, max(column - 1, 0))
    return (line, start + 1) if start >= 0 else (line, column)


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _member(text: str, position: int, step: str | int) -> int | None:
    opening = text[position]
    if opening == "{" and isinstance(step, str):
        return _in_object(text, _skip(text, position + 1), step)
    if opening == "[" and isinstance(step, int):
        return _in_array(text, _skip(text, position + 1), step)
    return None


def _in_object(text: str, position: int, name: str) -> int | None:
    while text[position] == '"':
        key, position = _DECODER.raw_decode(text, position)
        position = _skip(text, _skip(text, position) + 1)
        if key == name:
            return position
        _, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position)
        if text[position] != ",":
            return None
        position = _skip(text, position + 1)
    return None


def _in_array(text: str, position: int, number: int) -> int | None:
    for _ in range(number):
        _, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position)
        if text[position] != ",":
            return None
        position = _skip(text, position + 1)
    return position
