"""`_source`: all of a document, none of it, or the parts named by patterns."""

import fnmatch
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices import Document


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """Which parts of a source to give."""

    wants_any: bool = True
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, body: Any) -> "SourceFilter":
        """The filter of a body's `_source`."""
        match body:
            case None:
                return cls()
            case bool():
                return cls(body)
            case str():
                return cls(includes=(body,))
            case list():
                return cls(includes=tuple(map(str, body)))
            case dict():
                return cls(
                    includes=_strings(body.get("includes", body.get("include"))),
                    excludes=_strings(body.get("excludes", body.get("exclude"))),
                )
            case _:
                raise errors.query_parsing(
                    "Expected one of [VALUE_BOOLEAN, VALUE_STRING, START_ARRAY, START_OBJECT] but "
                    "found [VALUE_NUMBER]"
                )

    def apply(self, document: Document) -> Any:
        """The chosen parts, as something that renders to JSON; untouched bytes if everything is wanted."""
        if not self.includes and not self.excludes:
            return orjson.Fragment(document.source)
        return self.filtered(document.parsed())

    def filtered(self, body: dict[str, Any]) -> dict[str, Any]:
        """The chosen parts of a parsed source."""
        return _filtered(body, "", self.includes, self.excludes)


def _strings(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _filtered(
    body: dict[str, Any], prefix: str, includes: tuple[str, ...], excludes: tuple[str, ...]
) -> dict[str, Any]:
    result = {}
    for name, value in body.items():
        path = prefix + name
        if any(_covers(pattern, path) for pattern in excludes):
            continue
        is_included = not includes or any(_covers(pattern, path) for pattern in includes)
        if not is_included and not any(_leads_to(pattern, path) for pattern in includes):
            continue
        inner = () if is_included else includes
        kept = _inner(value, path, inner, excludes)
        if kept is not None or (is_included and value is None):
            result[name] = kept
    return result


def _inner(value: Any, path: str, includes: tuple[str, ...], excludes: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        kept = _filtered(value, path + ".", includes, excludes)
        return kept if kept or not includes else None
    if isinstance(value, list) and any(isinstance(element, dict) for element in value):
        elements = [_inner(element, path, includes, excludes) for element in value]
        kept_elements = [element for element in elements if element is not None]
        return kept_elements if kept_elements or not includes else None
    return None if includes else value


def _covers(pattern: str, path: str) -> bool:
    return fnmatch.fnmatchcase(path, pattern) or path.startswith(pattern + ".")


def _leads_to(pattern: str, path: str) -> bool:
    if pattern.startswith(path + "."):
        return True
    if "*" not in pattern:
        return False
    steps = path.split(".")
    heads = pattern.split(".")[: len(steps)]
    return "*" in pattern.split(".")[0] or all(map(fnmatch.fnmatchcase, steps, heads))
