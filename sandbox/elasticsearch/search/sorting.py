"""Sorting: what to sort by, the key of a candidate, and the values a client pages on with `search_after`."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices import Index
from sandbox.elasticsearch.mapping import Field, dates
from sandbox.elasticsearch.mapping.fields import DATES, FLOATING, NUMERIC
from sandbox.elasticsearch.search.candidates import Candidate, is_analyzed, typed_value

LONGS = (-(2**63), 2**63 - 1)
INTS = (-(2**31), 2**31 - 1)
SMALLER = frozenset({"integer", "short", "byte"})
NUMBERS = NUMERIC | DATES | {"boolean"}
POSITIONAL = frozenset({"_doc", "_shard_doc"})
SPECIAL = POSITIONAL | {"_score", "_seq_no", "_index"}
OPTIONS = frozenset({"order", "missing", "unmapped_type", "mode", "format", "numeric_type", "nested"})


class _Descending:
    """A value that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: "_Descending") -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]  # keys are compared, never looked up


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """One thing to sort by."""

    path: str
    is_descending: bool = False
    missing: Any = "_last"
    unmapped_type: str | None = None
    mode: str | None = None
    format: str | None = None

    def field(self, index: Index) -> Field | None:
        """The field in one index; None where it is not mapped and need not be."""
        if self.path in SPECIAL:
            return None
        if self.path == "_id":
            raise errors.search_failed(
                errors.illegal_argument(
                    "Fielddata access on the _id field is disallowed, you can re-enable it by "
                    "updating the dynamic "
                    "cluster setting: indices.id_field_data.enabled"
                ),
                index=index.name,
            )
        field = index.mapping.field(self.path)
        if field is None or field.is_object:
            if self.unmapped_type is not None:
                return None
            raise errors.search_failed(
                errors.ElasticsearchError(
                    400,
                    "query_shard_exception",
                    f"No mapping found for [{self.path}] in order to sort on",
                    members={"index_uuid": index.uuid, "index": index.name},
                ),
                index=index.name,
            )
        if is_analyzed(field):
            raise errors.search_failed(fielddata_disabled(field, index), index=index.name)
        if self.mode in ("avg", "sum", "median") and field.type not in NUMBERS:
            raise errors.search_failed(
                errors.ElasticsearchError(
                    400,
                    "query_shard_exception",
                    "we only support AVG, MEDIAN and SUM on number based fields",
                )
            )
        self._substitute(field)  # refuses a text in place of a number, also where no document needs it
        return field

    def value(self, candidate: Candidate, field: Field | None, score: float | None) -> Any:
        """The value of a candidate; None if it has none."""
        match self.path:
            case "_score":
                return score
            case "_doc" | "_shard_doc":
                return candidate.position
            case "_seq_no":
                return candidate.document.seq_no
            case "_index":
                return candidate.index.name
        values = candidate.values(field) if field is not None else []
        if not values:
            return self._substitute(field)
        return values[0] if len(values) == 1 else self._chosen(values, field)

    def key(self, value: Any) -> tuple[int, Any]:
        """What to compare for a value; candidates without one come last, or first, whatever the order."""
        if value is None:
            return (-1 if self.missing == "_first" else 1, 0)
        if isinstance(value, bool):
            value = int(value)
        return (0, _Descending(value) if self.is_descending else value)

    def shown(self, value: Any, field: Field | None) -> Any:
        """A value as a hit's `sort` shows it."""
        if value is None:
            return self._shown_missing(field)
        if isinstance(value, bool):
            return int(value)
        if field is not None and field.type in DATES:
            return dates.printed(value, self.format) if self.format else int(value)
        return value

    def after(self, value: Any, field: Field | None) -> Any:
        """The value meant by an entry of `search_after`, as `value` gives it."""
        if value is None or (
            self.path not in SPECIAL and field is not None and value == self._shown_missing(field)
        ):
            return None
        if self.path in SPECIAL or field is None:
            return value
        if field.type == "boolean" and type(value) is int:
            return value == 1
        if field.type in DATES:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
            return dates.parse(str(value), self.format or f"{field.format}||strict_date_optional_time")
        typed = typed_value(field, value)
        if typed is None:
            raise errors.search_failed(
                errors.illegal_argument(f"Failed to parse search_after value for field [{self.path}].")
            )
        return typed

    def _substitute(self, field: Field | None) -> Any:
        """What stands for the value of a document without one; None where it comes last or first."""
        if self.missing in ("_last", "_first"):
            return None
        kind = field.type if field is not None else self.unmapped_type
        if kind not in NUMBERS:
            return str(self.missing)
        try:
            if kind in FLOATING:
                return float(self.missing)
            return int(self.missing)
        except (TypeError, ValueError):
            raise errors.search_failed(
                errors.ElasticsearchError(
                    400, "number_format_exception", f'For input string: "{self.missing}"'
                )
            ) from None

    def _chosen(self, values: Sequence[Any], field: Field | None) -> Any:
        match self.mode or ("max" if self.is_descending else "min"):
            case "max":
                return max(values)
            case "min":
                return min(values)
            case "sum":
                return sum(values)
            case "avg":
                return _rounded(sum(values) / len(values), field)
            case "median":
                return _rounded(statistics.median(values), field)
            case other:
                raise errors.illegal_argument(f"Unknown SortMode [{other}]")

    def _shown_missing(self, field: Field | None) -> Any:
        kind = field.type if field is not None else self.unmapped_type
        if kind not in NUMBERS or (kind in DATES and self.format is not None):
            return None
        is_largest = (self.missing == "_last") is not self.is_descending
        if kind in FLOATING:
            return "Infinity" if is_largest else "-Infinity"
        smallest, largest = INTS if kind in SMALLER else LONGS
        return largest if is_largest else smallest


