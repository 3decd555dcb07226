"""Aggregations: the metrics and buckets a client of connectors uses."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices import Index
from sandbox.elasticsearch.json import token_of
from sandbox.elasticsearch.mapping import Field
from sandbox.elasticsearch.mapping.fields import DATES, FLOATING, INTEGER_RANGES
from sandbox.elasticsearch.search import queries
from sandbox.elasticsearch.search.candidates import Candidate
from sandbox.elasticsearch.search.field_values import (
    Candidates,
    Values,
    as_text,
    check,
    date_text,
    numbers_of,
    of_document,
    of_documents,
)
from sandbox.elasticsearch.search.queries.regexps import translated

Bucket = tuple[dict[str, Any], Candidates]
Inner = Callable[[Candidates], dict[str, Any]]
DEFAULT_BUCKETS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is the same for all aggregations of a search; `is_typed` puts their types into their names."""

    context: queries.Context
    indices: Sequence[Index] = ()
    is_typed: bool = False


def computed(body: Any, candidates: Candidates, asked: Asked) -> dict[str, Any]:
    """Every aggregation of a request over these candidates, by name."""
    if not isinstance(body, dict):
        raise errors.query_parsing("Expected [START_OBJECT] in [aggregations]")
    results: dict[str, Any] = {}
    for name, definition in body.items():
        kind, result = _one(name, definition, candidates, asked)
        results[f"{_type(kind, definition[kind], asked)}#{name}" if asked.is_typed else name] = result
    return results


def _one(name: str, definition: Any, candidates: Candidates, asked: Asked) -> tuple[str, dict[str, Any]]:
    """The kind of an aggregation and its result."""
    if not isinstance(definition, dict):
        raise errors.query_parsing(
            f"Aggregation definition for [{name}] starts with a [VALUE_STRING], expected a [START_OBJECT]."
        )
    inner = definition.get("aggs", definition.get("aggregations", {}))
    kinds = [key for key in definition if key not in ("aggs", "aggregations", "meta")]
    if len(kinds) != 1:
        raise errors.query_parsing(
            f"Missing definition for aggregation [{name}]"
            if not kinds
            else f"Found two aggregation type definitions in [{name}]: [{kinds[0]}] and [{kinds[1]}]"
        )
    kind, options = kinds[0], definition[kinds[0]]
    for part, value in (("meta", definition.get("meta", {})), (kind, options)):
        if not isinstance(value, dict):
            raise errors.query_parsing(
                f"Expected [START_OBJECT] under [{part}], but got a [{token_of(value)}] in [{name}]"
            )
    meta = {"meta": definition["meta"]} if "meta" in definition else {}
    if kind in METRICS or kind in BUCKETS:
        check(kind, options, asked.indices)
    if kind in METRICS:
        return kind, {**meta, **METRICS[kind](of_documents(options, candidates), options)}
    if kind not in BUCKETS:
        raise errors.query_parsing(f"Unknown aggregation type [{kind}]")
    result = BUCKETS[kind](
        options, candidates, asked.context, lambda some: computed(inner, some, asked) if inner else {}
    )
    return kind, {**meta, **result}


def _type(kind: str, options: Mapping[str, Any], asked: Asked) -> str:
    """The type of a result as clients know it; that of terms depends on their field."""
    if kind != "terms":
        return kind
    path = str(options.get("field"))
    if path in ("_id", "_index"):
        return "sterms"
    fields = [field for index in asked.indices if (field := index.mapping.field(path)) is not None]
    if not fields:
        return "sterms"
    if fields[0].type in FLOATING:
        return "dterms"
    is_number = fields[0].type in INTEGER_RANGES or fields[0].type in DATES or fields[0].type == "boolean"
    return "lterms" if is_number else "sterms"


def _metric(
    compute: Callable[[list[float]], float | None],
) -> Callable[[Values, Mapping[str, Any]], dict[str, Any]]:
    def metric(values: Values, options: Mapping[str, Any]) -> dict[str, Any]:
        result = compute(numbers_of(values))
        answer: dict[str, Any] = {"value": result}
        if result is not None:
            answer |= as_text("value", result, values, options)
        return answer

    return metric


def _stats(values: Values, options: Mapping[str, Any]) -> dict[str, Any]:
    numbers = numbers_of(values)
    answer: dict[str, Any] = {
        "count": len(numbers),
        "min": min(numbers, default=None),
        "max": max(numbers, default=None),
        "avg": sum(numbers) / len(numbers) if numbers else None,
        "sum": float(sum(numbers)),
    }
    if numbers:
        for name in ("min", "max", "avg", "sum"):
            answer |= as_text(name, answer[name], values, options)
    return answer


METRICS: Mapping[str, Callable[[Values, Mapping[str, Any]], dict[str, Any]]] = {
    "avg": _metric(lambda numbers: sum(numbers) / len(numbers) if numbers else None),
    "cardinality": lambda values, options: {"value": len({(type(value), value) for _, value in values})},
    "max": _metric(lambda numbers: max(numbers, default=None)),
    "min": _metric(lambda numbers: min(numbers, default=None)),
    "stats": _stats,
    "sum": _metric(lambda numbers: float(sum(numbers))),
    "value_count": lambda values, options: {"value": len(values)},
}


