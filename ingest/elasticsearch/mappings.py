"""The mapping of a content index: our own fields, and analyzers for the connector's language. No I/O."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

CONTENT_HASH: Final = "_content_hash"
"""Our own member of a document: the source's hash of it."""

OWN_FIELDS: Final[Mapping[str, Any]] = {
    "id": {"type": "keyword"},
    "_timestamp": {"type": "date"},
    CONTENT_HASH: {"type": "long", "index": False},
}
"""What every document has, whatever its source."""

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


def merged(mappings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Combine the mappings of all slices; a field two of them map differently is left to Elasticsearch."""
    combined: dict[str, Any] = {}
    disputed: set[str] = set()
    for properties in mappings:
        for name, definition in properties.items():
            if combined.setdefault(name, definition) != definition:
                disputed.add(name)
    return {name: definition for name, definition in combined.items() if name not in disputed}


def is_usable_content_hash(definition: Mapping[str, Any]) -> bool:
    """Say whether an existing mapping of our content hash can be read back exactly."""
    return definition.get("type") == "long" and definition.get("doc_values", True) is not False


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
