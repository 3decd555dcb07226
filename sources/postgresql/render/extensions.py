"""Types of PostGIS and pgvector, whose functions live in the schema of the type."""

from sources.postgresql.catalog.types import Type
from sources.postgresql.quoting import literal, qualified
from sources.postgresql.render.json_columns import BREAKS
from sources.postgresql.render.sql import NULLED, Rendering, capped, or_null

VECTORS = frozenset({"vector", "halfvec"})
_LONGEST_VECTOR = "1e19"
"""Elasticsearch computes the square of a vector's length as a single-precision number."""
_COORDINATE_DIGITS = 15
_SIMPLE_SHAPES = (
    "ST_Point", "ST_LineString", "ST_Polygon", "ST_MultiPoint", "ST_MultiLineString", "ST_MultiPolygon",
)  # fmt: skip
_COLLECTION = "ST_GeometryCollection"
_CURVES = ("ST_CircularString", "ST_CompoundCurve", "ST_CurvePolygon", "ST_MultiCurve", "ST_MultiSurface")


def geometry_text(value: str, of: Type, rendering: Rendering) -> str:
    """Render a geometry or geography as GeoJSON, curves as lines.

    PostGIS raises an error for what GeoJSON has no form for (surfaces, collections in collections), so shapes
    are looked at first. It writes NaN, which is not JSON, and reads beyond the end of an empty curve.
    """
    geometry = value if of.name == "geometry" else f"({value}::{qualified(of.schema, 'geometry')})"

    def call(name: str, *arguments: str) -> str:
        return f"{qualified(of.schema, name)}({','.join(arguments)})"

    def geojson(shape: str) -> str:
        text = call("st_asgeojson", shape, str(_COORDINATE_DIGITS), "0")
        json = f"translate(j::pg_catalog.json::text,{literal(BREAKS)},'   ')"
        checked = f"CASE WHEN NOT j ~* 'nan|inf' THEN {json} ELSE {NULLED} END"
        return f"(SELECT {checked} FROM (SELECT {text} AS j OFFSET 0) AS s)"

    shape, line, simple = call("st_geometrytype", geometry), "l.g", _names(_SIMPLE_SHAPES)
    part = call("st_geometrytype", call("st_geometryn", line, "n"))
    parts = f"generate_series(1,{call('st_numgeometries', line)}) AS n"
    is_flat = f"NOT EXISTS (SELECT FROM {parts} WHERE {part} NOT IN ({simple}))"
    line_shape = call("st_geometrytype", line)
    has_form = f"{line_shape} IN ({simple}) OR {line_shape}={literal(_COLLECTION)} AND {is_flat}"
    of_curve = (
        f"(SELECT CASE WHEN {has_form} THEN {geojson(line)} ELSE {NULLED} END"
        f" FROM (SELECT {call('st_curvetoline', geometry)} AS g OFFSET 0) AS l)"
    )
    text = (
        f"CASE WHEN {shape} IN ({simple}) THEN {geojson(geometry)}"
        f" WHEN {value} IS NULL THEN 'null' WHEN {call('st_isempty', geometry)} THEN {NULLED}"
        f" WHEN {shape} IN ({_names((*_CURVES, _COLLECTION))}) THEN {of_curve} ELSE {NULLED} END"
    )
    return capped(value, text, rendering)


def vector_text(value: str, of: Type, rendering: Rendering) -> str:
    """Render a vector as an array of numbers, unless it is too long for a field of vectors."""
    text = or_null(f"{value}::text::json::text")  # a cast to json, so that it is JSON whatever the type is
    if of.name == "vector":
        is_too_long = f"{qualified(of.schema, 'vector_norm')}({value})>{_LONGEST_VECTOR}"
        text = f"CASE WHEN {is_too_long} THEN {NULLED} ELSE {text} END"
    return capped(value, text, rendering)


def single_precision(value: str) -> str:
    """Return a vector as an array of floats."""
    return f"({value}::pg_catalog.float4[])"


def _names(shapes: tuple[str, ...]) -> str:
    return ",".join(literal(shape) for shape in shapes)
