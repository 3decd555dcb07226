"""Queries: compiled once into a function that scores a candidate, or says that it does not match.

compiled({"bool": {...}}, context)(candidate) -> 1.0, or None
"""

import fnmatch
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.elasticsearch import dates, errors, query_string
from sandbox.elasticsearch.fields import DATES, NUMERIC, Field
from sandbox.elasticsearch.values import Candidate, is_analyzed, tokens, typed_value

Score = float | None
Scorer = Callable[[Candidate], Score]
MAX_CLAUSES = 65_536


@dataclass(frozen=True, slots=True)
class Context:
    """What a query needs to know besides itself."""

    now: datetime


def compiled(body: Any, context: Context) -> Scorer:
    """The query as a function; raises `parsing_exception` for what is no query."""
    name, options = _single(body, "query")
    builder = BUILDERS.get(name)
    if builder is None:
        raise errors.query_parsing(f"unknown query [{name}]")
    return builder(options, context)


def _single(body: Any, what: str) -> tuple[str, Any]:
    if not isinstance(body, dict):
        raise errors.query_parsing(f"[{what}] malformed query, expected [START_OBJECT]")
    if not body:
        raise errors.illegal_argument("query malformed, empty clause found")
    if len(body) > 1:
        first = next(iter(body))
        raise errors.query_parsing(f"[{first}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]")
    return next(iter(body.items()))


def _options(name: str, options: Any) -> dict[str, Any]:
    if not isinstance(options, dict):
        raise errors.query_parsing(f"[{name}] query malformed, no start_object after query name")
    return options


def _field_options(name: str, options: Any, value_key: str) -> tuple[str, Any, dict[str, Any]]:
    """The field of a query on one field, the value it asks for, and its options."""
    options = {key: value for key, value in _options(name, options).items() if key not in ("boost", "_name")}
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


def _match_all(options: Any, context: Context) -> Scorer:
    boost = float(_options("match_all", options).get("boost", 1.0))
    return lambda candidate: boost


def _match_none(options: Any, context: Context) -> Scorer:
    return lambda candidate: None


def _ids(options: Any, context: Context) -> Scorer:
    values = _options("ids", options).get("values", [])
    wanted = frozenset(map(str, values if isinstance(values, list) else [values]))
    return lambda candidate: 1.0 if candidate.document.id in wanted else None


def _term(options: Any, context: Context) -> Scorer:
    path, value, inner = _field_options("term", options, "value")
    if value is None:
        raise errors.illegal_argument("value cannot be null")
    return _any_of(path, [value], ignore_case=bool(inner.get("case_insensitive")))


