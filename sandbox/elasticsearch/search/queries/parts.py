"""What all kinds of queries are made of: scorers, members, fields, terms."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.mapping import Field
from sandbox.elasticsearch.mapping.fields import DATES, NUMERIC
from sandbox.elasticsearch.search.candidates import Candidate, is_analyzed, tokens

Score = float | None
"""How well a candidate matches; None if it does not."""

Scorer = Callable[[Candidate], Score]


def by_index(scorer_of: Callable[[Candidate], Scorer]) -> Scorer:
    """A scorer that is worked out once for each index, on its first candidate."""
    known: dict[int, Scorer] = {}

    def score(candidate: Candidate) -> Score:
        scorer = known.get(id(candidate.index))
        if scorer is None:
            scorer = known[id(candidate.index)] = scorer_of(candidate)
        return scorer(candidate)

    return score


FIELD_OPTIONS = frozenset(
    {
        "analyzer",
        "auto_generate_synonyms_phrase_query",
        "boost",
        "case_insensitive",
        "flags",
        "fuzziness",
        "fuzzy_transpositions",
        "lenient",
        "max_determinized_states",
        "max_expansions",
        "minimum_should_match",
        "operator",
        "prefix_length",
        "query",
        "rewrite",
        "slop",
        "value",
        "wildcard",
        "zero_terms_query",
        "_name",
    }
)


@dataclass(frozen=True, slots=True)
class Context:
    """What a query needs to know besides itself."""

    now: datetime


def members(name: str, options: Any) -> dict[str, Any]:
    """The members of a query; raises if it has none because it is no object."""
    if not isinstance(options, dict):
        raise errors.query_parsing(f"[{name}] query malformed, no start_object after query name")
    return options


def field_members(name: str, options: Any, value_key: str) -> tuple[str, Any, dict[str, Any]]:
    """The field of a query on one field, the value it asks for, and its options."""
    options = {key: value for key, value in members(name, options).items() if key not in ("boost", "_name")}
    if not options:
        raise errors.illegal_argument(f"[{name}] field name is null or empty")
    if len(options) > 1:
        first, second = list(options)[:2]
        raise errors.query_parsing(
            f"[{name}] query doesn't support multiple fields, found [{first}] and [{second}]"
        )
    field, inner = next(iter(options.items()))
    if isinstance(inner, list):
        raise errors.query_parsing(f"[{name}] query does not support [START_ARRAY]")
    if not isinstance(inner, dict):
        return field, inner, {}
    unknown = [key for key in inner if key not in FIELD_OPTIONS]
    if unknown:
        raise errors.query_parsing(f"[{name}] query does not support [{unknown[0]}]")
    if value_key in inner:
        return field, inner[value_key], inner
    if name == "wildcard" and "wildcard" in inner:
        return field, inner["wildcard"], inner
    raise errors.illegal_argument(
        "value cannot be null" if name != "match" else "No text specified for text query"
    )


def searchable_field(candidate: Candidate, path: str) -> Field | None:
    """The field of a path in the index of a candidate; None if nothing can be found in it."""
    field = candidate.index.mapping.field(path)
    if field is None or field.is_object or field.parameters.get("index") in (False, "false"):
        return _unindexed(field)
    return field


def _unindexed(field: Field | None) -> Field | None:
    if field is None or field.is_object:
        return None
    # Numbers, dates and keywords are searched through their doc values where there is no index; text is not.
    if field.parameters.get("doc_values") in (False, "false") or is_analyzed(field):
        raise refused(
            f"failed to create query: Cannot search on field [{field.path}] since it is not indexed."
        )
    return field


def terms_of(candidate: Candidate, field: Field, *, ignore_case: bool = False) -> set[Any]:
    """The terms of a document in a field."""
    values = candidate.values(field)
    if is_analyzed(field):
        return {token for value in values for token in tokens(value)}
    return {comparable(value, ignore_case=ignore_case) for value in values}


def comparable(value: Any, *, ignore_case: bool) -> Any:
    """A value as it is compared with others of its kind."""
    # True is not the number 1: each kind is compared with its own.
    if isinstance(value, bool):
        return ("boolean", value)
    return value.lower() if ignore_case and isinstance(value, str) else value


def as_text(value: Any) -> str:
    """A value as the text of it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def needed_of(minimum_should_match: Any, count: int) -> int:
    """How many of so many clauses must match: `2`, `-1`, `75%`, `-25%`, or `3<90%` from more than 3 on."""
    needed = count
    try:
        for part in str(minimum_should_match).split():
            limit, sign, rule = part.rpartition("<")
            if sign and count <= int(limit):
                break
            share = int(count * int(rule[:-1]) / 100) if rule.endswith("%") else int(rule)
            needed = count + share if rule.startswith("-") else share
    except ValueError:
        raise refused(f'failed to create query: For input string: "{minimum_should_match}"') from None
    return max(needed, 0)


def number(value: Any) -> float | None:
    """A fraction that a query asks for, exactly: no whole number is equal to it. None if it is none."""
    try:
        read = float(value) if isinstance(value, str | float) else None
    except ValueError:
        return None
    return None if read is None or not math.isfinite(read) or read.is_integer() else read


def refused(reason: str) -> errors.ElasticsearchError:
    """The refusal of a query that an index cannot answer."""
    return errors.search_failed(errors.ElasticsearchError(400, "query_shard_exception", reason))


def unsearchable(field: Field, value: Any) -> errors.ElasticsearchError:
    """The refusal of a value that can be no term of the field."""
    if field.type in DATES:
        cause = f"failed to parse date field [{value}] with format [{field.format}]"
        return errors.search_failed(errors.ElasticsearchError(400, "parse_exception", f"{cause}: [{cause}]"))
    if field.type in NUMERIC:
        cause = f'For input string: "{value}"'
        return errors.search_failed(
            errors.ElasticsearchError(
                400,
                "query_shard_exception",
                f"failed to create query: {cause}",
                caused_by=errors.ElasticsearchError(400, "number_format_exception", cause),
            )
        )
    if field.type == "boolean":
        cause = f"Can't parse boolean value [{value}], expected [true] or [false]"
        return refused(f"failed to create query: {cause}")
    return errors.search_failed(
        errors.illegal_argument(f"failed to create query: cannot search for [{value}]")
    )