def _terms(
    options: Mapping[str, Any], candidates: Candidates, context: queries.Context, inner: Inner
) -> dict[str, Any]:
    size = options.get("size", DEFAULT_BUCKETS)
    if not isinstance(size, int) or size < 1:
        raise errors.illegal_argument(f"[size] must be greater than 0. Found [{size}] in [terms]")
    is_included = _inclusion(options)
    buckets: dict[Any, list[Candidate]] = {}
    kind: Field | None = None
    for candidate in candidates:
        field, values = of_document(options, candidate)
        kind = kind or field
        values = [value for value in values if is_included(value)]
        for value in dict.fromkeys(values):
            buckets.setdefault(value, []).append(candidate)
    minimum = int(options.get("min_doc_count", 1))
    kept = [(value, members) for value, members in buckets.items() if len(members) >= minimum]
    results: list[Bucket] = [
        ({"key": value, **_key_text(kind, value, options), "doc_count": len(members)}, members)
        for value, members in kept
    ]
    ordered = _order(results, options.get("order"), inner)
    return {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": sum(len(members) for _, members in ordered[size:]),
        "buckets": [{**bucket, **inner(members)} for bucket, members in ordered[:size]],
    }


def _inclusion(options: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether `include` and `exclude`, lists or regular expressions, let a term have a bucket."""
    wanted, unwanted = (_named(options[name]) if name in options else None for name in ("include", "exclude"))
    return lambda value: (wanted is None or wanted(value)) and (unwanted is None or not unwanted(value))


def _named(terms: Any) -> Callable[[Any], bool]:
    if isinstance(terms, list):
        texts = frozenset(map(str, terms))
        return lambda value: str(value) in texts
    if not isinstance(terms, str):
        raise errors.illegal_argument("partitions of terms are not modelled by the embedded server")
    try:
        pattern = re.compile(translated(terms), re.DOTALL | re.ASCII)
    except ValueError as error:
        raise errors.illegal_argument(str(error)) from None
    return lambda value: pattern.fullmatch(str(value)) is not None


def _key_text(field: Field | None, value: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    if field is not None and field.type in DATES:
        return {"key": int(value), "key_as_string": date_text(value, options)}
    if isinstance(value, bool):
        return {"key": int(value), "key_as_string": "true" if value else "false"}
    if field is not None and field.type in FLOATING:
        return {"key": float(value)}
    return {}


def _order(buckets: list[Bucket], order: Any, inner: Inner) -> list[Bucket]:
    entries = order if isinstance(order, list) else [order] if order else [{"_count": "desc"}]
    ordered = sorted(buckets, key=lambda bucket: _sortable(bucket[0]["key"]))
    for entry in reversed(entries):
        if not isinstance(entry, dict) or len(entry) != 1:
            raise errors.query_parsing("Must specify exactly one order key")
        path, direction = next(iter(entry.items()))
        ordered.sort(key=partial(_order_value, path=path, inner=inner), reverse=direction == "desc")
    return ordered


def _order_value(bucket: Bucket, path: str, inner: Inner) -> Any:
    if path in ("_count", "_key", "_term"):
        return bucket[0]["doc_count"] if path == "_count" else _sortable(bucket[0]["key"])
    name, _, member = path.partition(".")
    results = {key.rpartition("#")[2]: value for key, value in inner(bucket[1]).items()}
    result = results.get(name)
    if result is None:
        raise errors.search_failed(errors.illegal_argument(f"Invalid aggregation order path [{path}]."))
    return result.get(member or "value") or 0


def _sortable(value: Any) -> tuple[str, Any]:
    return ("text", value) if isinstance(value, str) else ("number", value)


def _filter(
    options: Mapping[str, Any], candidates: Candidates, context: queries.Context, inner: Inner
) -> dict[str, Any]:
    scorer = queries.compiled(dict(options), context)
    members = [candidate for candidate in candidates if scorer(candidate) is not None]
    return {"doc_count": len(members), **inner(members)}


def _filters(
    options: Mapping[str, Any], candidates: Candidates, context: queries.Context, inner: Inner
) -> dict[str, Any]:
    asked = options.get("filters")
    if not isinstance(asked, dict | list):
        raise errors.query_parsing("[filters] expects filters")
    named = asked if isinstance(asked, dict) else dict(enumerate(asked))
    buckets = {name: _filter(body, candidates, context, inner) for name, body in named.items()}
    if options.get("other_bucket", "other_bucket_key" in options):
        others = {"bool": {"must_not": list(named.values())}}
        buckets[options.get("other_bucket_key", "_other_")] = _filter(others, candidates, context, inner)
    return {"buckets": buckets if isinstance(asked, dict) else list(buckets.values())}


def _missing(
    options: Mapping[str, Any], candidates: Candidates, context: queries.Context, inner: Inner
) -> dict[str, Any]:
    members = [candidate for candidate in candidates if not of_document(options, candidate)[1]]
    return {"doc_count": len(members), **inner(members)}


BUCKETS: Mapping[str, Callable[[Mapping[str, Any], Candidates, queries.Context, Inner], dict[str, Any]]] = {
    "filter": _filter,
    "filters": _filters,
    "missing": _missing,
    "terms": _terms,
}
