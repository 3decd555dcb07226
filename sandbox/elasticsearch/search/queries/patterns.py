"""Queries by pattern: prefix, wildcard, regexp."""

import re
from collections.abc import Callable
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.mapping import Field
from sandbox.elasticsearch.mapping.fields import DATES, NUMERIC
from sandbox.elasticsearch.search.candidates import Candidate, is_analyzed
from sandbox.elasticsearch.search.queries import regexps
from sandbox.elasticsearch.search.queries.parts import (
    Context,
    Score,
    Scorer,
    as_text,
    by_index,
    field_members,
    refused,
    searchable_field,
    terms_of,
)

WITHOUT_PATTERNS = DATES | NUMERIC | {"boolean", "ip", "_id"}


def prefix(options: Any, context: Context) -> Scorer:
    """Documents with a term that begins so."""
    return _pattern_query("prefix", options, lambda text, flags: re.escape(text) + ".*")


def wildcard(options: Any, context: Context) -> Scorer:
    """Documents with a term of this form (`*`, `?`)."""
    return _pattern_query("wildcard", options, lambda text, flags: wildcard_regex(text))


def regexp(options: Any, context: Context) -> Scorer:
    """Documents with a term that a regular expression describes as a whole."""
    return _pattern_query(
        "regexp", options, lambda text, flags: regexps.translated(text, has_optional=flags != "NONE")
    )


def normalized_wildcard(path: str, text: str) -> Scorer:
    """The same as `wildcard`, its letters as the field has them: small in analyzed text."""
    exact, small = (re.compile(wildcard_regex(form), re.DOTALL) for form in (text, text.lower()))
    return _matching("wildcard", path, lambda field: small if is_analyzed(field) else exact)


def _pattern_query(name: str, options: Any, translate: Callable[[str, str], str]) -> Scorer:
    path, value, inner = field_members(name, options, "value")
    if value is None:
        raise errors.illegal_argument("value cannot be null")
    try:
        pattern = re.compile(
            translate(as_text(value), str(inner.get("flags", "ALL")).upper()),
            re.DOTALL | re.ASCII | (re.IGNORECASE if inner.get("case_insensitive") else 0),
        )
    except (re.error, ValueError) as error:
        raise refused(f"failed to create query: {error}") from None
    return _matching(name, path, lambda field: pattern)


def _matching(name: str, path: str, pattern_of: Callable[[Field], re.Pattern[str]]) -> Scorer:
    if path == "_index" and name != "regexp":
        pattern = pattern_of(Field("_index", "keyword"))
        return lambda candidate: 1.0 if pattern.fullmatch(candidate.index.name) else None

    def of_index(candidate: Candidate) -> Scorer:
        field = Field(path, path) if path in ("_id", "_index") else searchable_field(candidate, path)
        if field is None:
            return lambda candidate: None
        if field.type in WITHOUT_PATTERNS or field.type == "_index":
            kinds = "keyword and text" if name == "regexp" else "keyword, text and wildcard"
            raise refused(
                f"Can only use {name} queries on {kinds} fields - not on [{path}] which is of type "
                f"[{field.type}]"
            )
        pattern = pattern_of(field)

        def score(candidate: Candidate) -> Score:
            terms = terms_of(candidate, field)
            return 1.0 if any(isinstance(term, str) and pattern.fullmatch(term) for term in terms) else None

        return score

    return by_index(of_index)


def wildcard_regex(pattern: str) -> str:
    """A `*`/`?` pattern as a regular expression; a backslash takes a star or question mark literally."""
    parts = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\" and position + 1 < len(pattern):
            position += 1
            parts.append(re.escape(pattern[position]))
        else:
            parts.append({"*": ".*", "?": "."}.get(character) or re.escape(character))
        position += 1
    return "".join(parts)
