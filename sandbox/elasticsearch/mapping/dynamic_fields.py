"""Dynamic mapping: the field that a new value gets."""

import fnmatch
import re
from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from typing import Any

from sandbox.elasticsearch.mapping import dates, definitions
from sandbox.elasticsearch.mapping.fields import Field
from sandbox.elasticsearch.mapping.tree import FieldTree

INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?[dDfF]?", re.ASCII)


def created(mapping: FieldTree, path: str, name: str, value: Any) -> Field | None:
    """The field for a new value; None if the value tells nothing (null, an empty array)."""
    sample = _first(value)
    if sample is None:
        return None
    kind, default = _detected(mapping, sample)
    template = _template(mapping, path, name, kind)
    if template is None:
        return definitions.field(path, default)
    body = _filled(template.get("mapping", {}), name, str(default.get("type", "object")))
    if "runtime" in template:
        return None
    body.setdefault("type", default.get("type", "object"))
    return definitions.field(path, body)


def disagreement(mapping: FieldTree, new: Field, name: str, value: Any) -> str | None:
    """Why the elements of an array cannot all be in the field that one of them has just brought.

    Each element of a new field brings a field of its own, and these have to be of one type.
    """
    for element in _elements(value):
        other = created(mapping, new.path, name, element)
        if other is None or other.type == new.type or (other.is_object and new.is_object):
            continue
        if new.is_object:
            return f"can't merge a non object mapping [{new.path}] with an object mapping"
        kind = "ObjectMapper" if other.is_object else other.type
        return f"mapper [{new.path}] cannot be changed from type [{new.type}] to [{kind}]"
    return None


def _elements(value: Any) -> Iterator[Any]:
    if not isinstance(value, list):
        yield value
        return
    for element in value:
        yield from _elements(element)


def runtime_type(mapping: FieldTree, value: Any) -> str | None:
    """The type of the runtime field for a new value."""
    sample = _first(value)
    if sample is None or isinstance(sample, dict):
        return None
    kind, _ = _detected(mapping, sample)
    return {"string": "keyword"}.get(kind, kind)


def _first(value: Any) -> Any:
    while isinstance(value, list):
        value = next((element for element in value if element is not None), None)
    return value


def _detected(mapping: FieldTree, sample: Any) -> tuple[str, dict[str, Any]]:
    """The kind of value (as `match_mapping_type` calls it) and the field it gets by default."""
    match sample:
        case dict():
            return "object", {}
        case bool():
            return "boolean", {"type": "boolean"}
        case int():
            return "long", {"type": "long"}
        case float():
            return "double", {"type": "float"}
        case _:
            return _detected_text(mapping, str(sample))


def _detected_text(mapping: FieldTree, text: str) -> tuple[str, dict[str, Any]]:
    is_integer = INTEGER.fullmatch(text) is not None
    is_decimal = DECIMAL.fullmatch(text) is not None
    root = mapping.meta
    if root.get("numeric_detection") in (True, "true") and (is_integer or is_decimal):
        return ("long", {"type": "long"}) if is_integer else ("double", {"type": "float"})
    # Pure numbers are never taken for dates, although some formats would read them.
    if root.get("date_detection", True) not in (False, "false") and not is_decimal:
        for number, format_ in enumerate(root.get("dynamic_date_formats", dates.DETECTED_FORMATS)):
            if text and dates.parse(text, str(format_)) is not None:
                found = {"type": "date", "format": format_}
                is_default = number == 0 and "dynamic_date_formats" not in root
                return "date", {"type": "date"} if is_default else {**found, "locale": ""}
    return "string", {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}


def _template(mapping: FieldTree, path: str, name: str, kind: str) -> Dictionary[str, Any] | None:
    for entry in mapping.meta.get("dynamic_templates", []):
        for template in entry.values():
            if isinstance(template, dict) and _applies(template, path, name, kind):
                return template
    return None


def _applies(template: Dictionary[str, Any], path: str, name: str, kind: str) -> bool:
    kinds = _strings(template.get("match_mapping_type"))
    if kinds and kind not in kinds and "*" not in kinds:
        return False
    if kind in _strings(template.get("unmatch_mapping_type")):
        return False
    as_regex = template.get("match_pattern") == "regex"
    return all(
        any(_fits(subject, pattern, as_regex) for pattern in _strings(template.get(key))) is wanted
        for key, subject, wanted in (
            ("match", name, True),
            ("unmatch", name, False),
            ("path_match", path, True),
            ("path_unmatch", path, False),
        )
        if key in template
    )


def _fits(subject: str, pattern: str, as_regex: bool) -> bool:
    if not as_regex:
        return fnmatch.fnmatchcase(subject, pattern)
    try:
        return re.fullmatch(pattern, subject) is not None
    except re.error:
        return False


def _strings(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(element) for element in value] if isinstance(value, list) else [str(value)]


def _filled(body: Any, name: str, kind: str) -> dict[str, Any]:
    """A template's mapping with `{name}` and `{dynamic_type}` filled in."""
    if not isinstance(body, dict):
        return {}
    return {
        key: _filled(value, name, kind)
        if isinstance(value, dict)
        else value.replace("{name}", name).replace("{dynamic_type}", kind)
        if isinstance(value, str)
        else value
        for key, value in body.items()
    }
