"""Queries for exact terms: term, terms, ids, exists, range."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import tzinfo
from fnmatch import fnmatchcase
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.mapping import Field
from sandbox.elasticsearch.mapping.fields import DATES, INTEGER_RANGES, NUMERIC
from sandbox.elasticsearch.search.candidates import Candidate, is_analyzed, typed_value
from sandbox.elasticsearch.search.queries import time_zones
from sandbox.elasticsearch.search.queries.parts import (
    Context,
    Score,
    Scorer,
    as_text,
    by_index,
    comparable,
    field_members,
    members,
    number,
    refused,
    searchable_field,
    terms_of,
    unsearchable,
)

MAX_TERMS = 65_536
RANGE_OPTIONS = frozenset({"gt", "gte", "lt", "lte", "format", "time_zone", "relation", "boost", "_name"})


def ids(options: Any, context: Context) -> Scorer:
    """Documents of these ids."""
    values = members("ids", options).get("values", [])
    wanted = frozenset(map(str, values if isinstance(values, list) else [values]))
    return lambda candidate: 1.0 if candidate.document.id in wanted else None


def term(options: Any, context: Context) -> Scorer:
    """Documents with this term in a field."""
    path, value, inner = field_members("term", options, "value")
    if value is None:
        raise errors.illegal_argument("value cannot be null")
    return any_of(path, [value], context, ignore_case=bool(inner.get("case_insensitive")))


def terms(options: Any, context: Context) -> Scorer:
    """Documents with one of these terms in a field."""
    options = {
        key: value for key, value in members("terms", options).items() if key not in ("boost", "_name")
    }
    if not options:
        raise errors.illegal_argument(
            "[terms] query requires a field name, followed by array of terms or a term lookup specification"
        )
    if len(options) > 1:
        raise errors.query_parsing("[terms] query does not support multiple fields")
    path, values = next(iter(options.items()))
    if not isinstance(values, list):
        raise errors.query_parsing(f"[terms] query does not support [{path}]")
    if None in values:
        raise errors.query_parsing("No value specified for terms query")
    if len(values) > MAX_TERMS:
        raise errors.illegal_argument(
            f"The number of terms [{len(values)}] used in the Terms Query request has exceeded the "
            "allowed maximum of "
            f"[{MAX_TERMS}]. This maximum can be set by changing the [index.max_terms_count] index "
            "level setting."
        )
    return any_of(path, values, context)


def any_of(path: str, values: Sequence[Any], context: Context, *, ignore_case: bool = False) -> Scorer:
    """The scorer for one of several values in a field, also `_id` and `_index`."""
    if path == "_id":
        wanted_ids = frozenset(map(as_text, values))
        return lambda candidate: 1.0 if candidate.document.id in wanted_ids else None
    if path == "_index":
        return lambda candidate: (
            1.0 if {candidate.index.name, *candidate.index.aliases} & set(values) else None
        )

    def of_index(candidate: Candidate) -> Scorer:
        field = searchable_field(candidate, path)
        if field is not None and field.type in DATES:
            return _on_dates(field, values, context)
        found = _wanted(candidate, path, values, ignore_case=ignore_case)
        if found is None:
            return lambda candidate: None
        field, wanted = found
        if is_analyzed(field):
            return lambda candidate: None if wanted.isdisjoint(terms_of(candidate, field)) else 1.0

        is_plain = field.type == "keyword" and "normalizer" not in field.parameters and not ignore_case

        def score(candidate: Candidate) -> Score:
            raw = candidate.at(field)
            if is_plain and type(raw) is str:  # nearly always: a keyword is its own term
                return 1.0 if raw in wanted else None
            for value in candidate.values(field):
                if comparable(value, ignore_case=ignore_case) in wanted:
                    return 1.0
            return None

        return score

    return by_index(of_index)


def _on_dates(field: Field, values: Sequence[Any], context: Context) -> Scorer:
    """A date stands for all moments in it: `2024-01-31` for the day, `2024-01-31||/M` for the month."""
    spans = [_checks(field, {"gte": value, "lte": value}, context, None) for value in values]

    def score(candidate: Candidate) -> Score:
        dates = candidate.values(field)
        return 1.0 if any(all(check(date) for check in span) for span in spans for date in dates) else None

    return score


def _wanted(
    candidate: Candidate, path: str, values: Sequence[Any], *, ignore_case: bool
) -> tuple[Field, frozenset[Any]] | None:
    field = searchable_field(candidate, path)
    if field is None:
        return None
    if is_analyzed(field):
        return field, frozenset(as_text(value).lower() if ignore_case else as_text(value) for value in values)
    wanted = set()
    for value in values:
        if field.type == "boolean" and value == "":
            raise unsearchable(field, value)
        typed = number(value) if field.type in INTEGER_RANGES else None
        if typed is None:
            typed = typed_value(field, value)
        if typed is None:
            if "ignore_above" in field.parameters and isinstance(value, str):
                continue  # longer than any term of the field
            raise unsearchable(field, value)
        wanted.add(comparable(typed, ignore_case=ignore_case))
    return field, frozenset(wanted)


def exists(options: Any, context: Context) -> Scorer:
    """Documents with any value in a field."""
    path = members("exists", options).get("field")
    if not isinstance(path, str) or not path:
        raise errors.illegal_argument("[exists] must be provided with a [field]")

    if path == "_source":
        raise refused("The _source field is not searchable")
    if path in ("_id", "_index", "_seq_no", "_version"):
        return lambda candidate: 1.0

    def of_index(candidate: Candidate) -> Scorer:
        if "*" in path:
            fields = [leaf for leaf in candidate.index.mapping.leaves() if fnmatchcase(leaf.path, path)]
            return lambda candidate: 1.0 if any(map(candidate.has, fields)) else None
        field = candidate.index.mapping.field(path)
        if field is None:
            return lambda candidate: None
        if not field.is_object:
            return lambda candidate: 1.0 if candidate.has(field) else None
        return lambda candidate: 1.0 if candidate.raw(path) and _has_leaf(candidate, field) else None

    return by_index(of_index)


def _has_leaf(candidate: Candidate, field: Field) -> bool:
    return any(
        _has_leaf(candidate, child) if child.is_object else candidate.has(child)
        for child in field.properties.values()
    )


def range_(options: Any, context: Context) -> Scorer:
    """Documents with a value between bounds, dates by date math."""
    options = {
        key: value for key, value in members("range", options).items() if key not in ("boost", "_name")
    }
    if len(options) != 1:
        raise errors.query_parsing("[range] query malformed, no field name")
    path, bounds = next(iter(options.items()))
    if not isinstance(bounds, dict):
        raise errors.query_parsing(f"[range] query does not support [{path}]")
    bounds = _modern_bounds(bounds)
    unknown = [key for key in bounds if key not in RANGE_OPTIONS]
    if unknown:
        raise errors.query_parsing(f"[range] query does not support [{unknown[0]}]")
    zone = time_zones.named(bounds["time_zone"]) if "time_zone" in bounds else None

    def of_index(candidate: Candidate) -> Scorer:
        if path == "_id" and any(bounds.get(name) is not None for name in ("gt", "gte", "lt", "lte")):
            raise refused("failed to create query: Field [_id] of type [_id] does not support range queries")
        field = _range_field(candidate, path)
        if field is None:
            return lambda candidate: None
        checks = _checks(field, bounds, context, zone)
        is_text = is_analyzed(field)

        def score(candidate: Candidate) -> Score:
            if path == "_seq_no":
                values: Collection[Any] = [candidate.document.seq_no]
            else:
                values = terms_of(candidate, field) if is_text else candidate.values(field)
            return 1.0 if any(all(check(value) for check in checks) for value in values) else None

        return score

    return by_index(of_index)


def _modern_bounds(bounds: Mapping[str, Any]) -> dict[str, Any]:
    """`from`/`to` of old clients as the bounds of today."""
    modern = dict(bounds)
    includes_lower = modern.pop("include_lower", True)
    includes_upper = modern.pop("include_upper", True)
    if "from" in modern:
        modern["gte" if includes_lower else "gt"] = modern.pop("from")
    if "to" in modern:
        modern["lte" if includes_upper else "lt"] = modern.pop("to")
    return modern


def _range_field(candidate: Candidate, path: str) -> Field | None:
    if path == "_seq_no":
        return Field("_seq_no", "long")
    return searchable_field(candidate, path)


def _checks(
    field: Field, bounds: Mapping[str, Any], context: Context, zone: tzinfo | None
) -> list[Callable[[Any], bool]]:
    checks: list[Callable[[Any], bool]] = []
    for name in ("gt", "gte", "lt", "lte"):
        if bounds.get(name) is None:
            continue
        limit = _limit(field, bounds, name, context, zone)
        checks.append(_comparison(name, limit))
    return checks


def _comparison(name: str, limit: Any) -> Callable[[Any], bool]:
    match name:
        case "gt":
            return lambda value: bool(value > limit)
        case "gte":
            return lambda value: bool(value >= limit)
        case "lt":
            return lambda value: bool(value < limit)
        case _:
            return lambda value: bool(value <= limit)


def _limit(field: Field, bounds: Mapping[str, Any], name: str, context: Context, zone: tzinfo | None) -> Any:
    value = bounds[name]
    if field.type in DATES:
        moment = time_zones.evaluate(
            as_text(value),
            str(bounds.get("format") or field.format),
            context.now,
            zone=zone,
            round_up=name in ("gt", "lte"),
        )
        if moment is None:
            raise unsearchable(field, value)
        return moment
    if is_analyzed(field):
        return as_text(value)
    typed = number(value) if field.type in NUMERIC else None
    if typed is None:
        typed = typed_value(field, value)
    if typed is None:
        raise unsearchable(field, value)
    return typed
