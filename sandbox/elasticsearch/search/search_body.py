"""What a search asks for, from its body and its query parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.documents import SourceFilter
from sandbox.elasticsearch.search import sorting

DEFAULT_SIZE = 10
EVERYTHING = SourceFilter()
DEFAULT_TRACKED = 10_000
ALL = 2**63 - 1
"""As `track_total_hits`: count every hit."""
MEMBERS = frozenset(
    {
        "_source",
        "aggregations",
        "aggs",
        "docvalue_fields",
        "fields",
        "from",
        "min_score",
        "pit",
        "post_filter",
        "query",
        "search_after",
        "seq_no_primary_term",
        "size",
        "slice",
        "sort",
        "stored_fields",
        "terminate_after",
        "timeout",
        "track_scores",
        "track_total_hits",
        "version",
    }
)
UNSUPPORTED = frozenset(
    {
        "collapse",
        "explain",
        "ext",
        "highlight",
        "indices_boost",
        "knn",
        "profile",
        "rank",
        "rescore",
        "retriever",
        "runtime_mappings",
        "script_fields",
        "stats",
        "suggest",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchBody:
    """One search."""

    query: Any = None
    post_filter: Any = None
    sorts: tuple[sorting.Sort, ...] = ()
    offset: int = 0
    size: int = DEFAULT_SIZE
    after: tuple[Any, ...] | None = None
    pit: Mapping[str, Any] | None = None
    slice_id: int = 0
    slice_count: int = 1
    source: SourceFilter = EVERYTHING
    docvalue_fields: tuple[Any, ...] = ()
    fields: tuple[Any, ...] = ()
    without_stored_fields: bool = False
    tracked_total: int | None = DEFAULT_TRACKED
    with_seq_no: bool = False
    with_version: bool = False
    min_score: float | None = None
    aggregations: Mapping[str, Any] | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> "SearchBody":
        """The search of a body."""
        for name, value in body.items():
            if name in UNSUPPORTED:
                raise errors.illegal_argument(f"[{name}] is not supported by this server")
            if name not in MEMBERS:
                kind = "START_OBJECT" if isinstance(value, dict) else "VALUE_STRING"
                raise errors.query_parsing(f"Unknown key for a {kind} in [{name}].")
        after = body.get("search_after")
        if after is not None and (not isinstance(after, list) or not after):
            raise errors.illegal_argument("Values must contains at least one value.")
        slice_id, slice_count = _slice(body.get("slice"))
        search = cls(
            query=body.get("query"),
            post_filter=body.get("post_filter"),
            sorts=tuple(sorting.from_wire(body.get("sort"))),
            offset=_count(body, "from", 0),
            size=_count(body, "size", DEFAULT_SIZE),
            after=tuple(after) if after is not None else None,
            pit=_pit(body.get("pit")),
            slice_id=slice_id,
            slice_count=slice_count,
            source=SourceFilter.from_wire(body.get("_source")),
            docvalue_fields=tuple(_list(body, "docvalue_fields")),
            fields=tuple(_list(body, "fields")),
            without_stored_fields=body.get("stored_fields") in ("_none_", ["_none_"]),
            tracked_total=tracked(body.get("track_total_hits", DEFAULT_TRACKED)),
            with_seq_no=_flag(body, "seq_no_primary_term"),
            with_version=_flag(body, "version"),
            min_score=_score(body.get("min_score")),
            aggregations=body.get("aggregations", body.get("aggs")),
        )
        if (
            "stored_fields" in body
            and "_source" not in body
            and "_source" not in _texts(body["stored_fields"])
        ):
            search = replace(search, source=SourceFilter(wants_any=False))
        return search


def _count(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, str) and value.lstrip("-").isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise errors.query_parsing(f"Unknown key for a VALUE_STRING in [{name}].")
    return not_negative(name, value)


def not_negative(name: str, value: int) -> int:
    """The value, unless it is negative."""
    if value < 0:
        raise errors.illegal_argument(f"[{name}] parameter cannot be negative, found [{value}]")
    return value


def tracked(value: Any) -> int | None:
    """How far hits are counted: None not at all, a very large number without end."""
    if value is True:
        return ALL
    if value is False or value == -1:
        return None
    if not isinstance(value, int) or value < 0:
        raise errors.illegal_argument(
            f"[track_total_hits] parameter must be positive or equals to -1, got {value}"
        )
    return value


def _score(value: Any) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise errors.query_parsing("Unknown key for a VALUE_STRING in [min_score].")
    return value


def _pit(value: Any) -> Mapping[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or not value["id"]:
        raise errors.illegal_argument("Required [id]")
    return value


def _slice(value: Any) -> tuple[int, int]:
    if value is None:
        return 0, 1
    if not isinstance(value, dict):
        raise errors.query_parsing("Unknown key for a VALUE_STRING in [slice].")
    number, count = value.get("id", 0), value.get("max", 1)
    if not isinstance(number, int) or not isinstance(count, int) or count < 2 or not 0 <= number < count:
        raise errors.illegal_argument("max must be greater than id")
    return number, count


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if value in ("true", "false"):
        return bool(value == "true")
    if not isinstance(value, bool):
        raise errors.query_parsing(f"Unknown key for a VALUE_STRING in [{name}].")
    return value


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name) or []
    if not isinstance(value, list):
        raise errors.query_parsing(f"Unknown key for a VALUE_STRING in [{name}].")
    return value


def _texts(value: Any) -> list[str]:
    return [str(element) for element in value] if isinstance(value, list) else [str(value)]
