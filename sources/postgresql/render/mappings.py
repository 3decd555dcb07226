"""Elasticsearch field mappings derived from column types.

The rule is that a mapping may never make a document unacceptable which the source can produce: what does not
parse as a date, an address or a number is kept in the document and only not indexed (`ignore_malformed`),
long values are not indexed as one term (`ignore_above`), and JSON, which may be anything, is kept and not
indexed at all. Arrays are mapped as their elements are.
"""

from collections.abc import Mapping
from typing import Any

from sources.postgresql.catalog.types import Type, TypeKind
from sources.postgresql.render.names import member_names

LONGEST_TERM_CHARACTERS = 8191
"""Lucene takes terms of 32,766 bytes; a character has up to four."""
LONGEST_EXACT_TEXT_CHARACTERS = 256
"""Up to which a text, beside being searched by its words, is one term: what may be a name or a title.

As Elasticsearch does by itself. A term for each text of 5 kB takes twice the processor time and disk.
"""
DEEPEST_OBJECT = 10
"""Elasticsearch allows 20 objects in one another."""
LARGEST_FLATTENED_DEPTH = 1000
LARGEST_VECTOR_DIMENSIONS = 4096
LONG_DIGITS, INTEGER_DIGITS, DOUBLE_DIGITS = 18, 9, 15

Properties = Mapping[str, Any]


def keyword() -> dict[str, Any]:
    """Return the mapping of a text that is searched as a whole."""
    return {"type": "keyword", "ignore_above": LONGEST_TERM_CHARACTERS}


def anything() -> dict[str, Any]:
    """Return the mapping that takes any JSON: kept in the document, not indexed."""
    return {"type": "object", "enabled": False}


def column_mapping(of: Type, modifier: int = -1) -> dict[str, Any]:
    """Return the mapping of a column of this type and modifier."""
    base = of
    while base.kind is TypeKind.DOMAIN:
        base, modifier = base.inner, base.modifier
    if base.name in ("vector", "halfvec") and 0 < modifier <= LARGEST_VECTOR_DIMENSIONS:
        return {"type": "dense_vector", "dims": modifier, "similarity": "l2_norm"}
    return mapping_of(base, modifier)


def mapping_of(of: Type, modifier: int = -1, depth: int = 0) -> dict[str, Any]:
    """Return the mapping of a value of this type and modifier, wherever in a document it is."""
    match of.kind:
        case TypeKind.DOMAIN:
            return mapping_of(of.inner, of.modifier, depth)
        case TypeKind.ARRAY:
            return mapping_of(of.inner, modifier, depth)
        case TypeKind.MULTIRANGE:
            return mapping_of(of.inner, depth=depth)
        case TypeKind.RANGE:
            return _range(of.inner, depth)
        case TypeKind.COMPOSITE:
            return _composite(of, depth)
        case TypeKind.BASE:
            return _base(of, modifier)
        case TypeKind.ENUM:
            return keyword()
        case TypeKind.PSEUDO:
            return anything()


def precision_and_scale(modifier: int) -> tuple[int, int]:
    """Return what a numeric's modifier declares."""
    return ((modifier - 4) >> 16) & 0xFFFF, (((modifier - 4) & 0x7FF) ^ 1024) - 1024


def _composite(of: Type, depth: int) -> dict[str, Any]:
    if depth >= DEEPEST_OBJECT:
        return anything()
    names = member_names([member.name for member in of.attributes])
    properties = {}
    for member in of.attributes:
        name = names[member.name]
        properties[name] = mapping_of(member.type, member.modifier, depth + name.count(".") + 1)
    return {"properties": properties}


def _base(of: Type, modifier: int) -> dict[str, Any]:
    match of.base_name:
        case "numeric":
            return _numeric(modifier)
        case "bpchar" if 4 < modifier <= 256 + 4:  # codes; a varchar may hold a title
            return keyword()
        case "text" | "varchar" | "bpchar" | "xml":
            exact = {"type": "keyword", "ignore_above": LONGEST_EXACT_TEXT_CHARACTERS}
            return {"type": "text", "fields": {"keyword": exact}}
        case "money":
            return {"type": "scaled_float", "scaling_factor": 100}
        case "json" | "jsonb":
            return anything()
    if of.base_name in _BASE:
        return dict(_BASE[of.base_name])
    return _extension(of)


def _extension(of: Type) -> dict[str, Any]:
    match of.name:
        case "geometry" | "geography" if of.has_geojson:
            return {"type": "geo_shape", "ignore_malformed": True}
        case "hstore":
            return {
                "type": "flattened",
                "ignore_above": LONGEST_TERM_CHARACTERS,
                "depth_limit": LARGEST_FLATTENED_DEPTH,
            }
        case "vector" | "halfvec":  # in an array, or in objects that may be in one, it may occur twice
            return {"type": "float", "index": False}
        case _:
            return anything() if of.has_json_cast else keyword()


def _numeric(modifier: int) -> dict[str, Any]:
    """Choose a type that holds every value of the declared precision exactly, or keep the digits as text."""
    if modifier > 0:
        precision, scale = precision_and_scale(modifier)
        if scale == 0 and precision <= LONG_DIGITS:
            return {"type": "integer" if precision <= INTEGER_DIGITS else "long"}
        if 0 < scale <= precision <= DOUBLE_DIGITS:
            return {"type": "scaled_float", "scaling_factor": 10**scale}
    return keyword() | {"fields": {"number": {"type": "double", "ignore_malformed": True}}}


def _range(subtype: Type, depth: int) -> dict[str, Any]:
    match subtype.base_name:
        case "int4":
            return {"type": "integer_range"}
        case "int8":
            return {"type": "long_range"}
        case "numeric" | "float4" | "float8":
            return {"type": "double_range"}
        case "date" | "timestamp" | "timestamptz":
            return {"type": "date_range"}
        case _ if depth >= DEEPEST_OBJECT:
            return anything()
        case _:
            bound = mapping_of(subtype, depth=depth + 1)
            return {"properties": dict.fromkeys(("gte", "gt", "lte", "lt"), bound)}


_BASE: Mapping[str, Properties] = {
    "int2": {"type": "short"},
    "int4": {"type": "integer"},
    "int8": {"type": "long"},
    "oid": {"type": "long"},
    "bool": {"type": "boolean"},
    "float4": {"type": "float"},
    "float8": {"type": "double"},
    "date": {"type": "date", "ignore_malformed": True},
    "timestamp": {"type": "date", "ignore_malformed": True},
    "timestamptz": {"type": "date", "ignore_malformed": True},
    "inet": {"type": "ip", "ignore_malformed": True},
    "cidr": {"type": "ip_range"},
    "bytea": {"type": "binary"},
    "point": {"type": "geo_point", "ignore_malformed": True},
    "tsvector": {"type": "keyword", "index": False, "doc_values": False},
}
