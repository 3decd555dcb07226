"""`filter_path`: cut an answer down to the named paths (`hits.hits._id,items.*.status,-took`)."""

import fnmatch
from typing import Any

_NOTHING = object()


def filtered(body: Any, expression: str) -> Any:
    """The body with only what the expression includes and without what it excludes."""
    patterns = [part.strip() for part in expression.split(",") if part.strip()]
    includes = [pattern.split(".") for pattern in patterns if not pattern.startswith("-")]
    excludes = [pattern[1:].split(".") for pattern in patterns if pattern.startswith("-")]
    if excludes:
        body = _without(body, excludes)
        body = {} if body is _NOTHING else body
    if includes:
        body = _only(body, includes)
        body = {} if body is _NOTHING else body
    return body


def _only(value: Any, paths: list[list[str]]) -> Any:
    if any(not path or path == ["**"] for path in paths):
        return value
    if isinstance(value, list):
        kept = [child for element in value if (child := _only(element, paths)) is not _NOTHING]
        return kept or _NOTHING
    if not isinstance(value, dict):
        return _NOTHING
    result = {}
    for name, element in value.items():
        deeper = _descend(paths, name)
        if deeper and (child := _only(element, deeper)) is not _NOTHING:
            result[name] = child
    return result or _NOTHING


def _without(value: Any, paths: list[list[str]]) -> Any:
    if any(not path for path in paths):
        return _NOTHING
    if isinstance(value, list):
        return [child for element in value if (child := _without(element, paths)) is not _NOTHING]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, element in value.items():
        child = _without(element, _descend(paths, name))
        if child is not _NOTHING:
            result[name] = child
    return result


def _descend(paths: list[list[str]], name: str) -> list[list[str]]:
    deeper = []
    for path in paths:
        head, *rest = path
        if head == "**":
            deeper.append(path)
            if rest and fnmatch.fnmatchcase(name, rest[0]):
                deeper.append(rest[1:])
        elif fnmatch.fnmatchcase(name, head):
            deeper.append(rest)
    return deeper
