"""Compatibility of mappings: whether a field that exists takes the values another mapping is for. No I/O.

Elasticsearch refuses a document for one value that its field does not take. What is said here holds for
Elasticsearch 8 and 9; of a type that is not named here nothing is said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final

from ingest.elasticsearch.mappings import nested


class Fit(IntEnum):
    """How much of what a column can hold a field takes."""

    NOTHING = 0
    """Nothing but null."""
    SOME = 1
    ALL = 2


class Kind(StrEnum):
    """What the values are that a mapping is made for."""

    NUMBER = "numbers"
    BOOLEAN = "booleans"
    TEXT = "texts"
    DATE = "dates"
    ADDRESS = "addresses"
    NETWORK = "networks"
    BYTES = "bytes"
    OBJECT = "objects"
    RANGE = "ranges"
    PLACE = "points or shapes"
    VECTOR = "vectors"
    ANYTHING = "JSON of any kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A field that does not take, or may not take, what a column holds."""

    path: str
    mapped: str
    """The type it has."""
    holds: Kind
    fit: Fit


_LARGEST: Final = {"byte": 1, "half_float": 1, "short": 2, "integer": 4, "unsigned_long": 1, "long": 8}
"""Bytes of the whole numbers, positive and negative, that these types take at least."""
_NUMBERS: Final = (*_LARGEST, "float", "double", "scaled_float")
_RANGES: Final = ("integer_range", "long_range", "float_range", "double_range", "date_range")
_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(_NUMBERS, Kind.NUMBER),
    **dict.fromkeys(_RANGES, Kind.RANGE),
    "boolean": Kind.BOOLEAN,
    "keyword": Kind.TEXT,
    "text": Kind.TEXT,
    "date": Kind.DATE,
    "ip": Kind.ADDRESS,
    "ip_range": Kind.NETWORK,
    "binary": Kind.BYTES,
    "object": Kind.OBJECT,
    "flattened": Kind.OBJECT,
    "geo_point": Kind.PLACE,
    "geo_shape": Kind.PLACE,
    "dense_vector": Kind.VECTOR,
}
_SINGLE: Final = frozenset(
    {Kind.NUMBER, Kind.BOOLEAN, Kind.TEXT, Kind.DATE, Kind.ADDRESS, Kind.BYTES, Kind.VECTOR}
)
_OBJECTS: Final = frozenset({Kind.OBJECT, Kind.RANGE, Kind.PLACE})
_WRITTEN: Final = frozenset({Kind.TEXT, Kind.BYTES, Kind.ANYTHING})
"""Values that may be written like those of any other kind."""

_Takes = tuple[frozenset[Kind], frozenset[Kind]]
"""The kinds of which a field takes all, and those of which it takes some."""
_TEXTS: Final[_Takes] = (_SINGLE, frozenset({Kind.NETWORK, Kind.ANYTHING}))
_DIGITS: Final[_Takes] = (frozenset({Kind.NUMBER, Kind.VECTOR}), _WRITTEN)
_ENDS: Final[_Takes] = (frozenset(), frozenset({Kind.RANGE, Kind.OBJECT, Kind.ANYTHING}))
_PLACES: Final[_Takes] = (frozenset(), frozenset({*_OBJECTS, *_WRITTEN, Kind.VECTOR, Kind.NUMBER}))
_TAKES: Final[Mapping[str, _Takes]] = {
    **dict.fromkeys(("keyword", "text", "wildcard", "match_only_text", "search_as_you_type"), _TEXTS),
    **dict.fromkeys(_NUMBERS, _DIGITS),
    **dict.fromkeys(_RANGES, _ENDS),
    **dict.fromkeys(("geo_point", "geo_shape"), _PLACES),
    "boolean": (frozenset({Kind.BOOLEAN}), _WRITTEN),
    "date": (frozenset({Kind.DATE}), _WRITTEN | {Kind.NUMBER, Kind.VECTOR}),
    "date_nanos": (frozenset(), _WRITTEN | {Kind.DATE, Kind.NUMBER, Kind.VECTOR}),
    "ip": (frozenset({Kind.ADDRESS}), _WRITTEN | {Kind.NETWORK}),
    "ip_range": (frozenset({Kind.NETWORK}), _WRITTEN | {Kind.ADDRESS, Kind.RANGE, Kind.OBJECT}),
    "object": (frozenset({Kind.OBJECT, Kind.RANGE}), frozenset({Kind.PLACE, Kind.NETWORK, Kind.ANYTHING})),
    "nested": (frozenset({Kind.OBJECT, Kind.RANGE}), frozenset({Kind.PLACE, Kind.NETWORK, Kind.ANYTHING})),
    "flattened": (_OBJECTS, frozenset({Kind.NETWORK, Kind.ANYTHING})),
}
_CAN_IGNORE: Final = frozenset({*_NUMBERS, "boolean", "date", "date_nanos", "ip", "geo_point", "geo_shape"})
"""Types that know `ignore_malformed`."""


def conflicts(
    existing: Mapping[str, Any], wanted: Mapping[str, Any], *, ignores_malformed: bool = False
) -> Iterator[Conflict]:
    """Compare a mapping (`properties`) with the properties that would be derived, at every depth.

    `ignores_malformed` is the index's setting; a field may have its own.
    """
    yield from _conflicts(existing.get("properties", {}), nested(wanted), ignores_malformed, "")


def _conflicts(
    present: Mapping[str, Any], wanted: Mapping[str, Any], ignores: bool, above: str
) -> Iterator[Conflict]:
    for name, definition in wanted.items():
        mapped = present.get(name)
        if mapped is None or mapped == definition:
            continue
        path = above + name
        type_ = mapped.get("type", "object")
        fit = fit_of(definition, mapped, ignores_malformed=ignores)
        if fit is not Fit.ALL:
            yield Conflict(path=path, mapped=type_, holds=kind_of(definition), fit=fit)
        elif type_ in ("object", "nested") and "properties" in definition:
            members = mapped.get("properties", {})
            yield from _conflicts(members, definition["properties"], ignores, f"{path}.")


def fit_of(derived: Mapping[str, Any], mapped: Mapping[str, Any], *, ignores_malformed: bool) -> Fit:
    """Say how much of what a mapping is made for fits into a field that is mapped like this."""
    type_, kind = mapped.get("type", "object"), kind_of(derived)
    is_same = kind is not Kind.ANYTHING and type_ == derived.get("type", "object")
    if is_same or type_ not in _TAKES or mapped.get("enabled") is False:
        return Fit.ALL
    takes_all, takes_some = _TAKES[type_]
    is_narrower = _LARGEST.get(type_, 8) < _LARGEST.get(derived.get("type", ""), 0)
    if kind in takes_all and not is_narrower:
        return Fit.ALL
    if type_ in _CAN_IGNORE and str(mapped.get("ignore_malformed", ignores_malformed)).lower() == "true":
        return Fit.ALL if kind in _SINGLE else Fit.SOME
    return Fit.SOME if kind in takes_some or is_narrower else Fit.NOTHING


def kind_of(derived: Mapping[str, Any]) -> Kind:
    """Return what the values are that a derived mapping is made for."""
    if derived.get("enabled") is False:
        return Kind.ANYTHING
    if "number" in derived.get("fields", {}):
        return Kind.NUMBER
    return _KINDS.get(derived.get("type", "object"), Kind.ANYTHING)