def _rounded(value: float, field: Field | None) -> float:
    """The mean of whole numbers is one, too."""
    is_fraction = field is not None and field.type in FLOATING
    return value if is_fraction else math.floor(value + 0.5)


def from_wire(body: Any) -> list[Sort]:
    """The sorts of a request's `sort`."""
    if body is None:
        return []
    entries = body if isinstance(body, list) else [body]
    return [sort for entry in entries for sort in _entries(entry)]


def from_query(text: str) -> list[Sort]:
    """The sorts of the query parameter (`name:desc,_doc`)."""
    sorts = []
    for part in text.split(","):
        path, _, order = part.rpartition(":") if part.endswith((":asc", ":desc")) else (part, "", "")
        sorts.append(_sort(path, {"order": order} if order else {}))
    return sorts


def fielddata_disabled(field: Field, index: Index) -> errors.ElasticsearchError:
    """The refusal to sort or aggregate on text."""
    return errors.illegal_argument(
        f"Fielddata is disabled on [{field.path}] in [{index.name}]. Text fields are not optimised "
        "for operations that "
        "require per-document field data like aggregations and sorting, so these operations are "
        "disabled by default. "
        f"Please use a keyword field instead. Alternatively, set fielddata=true on [{field.path}] in "
        "order to load "
        "field data by uninverting the inverted index. Note that this can use significant memory."
    )


def _entries(entry: Any) -> list[Sort]:
    if isinstance(entry, str):
        return [_sort(entry, {})]
    if not isinstance(entry, dict):
        raise errors.illegal_argument(
            "malformed sort format, within the sort array, an object, or an actual string are allowed"
        )
    return [
        _sort(path, {"order": options} if isinstance(options, str) else options)
        for path, options in entry.items()
    ]


def _sort(path: str, options: Any) -> Sort:
    if not isinstance(options, Mapping):
        raise errors.query_parsing(f"[{path}] malformed sort")
    unknown = next((name for name in options if name not in OPTIONS), None)
    if unknown is not None:
        raise errors.parsing(f"[field_sort] unknown field [{unknown}]")
    order = str(options.get("order", "desc" if path == "_score" else "asc")).lower()
    if order not in ("asc", "desc"):
        raise errors.illegal_argument(f"Unknown SortOrder [{order}]")
    return Sort(
        path=path,
        is_descending=order == "desc",
        missing=options.get("missing", "_last"),
        unmapped_type=options.get("unmapped_type"),
        mode=options.get("mode"),
        format=options.get("format"),
    )
