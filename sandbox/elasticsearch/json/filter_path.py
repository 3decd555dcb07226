"""`filter_path`: cut an answer down to the named paths (`hits.hits._id,items.*.status,-took`)."""

import fnmatch
from functools import lru_cache
from typing import Any

import orjson

_NOTHING = object()

Paths = tuple[tuple[str, ...], ...]


def filtered(body: Any, expression: str) -> Any:
    """The body with only what the expression includes and without what it excludes; reads raw fragments."""
    patterns = [part.strip() for part in expression.split(",") if part.strip()]
    includes = tuple(tuple(pattern.split(".")) for pattern in patterns if not pattern.startswith("-"))
    excludes = tuple(tuple(pattern[1:].split(".")) for pattern in patterns if pattern.startswith("-"))
    if excludes:
        body = _without(body, excludes)
        body = {} if body is _NOTHING else body
    if includes:
        body = _only(body, includes)
        body = {} if body is _NOTHING else body
    return body


def _only(value: Any, paths: Paths) -> Any:
    if () in paths or ("**",) in paths:
        return value
    if isinstance(value, orjson.Fragment):
        value = _read(value)
    if isinstance(value, list | tuple):
        kept = [child for element in value if (child := _only(element, paths)) is not _NOTHING]
        return kept or _NOTHING
    if not isinstance(value, dict):
        return _NOTHING
    result = {}
    for name, element in value.items():
        deeper = _descend(paths, str(name))
        if deeper and (child := _only(element, deeper)) is not _NOTHING:
            result[name] = child
    return result or _NOTHING


def _without(value: Any, paths: Paths) -> Any:
    if () in paths:
        return _NOTHING
    if paths and isinstance(value, orjson.Fragment):
        value = _read(value)
    if isinstance(value, list | tuple):
        return [child for element in value if (child := _without(element, paths)) is not _NOTHING]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, element in value.items():
        child = _without(element, _descend(paths, str(name)))
        if child is not _NOTHING:
            result[name] = child
    return result


def _read(fragment: orjson.Fragment) -> Any:
    return orjson.loads(orjson.dumps(fragment))


@lru_cache(maxsize=4096)
def _descend(paths: Paths, name: str) -> Paths:
    """What is left of the paths inside the member of this name; pages repeat the same few names."""
    deeper = []
    for path in paths:
        head, *rest = path
        if head == "**":
            deeper.append(path)
            if rest and fnmatch.fnmatchcase(name, rest[0]):
                deeper.append(tuple(rest[1:]))
        elif fnmatch.fnmatchcase(name, head):
            deeper.append(tuple(rest))
    return tuple(deeper)