def _terms(options: Any, context: Context) -> Scorer:
    options = {
        key: value for key, value in _options("terms", options).items() if key not in ("boost", "_name")
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
    if len(values) > MAX_CLAUSES:
        raise errors.illegal_argument(
            f"The number of terms [{len(values)}] used in the Terms Query request has exceeded the "
            "allowed maximum of "
            f"[{MAX_CLAUSES}]. This maximum can be set by changing the [index.max_terms_count] index "
            "level setting."
        )
    return _any_of(path, values)


def _any_of(path: str, values: Sequence[Any], *, ignore_case: bool = False) -> Scorer:
    if path == "_id":
        wanted_ids = frozenset(map(_as_text, values))
        return lambda candidate: 1.0 if candidate.document.id in wanted_ids else None
    if path == "_index":
        return lambda candidate: (
            1.0 if {candidate.index.name, *candidate.index.aliases} & set(values) else None
        )
    wanted_cache: dict[int, tuple[Field, frozenset[Any]] | None] = {}

    def score(candidate: Candidate) -> Score:
        key = id(candidate.index)
        if key not in wanted_cache:
            wanted_cache[key] = _wanted(candidate, path, values, ignore_case=ignore_case)
        entry = wanted_cache[key]
        if entry is None:
            return None
        field, wanted = entry
        return 1.0 if _terms_of(candidate, field, ignore_case=ignore_case) & wanted else None

    return score


def _wanted(
    candidate: Candidate, path: str, values: Sequence[Any], *, ignore_case: bool
) -> tuple[Field, frozenset[Any]] | None:
    field = _searchable_field(candidate, path)
    if field is None:
        return None
    if is_analyzed(field):
        return field, frozenset(
            _as_text(value).lower() if ignore_case else _as_text(value) for value in values
        )
    wanted = set()
    for value in values:
        typed = typed_value(field, value)
        if typed is None:
            raise _unsearchable(field, value)
        wanted.add(_comparable(typed, ignore_case=ignore_case))
    return field, frozenset(wanted)


def _unsearchable(field: Field, value: Any) -> errors.ElasticsearchError:
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
        return errors.search_failed(
            errors.ElasticsearchError(400, "query_shard_exception", f"failed to create query: {cause}")
        )
    return errors.search_failed(
        errors.illegal_argument(f"failed to create query: cannot search for [{value}]")
    )


def _terms_of(candidate: Candidate, field: Field, *, ignore_case: bool = False) -> set[Any]:
    """The terms of a document in a field."""
    values = candidate.values(field)
    if is_analyzed(field):
        return {token for value in values for token in tokens(value)}
    return {_comparable(value, ignore_case=ignore_case) for value in values}


def _comparable(value: Any, *, ignore_case: bool) -> Any:
    # True is not the number 1: each kind is compared with its own.
    if isinstance(value, bool):
        return ("boolean", value)
    return value.lower() if ignore_case and isinstance(value, str) else value


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _searchable_field(candidate: Candidate, path: str) -> Field | None:
    field = candidate.index.mapping.field(path)
    if field is None or field.is_object or field.parameters.get("index") in (False, "false"):
        return _unindexed(field)
    return field


def _unindexed(field: Field | None) -> Field | None:
    if field is None or field.is_object:
        return None
    # Numbers, dates and keywords are searched through their doc values where there is no index; text is not.
    if field.parameters.get("doc_values") in (False, "false") or is_analyzed(field):
        raise errors.search_failed(
            errors.ElasticsearchError(
                400,
                "query_shard_exception",
                f"failed to create query: Cannot search on field [{field.path}] since it is not indexed.",
            )
        )
    return field


def _exists(options: Any, context: Context) -> Scorer:
    path = _options("exists", options).get("field")
    if not isinstance(path, str) or not path:
        raise errors.illegal_argument("[exists] must be provided with a [field]")

    def score(candidate: Candidate) -> Score:
        if path in ("_id", "_index", "_source", "_seq_no", "_version"):
            return 1.0
        field = candidate.index.mapping.field(path)
        if field is None:
            return None
        if not field.is_object:
            return 1.0 if candidate.values(field) else None
        return 1.0 if candidate.raw(path) and _has_leaf(candidate, field) else None

    return score


def _has_leaf(candidate: Candidate, field: Field) -> bool:
    return any(
        _has_leaf(candidate, child) if child.is_object else bool(candidate.values(child))
        for child in field.properties.values()
    )


def _range(options: Any, context: Context) -> Scorer:
    options = {
        key: value for key, value in _options("range", options).items() if key not in ("boost", "_name")
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
    limits: dict[int, tuple[Field, list[Callable[[Any], bool]]] | None] = {}

    def score(candidate: Candidate) -> Score:
        key = id(candidate.index)
        if key not in limits:
            field = _range_field(candidate, path)
            limits[key] = None if field is None else (field, _checks(field, bounds, context))
        entry = limits[key]
        if entry is None:
            return None
        field, checks = entry
        values = [candidate.document.seq_no] if path == "_seq_no" else candidate.values(field)
        return 1.0 if any(all(check(value) for check in checks) for value in values) else None

    return score


RANGE_OPTIONS = frozenset({"gt", "gte", "lt", "lte", "format", "time_zone", "relation", "boost", "_name"})


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
    return _searchable_field(candidate, path)


def _checks(field: Field, bounds: Mapping[str, Any], context: Context) -> list[Callable[[Any], bool]]:
    checks: list[Callable[[Any], bool]] = []
    for name in ("gt", "gte", "lt", "lte"):
        if bounds.get(name) is None:
            continue
        limit = _limit(field, bounds[name], name, bounds.get("format"), context)
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


def _limit(field: Field, value: Any, name: str, format_: Any, context: Context) -> Any:
    if field.type in DATES:
        moment = dates.evaluate(
            _as_text(value), str(format_ or field.format), context.now, round_up=name in ("gt", "lte")
        )
        if moment is None:
            raise _unsearchable(field, value)
        return moment
    if is_analyzed(field):
        return _as_text(value)
    typed = float(value) if isinstance(value, float) and field.type in NUMERIC else typed_value(field, value)
    if typed is None:
        raise _unsearchable(field, value)
    return typed


def _pattern_query(name: str, translate: Callable[[str], str]) -> Callable[[Any, Context], Scorer]:
    def build(options: Any, context: Context) -> Scorer:
        path, value, inner = _field_options(name, options, "value")
        if value is None:
            raise errors.illegal_argument("value cannot be null")
        try:
            pattern = re.compile(
                translate(_as_text(value)),
                re.DOTALL | (re.IGNORECASE if inner.get("case_insensitive") else 0),
            )
        except re.error as error:
            raise errors.search_failed(errors.illegal_argument(f"failed to create query: {error}")) from None
        return _matching(path, pattern)

    return build


def _matching(path: str, pattern: re.Pattern[str]) -> Scorer:
    def score(candidate: Candidate) -> Score:
        if path == "_id":
            return 1.0 if pattern.fullmatch(candidate.document.id) else None
        if path == "_index":
            return 1.0 if pattern.fullmatch(candidate.index.name) else None
        field = _searchable_field(candidate, path)
        if field is None:
            return None
        terms = _terms_of(candidate, field)
        return 1.0 if any(isinstance(term, str) and pattern.fullmatch(term) for term in terms) else None

    return score


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


def _match(options: Any, context: Context) -> Scorer:
    path, value, inner = _field_options("match", options, "query")
    if value is None:
        raise errors.illegal_argument("No text specified for text query")
    return match_text(path, value, operator=str(inner.get("operator", "or")))


def match_text(path: str, value: Any, *, operator: str = "or", as_phrase: bool = False) -> Scorer:
    """The scorer of a text against a field: any term, all terms, or the phrase."""
    wanted = tokens(_as_text(value))

    def score(candidate: Candidate) -> Score:
        field = candidate.index.mapping.field(path) if path != "_id" else None
        if field is None or field.is_object or not is_analyzed(field):
            return _exact(candidate)
        texts = [tokens(text) for text in candidate.values(field)]
        if as_phrase:
            return 1.0 if any(_has_phrase(text, wanted) for text in texts) else None
        return _relevance(
            [token for text in texts for token in text], wanted, needs_all=operator.lower() == "and"
        )

    exact = _any_of(path, [value])

    def _exact(candidate: Candidate) -> Score:
        return exact(candidate)

    return score


def _has_phrase(text: list[str], phrase: list[str]) -> bool:
    size = len(phrase)
    return bool(phrase) and any(text[start : start + size] == phrase for start in range(len(text) - size + 1))


def _relevance(text: list[str], wanted: list[str], *, needs_all: bool) -> Score:
    """A score after BM25 without the statistics of the index: more often and in shorter texts is better."""
    hits = {term: text.count(term) for term in wanted}
    if not wanted or not any(hits.values()) or (needs_all and not all(hits.values())):
        return None
    norm = 1.2 * (0.25 + 0.75 * len(text) / 10)
    return sum(count * 2.2 / (count + norm) for count in hits.values() if count)


def _match_phrase(options: Any, context: Context) -> Scorer:
    path, value, _ = _field_options("match_phrase", options, "query")
    return match_text(path, value, as_phrase=True)


def _match_phrase_prefix(options: Any, context: Context) -> Scorer:
    path, value, _ = _field_options("match_phrase_prefix", options, "query")
    *head, last = tokens(_as_text(value)) or [""]

    def score(candidate: Candidate) -> Score:
        field = candidate.index.mapping.field(path)
        if field is None or field.is_object:
            return None
        for text in candidate.values(field):
            words = tokens(_as_text(text))
            for start in range(len(words) - len(head)):
                if words[start : start + len(head)] == head and words[start + len(head)].startswith(last):
                    return 1.0
        return None

    return score


def _multi_match(options: Any, context: Context) -> Scorer:
    options = _options("multi_match", options)
    if options.get("query") is None:
        raise errors.illegal_argument("[multi_match] requires query value")
    patterns = options.get("fields", ["*"])
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return multi_field(
        [str(pattern).partition("^")[0] for pattern in patterns],
        options["query"],
        operator=str(options.get("operator", "or")),
        as_phrase=options.get("type") == "phrase",
    )


def multi_field(
    patterns: Sequence[str], value: Any, *, operator: str = "or", as_phrase: bool = False
) -> Scorer:
    """The best score a text reaches in one of the fields named; unsuitable fields are passed over."""
    scorers: dict[str, Scorer] = {}

    def score(candidate: Candidate) -> Score:
        best: Score = None
        for path in expanded(candidate, patterns):
            scorer = scorers.setdefault(path, match_text(path, value, operator=operator, as_phrase=as_phrase))
            try:
                found = scorer(candidate)
            except errors.ElasticsearchError:
                continue
            if found is not None and (best is None or found > best):
                best = found
        return best

    return score


def expanded(candidate: Candidate, patterns: Sequence[str]) -> list[str]:
    """The fields of a candidate's index that patterns stand for."""
    found: list[str] = []
    for pattern in patterns:
        if "*" in pattern:
            leaves = candidate.index.mapping.leaves()
            found.extend(leaf.path for leaf in leaves if fnmatch.fnmatchcase(leaf.path, pattern))
        else:
            found.append(pattern)
    return found


def _bool(options: Any, context: Context) -> Scorer:
    options = _options("bool", options)
    unknown = [key for key in options if key not in BOOL_OPTIONS]
    if unknown:
        raise errors.query_parsing(f"[bool] query does not support [{unknown[0]}]")
    must, filters, must_not, should = (
        [compiled(clause, context) for clause in _clauses(options.get(name))]
        for name in ("must", "filter", "must_not", "should")
    )
    needed = _minimum_should_match(options, len(should), has_others=bool(must or filters))

    def score(candidate: Candidate) -> Score:
        total = 0.0
        for clause in must:
            found = clause(candidate)
            if found is None:
                return None
            total += found
        if any(clause(candidate) is None for clause in filters):
            return None
        if any(clause(candidate) is not None for clause in must_not):
            return None
        scores = [found for clause in should if (found := clause(candidate)) is not None]
        if len(scores) < needed:
            return None
        if not must and not filters and not should and must_not:
            return 0.0
        return total + sum(scores) if must or should or filters else 1.0

    return score


BOOL_OPTIONS = frozenset(
    {"must", "filter", "must_not", "should", "minimum_should_match", "boost", "adjust_pure_negative", "_name"}
)


def _clauses(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _minimum_should_match(options: Mapping[str, Any], count: int, *, has_others: bool) -> int:
    value = options.get("minimum_should_match")
    if value is None:
        return 0 if has_others or not count else 1
    text = str(value)
    try:
        needed = math.floor(count * int(text[:-1]) / 100) if text.endswith("%") else int(text)
    except ValueError:
        raise errors.illegal_argument(f'For input string: "{text}"') from None
    return count + needed if needed < 0 else needed


def _constant_score(options: Any, context: Context) -> Scorer:
    options = _options("constant_score", options)
    if "filter" not in options:
        raise errors.query_parsing("[constant_score] requires a 'filter' element")
    inner = compiled(options["filter"], context)
    boost = float(options.get("boost", 1.0))
    return lambda candidate: None if inner(candidate) is None else boost


def _query_string(options: Any, context: Context) -> Scorer:
    options = _options("query_string", options)
    if not isinstance(options.get("query"), str):
        raise errors.query_parsing("[query_string] must be provided with a [query]")
    fields = options.get("fields") or [options.get("default_field") or "*"]
    return query_string.compiled(
        options["query"],
        [str(name).partition("^")[0] for name in fields],
        default_operator=str(options.get("default_operator", "or")).lower(),
        build=lambda body: compiled(body, context),
        text_query=multi_field,
    )


def _nested(options: Any, context: Context) -> Scorer:
    options = _options("nested", options)
    if "query" not in options:
        raise errors.query_parsing("[nested] requires 'query' field")
    return compiled(options["query"], context)


BUILDERS: Mapping[str, Callable[[Any, Context], Scorer]] = {
    "bool": _bool,
    "constant_score": _constant_score,
    "exists": _exists,
    "ids": _ids,
    "match": _match,
    "match_all": _match_all,
    "match_none": _match_none,
    "match_phrase": _match_phrase,
    "match_phrase_prefix": _match_phrase_prefix,
    "multi_match": _multi_match,
    "nested": _nested,
    "prefix": _pattern_query("prefix", lambda text: re.escape(text) + ".*"),
    "query_string": _query_string,
    "range": _range,
    "regexp": _pattern_query("regexp", lambda text: text),
    "simple_query_string": _query_string,
    "term": _term,
    "terms": _terms,
    "wildcard": _pattern_query("wildcard", wildcard_regex),
}
