"""Shapes of PostGIS as GeoJSON: with PostGIS where it is installed, and with a stand-in everywhere."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.postgresql import Cluster
from tests.support.database import Database, Reading, database_on, read_all
from tests.support.postgresql import EXTENSIONS, full_server

needs_postgis = pytest.mark.skipif("postgis" not in EXTENSIONS, reason="needs PostGIS")

CURVE = "CIRCULARSTRING(0 0, 1 1, 2 0)"
SHAPES: list[tuple[str, str | None]] = [
    ("POINT(1.5 2)", "Point"),
    ("SRID=3857;POINT(1 2)", "Point"),
    ("POINT ZM(1 2 3 4)", "Point"),
    ("POLYGON EMPTY", "Polygon"),
    ("MULTIPOINT(1 1, 2 2)", "MultiPoint"),
    ("GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(0 0, 1 1))", "GeometryCollection"),
    (CURVE, "LineString"),
    (f"COMPOUNDCURVE({CURVE}, (2 0, 3 3))", "LineString"),
    ("CURVEPOLYGON(CIRCULARSTRING(0 0, 4 0, 4 4, 0 4, 0 0))", "Polygon"),
    (f"MULTICURVE((0 0, 5 5), {CURVE})", "MultiLineString"),
    ("MULTICURVE((0 0, 5 5))", "MultiLineString"),
    ("MULTISURFACE(CURVEPOLYGON(CIRCULARSTRING(0 0, 4 0, 4 4, 0 4, 0 0)))", "MultiPolygon"),
    (f"GEOMETRYCOLLECTION({CURVE}, POINT(1 1))", "GeometryCollection"),
    # what GeoJSON has no form for
    ("CIRCULARSTRING EMPTY", None),
    ("POINT(NaN NaN)", None),
    ("GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 1)))", None),
    ("TIN(((0 0 0, 0 0 1, 0 1 0, 0 0 0)))", None),
    ("POLYHEDRALSURFACE(((0 0 0, 0 0 1, 0 1 1, 0 1 0, 0 0 0)))", None),
    ("TRIANGLE((0 0, 0 1, 1 0, 0 0))", None),
    ("GEOMETRYCOLLECTION(TIN(((0 0 0, 0 0 1, 0 1 0, 0 0 0))))", None),
]


@pytest.fixture(scope="module")
def postgis_cluster() -> Iterator[Cluster]:
    with full_server() as cluster:
        yield cluster


def values_of(reading: Reading, column: str) -> list[Any]:
    """One column of all rows, in the order of their keys."""
    rows = sorted(reading.documents.values(), key=lambda document: document["public_t_id"])
    return [row[f"public_t_{column}"] for row in rows]


@needs_postgis
async def test_every_shape_is_geojson_or_null_and_counted(postgis_cluster: Cluster) -> None:
    async with database_on(postgis_cluster) as database:
        rows = ", ".join(f"({number}, '{shape}')" for number, (shape, _) in enumerate(SHAPES))
        await database.execute(
            "CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis;"
            "CREATE TABLE t (id int PRIMARY KEY, g gis.geometry, gs gis.geometry[]);"
            f"INSERT INTO t VALUES {rows}; UPDATE t SET gs = ARRAY[g, NULL]; INSERT INTO t VALUES (1000)"
        )

        reading = await read_all(database.source())

    found = values_of(reading, "g")
    assert [shape and shape["type"] for shape in found] == [form for _, form in SHAPES] + [None]
    assert found[:2] == [
        {"type": "Point", "coordinates": pytest.approx([1.5, 2])},
        {"type": "Point", "coordinates": [1, 2]},
    ]
    assert values_of(reading, "gs") == [[shape, None] for shape in found[:-1]] + [None]
    assert reading.nulled == 2 * sum(form is None for _, form in SHAPES)


@needs_postgis
async def test_geography_is_geojson(postgis_cluster: Cluster) -> None:
    async with database_on(postgis_cluster) as database:
        await database.execute(
            "CREATE EXTENSION postgis; CREATE TABLE t (id int PRIMARY KEY, g geography);"
            "INSERT INTO t VALUES (1, 'POINT(1 2)'), (2, 'GEOMETRYCOLLECTION(POINT(1 1))'), (3, NULL),"
            " (4, 'GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 1)))')"
        )

        reading = await read_all(database.source(tables="t"))
        (slice_,) = await database.source(tables="t").slices(None, 0)

    point = {"type": "Point", "coordinates": [1, 2]}
    collection = {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 1]}]}
    assert values_of(reading, "g") == [point, collection, None, None]
    assert reading.nulled == 1
    assert slice_.mapping["public_t_g"]["type"] == "geo_shape"


STAND_IN = """
ALTER TYPE vector RENAME TO geometry;
CREATE FUNCTION st_geometrytype(geometry) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE $1::text WHEN '[1]' THEN 'ST_CircularString' WHEN '[2]' THEN 'ST_Tin' ELSE 'ST_Point' END $$;
CREATE FUNCTION st_asgeojson(geometry, int, int) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT pg_catalog.format('{"type":"Point","coordinates":%s}',
        CASE $1::text WHEN '[1]' THEN 1 / ($2 - $2) || '' WHEN '[3]' THEN '[NaN,1]' ELSE $1::text END) $$;
CREATE FUNCTION st_curvetoline(geometry) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT '[7,8]'::public.geometry $$;
CREATE FUNCTION st_isempty(geometry) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT false $$;
CREATE FUNCTION st_numgeometries(geometry) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT 1 $$;
CREATE FUNCTION st_geometryn(geometry, int) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1 $$;
"""
"""Enough of PostGIS to see what is asked of it: st_asgeojson fails for a curve, and once writes NaN."""


async def test_a_shape_without_geojson_costs_its_value_and_not_the_table(database: Database) -> None:
    if not await database.add_vector():
        pytest.skip("needs a type that the stand-in can be made of")
    await database.execute(
        f"{STAND_IN} CREATE TABLE t (id int PRIMARY KEY, g geometry);"
        "INSERT INTO t VALUES (0, '[5,6]'), (1, '[1]'), (2, '[2]'), (3, '[3]'), (4, NULL)"
    )

    reading = await read_all(database.source())
    (slice_,) = await database.source().slices(None, 0)

    assert [shape and shape["coordinates"] for shape in values_of(reading, "g")] == [
        [5, 6], [7, 8], None, None, None
    ]  # fmt: skip
    assert reading.nulled == 2
    assert slice_.mapping["public_t_g"]["type"] == "geo_shape"
