"""Elasticsearch field mappings derived from column types, for an index that does not exist yet.

The rule is that a mapping may never make a document unacceptable which the source can produce: what does not
parse as a date, an address or a number is kept in the document and only not indexed (`ignore_malformed`), and
long values are not indexed as one term (`ignore_above`). Arrays are mapped as their elements are.
"""

from collections.abc import Mapping
from typing import Any

from sources.postgresql.catalog.types import Type, TypeKind

LONGEST_TERM_CHARACTERS = 8191
"""Lucene takes terms of 32,766 bytes; a character has up to four."""
LARGEST_FLATTENED_DEPTH = 1000
LARGEST_VECTOR_DIMENSIONS = 4096
LONG_DIGITS, INTEGER_DIGITS, DOUBLE_DIGITS = 18, 9, 15

Properties = Mapping[str, Any]


def keyword() -> dict[str, Any]:
    """Return the mapping of a text that is searched as a whole."""
    return {"type": "keyword", "ignore_above": LONGEST_TERM_CHARACTERS}


def mapping_of(of: Type, modifier: int = -1) -> dict[str, Any]:
    """Return the mapping of a column of this type and modifier."""
    match of.kind:
        case TypeKind.DOMAIN if of.part is not None:
            return mapping_of(of.part, of.modifier)
        case TypeKind.ARRAY if of.part is not None:
            return mapping_of(of.part, modifier)
        case TypeKind.MULTIRANGE if of.part is not None:
            return mapping_of(of.part)
        case TypeKind.RANGE if of.part is not None:
            return _range(of.part)
        case TypeKind.COMPOSITE:
            return {"properties": {m.name: mapping_of(m.type, m.modifier) for m in of.attributes}}
        case TypeKind.BASE:
            return _base(of, modifier)
        case _:
            return keyword()


def _base(of: Type, modifier: int) -> dict[str, Any]:
    match of.base_name:
        case "numeric":
            return _numeric(modifier)
        case "bpchar" if 4 < modifier <= 256 + 4:  # codes; a varchar may hold a title
            return keyword()
        case "text" | "varchar" | "bpchar" | "xml":
            return {"type": "text", "fields": {"keyword": keyword()}}
        case "money":
            return {"type": "scaled_float", "scaling_factor": 100}
    if of.base_name in _BASE:
        return dict(_BASE[of.base_name])
    return _extension(of, modifier)


def _extension(of: Type, modifier: int) -> dict[str, Any]:
    match of.name:
        case "hstore":
            return dict(_BASE["jsonb"])
        case "geometry" | "geography":
            return {"type": "geo_shape", "ignore_malformed": True}
        case "vector" | "halfvec" if 0 < modifier <= LARGEST_VECTOR_DIMENSIONS:
            return {"type": "dense_vector", "dims": modifier, "similarity": "l2_norm"}
        case "vector" | "halfvec":
            return {"type": "float", "index": False}
        case _:
            return keyword()


def _numeric(modifier: int) -> dict[str, Any]:
    """Choose a type that holds every value of the declared precision exactly, or keep the digits as text."""
    if modifier > 0:
        precision = ((modifier - 4) >> 16) & 0xFFFF
        scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024
        if scale == 0 and precision <= LONG_DIGITS:
            return {"type": "integer" if precision <= INTEGER_DIGITS else "long"}
        if 0 < scale <= precision <= DOUBLE_DIGITS:
            return {"type": "scaled_float", "scaling_factor": 10**scale}
    return keyword() | {"fields": {"number": {"type": "double", "ignore_malformed": True}}}


def _range(subtype: Type) -> dict[str, Any]:
    match subtype.base_name:
        case "int4":
            return {"type": "integer_range"}
        case "int8":
            return {"type": "long_range"}
        case "numeric" | "float4" | "float8":
            return {"type": "double_range"}
        case "date" | "timestamp" | "timestamptz":
            return {"type": "date_range"}
        case _:
            bound = mapping_of(subtype)
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
    "json": {
        "type": "flattened",
        "ignore_above": LONGEST_TERM_CHARACTERS,
        "depth_limit": LARGEST_FLATTENED_DEPTH,
    },
    "jsonb": {
        "type": "flattened",
        "ignore_above": LONGEST_TERM_CHARACTERS,
        "depth_limit": LARGEST_FLATTENED_DEPTH,
    },
    "bytea": {"type": "binary"},
    "point": {"type": "geo_point", "ignore_malformed": True},
    "tsvector": {"type": "keyword", "index": False, "doc_values": False},
}
