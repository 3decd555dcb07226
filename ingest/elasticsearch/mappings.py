"""The mapping of a content index: our own fields, and analyzers for the connector's language. No I/O."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

CONTENT_HASH: Final = "_content_hash"
"""Our own member of a document: the source's hash of it."""
TIMESTAMP: Final = "_timestamp"
"""When a document was sent."""

OWN_FIELDS: Final[Mapping[str, Any]] = {
    "id": {"type": "keyword"},
    TIMESTAMP: {"type": "date"},
    CONTENT_HASH: {"type": "long", "index": False},
}
"""What every document has, whatever its source."""

LONGEST_TERM_CHARACTERS: Final = 8191
"""Lucene takes terms of 32,766 bytes; a character has up to four."""
_WHOLE_NUMBERS: Final = ("short", "integer", "long")
_NUMBERS: Final = frozenset({*_WHOLE_NUMBERS, "float", "double", "scaled_float"})
_SINGLE_VALUES: Final = _NUMBERS | {"keyword", "text", "boolean", "date", "ip", "binary", "dense_vector"}
"""Types whose values are no objects, so that `keyword` takes them too."""

_ANALYZERS: Final[Mapping[str, str]] = {
    "ar": "arabic", "bg": "bulgarian", "bn": "bengali", "ca": "catalan", "cs": "czech", "da": "danish",
    "de": "german", "el": "greek", "en": "english", "es": "spanish", "et": "estonian", "eu": "basque",
    "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish", "gl": "galician", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "ja": "cjk", "ko": "cjk",
    "lt": "lithuanian", "lv": "latvian", "nl": "dutch", "no": "norwegian", "pt": "portuguese",
    "pt-br": "brazilian", "ro": "romanian", "ru": "russian", "sv": "swedish", "th": "thai", "tr": "turkish",
    "zh": "cjk",
}  # fmt: skip
"""Elasticsearch's built-in language analyzers by the codes a connector's `language` has."""


def analyzer_of(language: str | None) -> str | None:
    """Return the analyzer for a language code or name; None for none and for an unknown one."""
    if not language:
        return None
    code = language.lower().replace("_", "-")
    if code in _ANALYZERS.values():
        return code
    return _ANALYZERS.get(code) or _ANALYZERS.get(code.partition("-")[0])


def with_analyzers(properties: Mapping[str, Any], language: str | None) -> dict[str, Any]:
    """Give every text field that names no analyzer the one of the language, at every depth."""
    analyzer = analyzer_of(language)
    if analyzer is None:
        return dict(properties)
    return {name: _analyzed(definition, analyzer) for name, definition in properties.items()}


def _analyzed(definition: Mapping[str, Any], analyzer: str) -> dict[str, Any]:
    changed = dict(definition)
    if changed.get("type") == "text":
        changed.setdefault("analyzer", analyzer)
    for members in ("properties", "fields"):
        if members in changed:
            changed[members] = {name: _analyzed(inner, analyzer) for name, inner in changed[members].items()}
    return changed


def anything() -> dict[str, Any]:
    """Return the mapping that takes any JSON: kept in the document, not indexed."""
    return {"type": "object", "enabled": False}


def merged(mappings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Combine the mappings of all slices; a field of several gets a mapping that takes what each of them has.

    Dotted names become objects, as Elasticsearch makes them.
    """
    combined: dict[str, Any] = {}
    for properties in mappings:
        _unite(combined, nested(properties))
    return combined


def missing(existing: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the wanted fields that a mapping (`properties`, `dynamic`) does not have yet.

    A mapping that says what becomes of new fields (any `dynamic` but true) is left alone, and so is every
    field that exists.
    """
    if str(existing.get("dynamic", True)).lower() != "true" or existing.get("enabled") is False:
        return {}
    present: Mapping[str, Any] = existing.get("properties", {})
    added: dict[str, Any] = {}
    for name, definition in nested(wanted).items():
        if name not in present:
            added[name] = definition
            continue
        is_object = "properties" in definition and present[name].get("type", "object") == "object"
        if is_object and (inner := missing(present[name], definition["properties"])):
            added[name] = {"properties": inner}
    return added


def nested(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Write dotted names as objects, at every depth."""
    result: dict[str, Any] = {}
    for name, given in properties.items():
        definition = given
        if "properties" in given:
            definition = {**given, "properties": nested(given["properties"])}
        first, *rest = name.split(".")
        for step in reversed(rest):
            definition = {"properties": {step: definition}}
        _unite(result, {first: definition})
    return result


def _unite(target: dict[str, Any], other: Mapping[str, Any]) -> None:
    for name, definition in other.items():
        target[name] = _shared(target[name], definition) if name in target else definition


def _shared(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a mapping that takes every value which either of two takes."""
    if one == other:
        return one
    if "properties" in one and "properties" in other:
        members = dict(one["properties"])
        _unite(members, other["properties"])
        return {"properties": members}
    types = {one.get("type", "object"), other.get("type", "object")}
    if not types <= _SINGLE_VALUES:
        return anything()
    if types <= set(_WHOLE_NUMBERS):
        return {"type": max(types, key=_WHOLE_NUMBERS.index)}
    if types <= {"float", "double"}:
        return {"type": "double"}
    if "text" in types:
        return next(definition for definition in (one, other) if definition["type"] == "text")
    exact = {"type": "keyword", "ignore_above": LONGEST_TERM_CHARACTERS}
    if _is_number(one) and _is_number(other):
        return exact | {"fields": {"number": {"type": "double", "ignore_malformed": True}}}
    return exact


def _is_number(definition: Mapping[str, Any]) -> bool:
    return definition["type"] in _NUMBERS or "number" in definition.get("fields", {})


def is_usable_content_hash(definition: Mapping[str, Any]) -> bool:
    """Say whether an existing mapping of our content hash can be read back exactly."""
    return definition.get("type") == "long" and definition.get("doc_values", True) is not False


def is_guessed_content_hash(definition: Mapping[str, Any]) -> bool:
    """Say whether Elasticsearch mapped our content hash from a first document: we map it before any."""
    return definition == {"type": "long"}


def exact_field(properties: Mapping[str, Any], name: str) -> str | None:
    """Return the field that holds the exact value of a text member: itself or a keyword multi-field.

    Indices that Elastic's service filled have dynamic mappings: text with a keyword beside it.
    """
    definition = properties.get(name, {})
    is_exact = definition.get("type") in ("keyword", "constant_keyword", "wildcard")
    if is_exact and "normalizer" not in definition:
        return name
    for inner_name, inner in definition.get("fields", {}).items():
        if inner.get("type") == "keyword" and "normalizer" not in inner:
            return f"{name}.{inner_name}"
    return None
