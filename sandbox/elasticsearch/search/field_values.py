"""What aggregations summarize: the values of a field in documents, and how results show them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices import Index
from sandbox.elasticsearch.json import token_of
from sandbox.elasticsearch.mapping import Field, dates
from sandbox.elasticsearch.mapping.fields import DATES, NUMERIC
from sandbox.elasticsearch.search.candidates import Candidate, is_analyzed, typed_value
from sandbox.elasticsearch.search.queries.parts import unsearchable
from sandbox.elasticsearch.search.sorting import fielddata_disabled

Candidates = Sequence[Candidate]
Values = list[tuple[Field | None, Any]]
NUMBERS_ONLY = frozenset({"avg", "max", "min", "stats", "sum"})
WITHOUT_EFFECT = frozenset(
    {"collect_mode", "execution_hint", "shard_min_doc_count", "shard_size", "value_type"}
)
OPTIONS = {
    "cardinality": frozenset({"field", "missing", "precision_threshold", "execution_hint"}),
    "filters": frozenset({"filters", "other_bucket", "other_bucket_key", "keyed"}),
    "missing": frozenset({"field", "missing"}),
    "terms": WITHOUT_EFFECT
    | {"field", "missing", "format", "size", "order", "min_doc_count", "include", "exclude"},
}


def check(kind: str, options: Mapping[str, Any], indices: Sequence[Index]) -> None:
    """Refuse an option that would be passed over, and a field that cannot be summarized so."""
    allowed = OPTIONS.get(kind, frozenset({"field", "missing", "format"}))
    unknown = next((name for name in options if name not in allowed), None)
    if unknown is not None and kind != "filter":
        raise errors.parsing(f"[{kind}] unknown field [{unknown}]")
    for index in indices:
        field = index.mapping.field(str(options.get("field")))
        if field is None or field.is_object or kind in ("filter", "filters"):
            continue
        if is_analyzed(field) and kind != "missing":
            raise errors.search_failed(fielddata_disabled(field, index), index=index.name)
        if kind in NUMBERS_ONLY and field.type not in NUMERIC | DATES | {"boolean"}:
            raise errors.search_failed(
                errors.illegal_argument(
                    f"Field [{field.path}] of type [{field.type}] is not supported for aggregation [{kind}]"
                )
            )
        if options.get("missing") is not None:
            _substitute(options["missing"], field, options.get("format"))


def _field(options: Mapping[str, Any], candidate: Candidate) -> Field | None:
    path = options.get("field")
    if not isinstance(path, str):
        raise errors.illegal_argument("Required one of fields [field, script], but none were specified. ")
    if path in ("_id", "_index"):
        return Field(path, "keyword")
    field = candidate.index.mapping.field(path)
    if field is None or field.is_object:
        return None
    if is_analyzed(field):
        raise errors.search_failed(fielddata_disabled(field, candidate.index), index=candidate.index.name)
    return field


def of_document(options: Mapping[str, Any], candidate: Candidate) -> tuple[Field | None, list[Any]]:
    """The field of an aggregation in a document, and its values there."""
    field = _field(options, candidate)
    if field is None:
        values: list[Any] = []
    elif field.path in ("_id", "_index"):
        values = [candidate.document.id if field.path == "_id" else candidate.index.name]
    else:
        values = candidate.values(field)
        if field.type == "keyword":
            values = list(dict.fromkeys(values))  # a document has a term once
    if not values and options.get("missing") is not None:
        values = [_substitute(options["missing"], field, options.get("format"))]
    return field, values


def _substitute(value: Any, field: Field | None, format_: Any) -> Any:
    """What takes the place of a missing value, as the field would hold it."""
    if isinstance(value, dict | list):
        raise errors.query_parsing(f"[missing] doesn't support values of type: {token_of(value)}")
    if field is None:
        return value
    if field.type in DATES and format_ is not None:
        typed: Any = dates.parse(str(value), str(format_))
    else:
        typed = typed_value(field, value)
    if typed is None and field.type in NUMERIC:
        cause = errors.ElasticsearchError(400, "number_format_exception", f'For input string: "{value}"')
        raise errors.search_failed(cause)
    if typed is None and field.type in DATES:
        raise unsearchable(field, value)
    return value if typed is None else typed


def of_documents(options: Mapping[str, Any], candidates: Candidates) -> list[tuple[Field | None, Any]]:
    """The values of all documents, each with its field."""
    found: Values = []
    for candidate in candidates:
        field, values = of_document(options, candidate)
        found.extend((field, value) for value in values)
    return found


def numbers_of(values: Values) -> list[float]:
    """The values as numbers."""
    numbers = []
    for field, value in values:
        if not isinstance(value, bool | int | float):
            path = field.path if field is not None else ""
            raise errors.search_failed(
                errors.illegal_argument(f"Field [{path}] of type [keyword] is not supported for aggregation")
            )
        numbers.append(float(value))
    return numbers


def as_text(name: str, number: float, values: Values, options: Mapping[str, Any]) -> dict[str, Any]:
    """The number as the values are written: a date, or true for what is not zero."""
    field = values[0][0] if values else None
    if field is not None and field.type in DATES:
        return {f"{name}_as_string": date_text(number, options)}
    if field is not None and field.type == "boolean":
        return {f"{name}_as_string": number != 0 if name != "value" else str(number != 0).lower()}
    return {}


def date_text(milliseconds: float, options: Mapping[str, Any]) -> str:
    """A moment in the format that was asked for."""
    try:
        return dates.printed(milliseconds, options.get("format"))
    except ValueError as error:
        raise errors.illegal_argument(f"Invalid format: [{options['format']}]: {error}") from None
