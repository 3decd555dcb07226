"""Queries: compiled once into a function that scores a candidate, or says that it does not match.

compiled({"bool": {...}}, context)(candidate) -> 1.0, or None
"""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.search.candidates import Candidate
from sandbox.elasticsearch.search.queries import query_string
from sandbox.elasticsearch.search.queries.parts import Context, Score, Scorer, members, needed_of
from sandbox.elasticsearch.search.queries.patterns import prefix, regexp, wildcard
from sandbox.elasticsearch.search.queries.term_queries import (
    exists,
    ids,
    range_,
    term,
    terms,
)
from sandbox.elasticsearch.search.queries.text_queries import (
    is_true,
    match,
    match_phrase,
    match_phrase_prefix,
    multi_match,
)

__all__ = ["Context", "Score", "Scorer", "compiled"]

BOOL_OPTIONS = frozenset(
    {"must", "filter", "must_not", "should", "minimum_should_match", "boost", "adjust_pure_negative", "_name"}
)


def compiled(body: Any, context: Context) -> Scorer:
    """The query as a function; raises `parsing_exception` for what is no query."""
    name, options = _single(body, "query")
    builder = BUILDERS.get(name)
    if builder is None:
        raise _unknown(name)
    return builder(options, context)


def _unknown(name: str) -> errors.ElasticsearchError:
    close = difflib.get_close_matches(name, BUILDERS, n=1, cutoff=0.7)
    error = errors.query_parsing(
        f"unknown query [{name}]" + "".join(f" did you mean [{near}]?" for near in close)
    )
    error.caused_by = errors.ElasticsearchError(
        400, "named_object_not_found_exception", f"[1:11] unknown field [{name}]"
    )
    return error


def _single(body: Any, what: str) -> tuple[str, Any]:
    if not isinstance(body, dict):
        raise errors.query_parsing(f"[{what}] malformed query, expected [START_OBJECT]")
    if not body:
        raise errors.illegal_argument("query malformed, empty clause found")
    if len(body) > 1:
        first = next(iter(body))
        raise errors.query_parsing(f"[{first}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]")
    return next(iter(body.items()))


def _match_all(options: Any, context: Context) -> Scorer:
    boost = float(members("match_all", options).get("boost", 1.0))
    return lambda candidate: boost


def _match_none(options: Any, context: Context) -> Scorer:
    return lambda candidate: None


def _bool(options: Any, context: Context) -> Scorer:
    options = members("bool", options)
    unknown = [key for key in options if key not in BOOL_OPTIONS]
    if unknown:
        raise errors.query_parsing(f"[bool] query does not support [{unknown[0]}]")
    must, filters, must_not, should = (
        [compiled(clause, context) for clause in _clauses(options.get(name))]
        for name in ("must", "filter", "must_not", "should")
    )
    needed = _minimum_should_match(options, len(should), has_others=bool(must or filters))

    def score(candidate: Candidate) -> Score:
        # Plain loops: this runs for every document of an index.
        for clause in must_not:
            if clause(candidate) is not None:
                return None
        for clause in filters:
            if clause(candidate) is None:
                return None
        total = 0.0
        for clause in must:
            found = clause(candidate)
            if found is None:
                return None
            total += found
        if not should and needed <= 0:
            return total if must or filters or must_not else 1.0
        scores = [found for clause in should if (found := clause(candidate)) is not None]
        if len(scores) < needed:
            return None
        return total + sum(scores)

    return score


def _clauses(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _minimum_should_match(options: Mapping[str, Any], count: int, *, has_others: bool) -> int:
    value = options.get("minimum_should_match")
    if value is None:
        return 0 if has_others or not count else 1
    if not has_others:
        return max(needed_of(value, count), 1) if count else 0
    return needed_of(value, count)


def _constant_score(options: Any, context: Context) -> Scorer:
    options = members("constant_score", options)
    if "filter" not in options:
        raise errors.query_parsing("[constant_score] requires a 'filter' element")
    inner = compiled(options["filter"], context)
    boost = float(options.get("boost", 1.0))
    return lambda candidate: None if inner(candidate) is None else boost


def _query_string(options: Any, context: Context) -> Scorer:
    options = members("query_string", options)
    if not isinstance(options.get("query"), str):
        raise errors.query_parsing("[query_string] must be provided with a [query]")
    fields = options.get("fields") or [options.get("default_field") or "*"]
    return query_string.compiled(
        options["query"],
        [str(name).partition("^")[0] for name in fields],
        default_operator=str(options.get("default_operator", "or")).lower(),
        context=context,
        is_lenient=is_true(options.get("lenient", "*" in fields)),
    )


def _nested(options: Any, context: Context) -> Scorer:
    options = members("nested", options)
    if "query" not in options:
        raise errors.query_parsing("[nested] requires 'query' field")
    return compiled(options["query"], context)


BUILDERS: Mapping[str, Callable[[Any, Context], Scorer]] = {
    "bool": _bool,
    "constant_score": _constant_score,
    "exists": exists,
    "ids": ids,
    "match": match,
    "match_all": _match_all,
    "match_none": _match_none,
    "match_phrase": match_phrase,
    "match_phrase_prefix": match_phrase_prefix,
    "multi_match": multi_match,
    "nested": _nested,
    "prefix": prefix,
    "query_string": _query_string,
    "range": range_,
    "regexp": regexp,
    "simple_query_string": _query_string,
    "term": term,
    "terms": terms,
    "wildcard": wildcard,
}
