"""Sorting: what to sort by, the key of a candidate, and the values a client pages on with `search_after`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices import Index
from sandbox.elasticsearch.mapping import Field, dates
from sandbox.elasticsearch.mapping.fields import DATES, FLOATING, NUMERIC
from sandbox.elasticsearch.search.candidates import Candidate, is_analyzed, typed_value

LARGEST_LONG = 2**63 - 1
SMALLEST_LONG = -(2**63)
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
        if field is None:
            return None
        values = candidate.values(field)
        if not values:
            return None
        if len(values) == 1:
            return values[0]
        return self._chosen(values)

    def key(self, value: Any) -> tuple[int, Any]:
        """What to compare for a value; candidates without one come last, or first, whatever the order."""
        if value is None:
            if self.missing not in ("_last", "_first"):
                value = self.missing
            else:
                return (1 if self.missing == "_last" else -1, 0)
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
            return dates.iso(value) if self.format else int(value)
        return value

    def after(self, value: Any, field: Field | None) -> Any:
        """The value meant by an entry of `search_after`, as `value` gives it."""
        if value is None or (
            self.path not in SPECIAL and field is not None and value == self._shown_missing(field)
        ):
            return None
        if self.path in SPECIAL or field is None:
            return value
        if field.type in DATES:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
            return dates.parse(str(value), f"{field.format}||strict_date_optional_time")
        typed = typed_value(field, value)
        if typed is None:
            raise errors.search_failed(
                errors.illegal_argument(f"Failed to parse search_after value for field [{self.path}].")
            )
        return typed

    def _chosen(self, values: Sequence[Any]) -> Any:
        match self.mode or ("max" if self.is_descending else "min"):
            case "max":
                return max(values)
            case "min":
                return min(values)
            case "sum":
                return sum(values)
            case "avg":
                return sum(values) / len(values)
            case "median":
                return sorted(values)[len(values) // 2]
            case other:
                raise errors.illegal_argument(f"Unknown SortMode [{other}]")

    def _shown_missing(self, field: Field | None) -> Any:
        if self.missing not in ("_last", "_first"):
            return self.missing
        kind = field.type if field is not None else self.unmapped_type
        if kind not in NUMERIC | DATES | {"boolean"}:
            return None
        is_largest = (self.missing == "_last") is not self.is_descending
        if kind in FLOATING:
            return "Infinity" if is_largest else "-Infinity"
        return LARGEST_LONG if is_largest else SMALLEST_LONG


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
