"""Types of extensions, and foreign tables: on a full installation of PostgreSQL, where there is one."""

from collections.abc import Iterator

import pytest

from sandbox.postgresql import Cluster
from tests.support.database import database_on, read_all
from tests.support.postgresql import full_server, needs_full

pytestmark = needs_full


@pytest.fixture(scope="module")
def full_cluster() -> Iterator[Cluster]:
    with full_server() as cluster:
        yield cluster


async def test_a_full_server_is_of_the_version_it_says(full_cluster: Cluster) -> None:
    async with database_on(full_cluster) as database:
        assert database.connection.get_server_version().major == full_cluster.version


async def test_hstore_is_an_object_and_the_others_are_texts(full_cluster: Cluster) -> None:
    async with database_on(full_cluster) as database:
        await database.execute(
            "CREATE SCHEMA x; CREATE EXTENSION hstore SCHEMA x; CREATE EXTENSION citext SCHEMA x;"
            "CREATE EXTENSION ltree; CREATE EXTENSION isn; CREATE EXTENSION cube; CREATE EXTENSION seg;"
            "CREATE TABLE t (id x.citext PRIMARY KEY, h x.hstore, l ltree, i isbn, c cube, s seg, hs"
            " x.hstore[]);"
            "INSERT INTO t VALUES ('Key', 'a=>1, \"b\nc\"=>NULL', 'top.sub', '0-306-40615-2', '(1,2)', '1"
            " .. 2',"
            " ARRAY['a=>1'::x.hstore])"
        )

        (document,) = (await read_all(database.source())).documents.values()
        (slice_,) = await database.source().slices(None, 0)

    assert document["id"] == f"{database.name}_public_t_Key"
    assert {
        name.removeprefix("public_t_"): value for name, value in document.items() if name.startswith("public")
    } == {
        "id": "Key",
        "h": {"a": "1", "b\nc": None},
        "l": "top.sub",
        "i": "0-306-40615-2",
        "c": "(1, 2)",
        "s": "1 .. 2",
        "hs": [{"a": "1"}],
    }
    assert slice_.mapping["public_t_h"]["type"] == "flattened"
    assert slice_.mapping["public_t_id"]["type"] == "keyword"


async def test_a_citext_that_changes_its_case_changes_the_hash(full_cluster: Cluster) -> None:
    async with database_on(full_cluster) as database:
        await database.execute(
            "CREATE EXTENSION citext; CREATE TABLE t (id int PRIMARY KEY, c citext, cs citext[]);"
            "INSERT INTO t VALUES (1, 'a', '{b}')"
        )
        hashes: list[int] = []
        for change in ("SELECT 1", "UPDATE t SET c = 'A'", "UPDATE t SET cs = '{B}'"):
            await database.execute(change)
            hashes += (await read_all(database.source())).hashes.values()

    assert len(set(hashes)) == 3


async def test_a_text_whose_collation_ignores_case_is_hashed_as_it_is_written(full_cluster: Cluster) -> None:
    async with database_on(full_cluster) as database:
        if not await database.value("SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')"):
            pytest.skip("this PostgreSQL was built without ICU")
        await database.execute(
            "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
            "CREATE TABLE t (id text COLLATE any_case PRIMARY KEY, c text COLLATE any_case); INSERT INTO"
            " t VALUES ('x', 'a')"
        )
        before = await read_all(database.source())
        await database.execute("UPDATE t SET c = 'A'")
        after = await read_all(database.source())

    assert list(before.hashes) == list(after.hashes)
    assert before.hashes != after.hashes


async def test_xml_is_text(full_cluster: Cluster) -> None:
    async with database_on(full_cluster) as database:
        await database.execute(
            "CREATE TABLE t (id int PRIMARY KEY, x xml, xs xml[]); INSERT INTO t VALUES (1, '<a>\n&amp;"
            "</a>', '{<b/>}')"
        )
        (document,) = (await read_all(database.source())).documents.values()

    assert (document["public_t_x"], document["public_t_xs"]) == ("<a>\n&amp;</a>", ["<b/>"])


async def test_a_foreign_table_is_read_when_it_is_named_with_its_key(full_cluster: Cluster) -> None:
    async with database_on(full_cluster) as database:
        await database.execute(
            "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;"
            "CREATE FOREIGN TABLE f (line text) SERVER files OPTIONS (filename 'PG_VERSION', format 'text')"
        )
        version = await database.value("SELECT current_setting('server_version_num')::int / 10000 || ''")
        reading = await read_all(database.source(tables="f", id_columns="f(line)"))

    assert [document["public_f_line"] for document in reading.documents.values()] == [version]


async def test_a_type_with_a_cast_to_json_is_what_that_says_and_mapped_as_anything(
    full_cluster: Cluster,
) -> None:
    async with database_on(full_cluster) as database:
        await database.execute(
            "CREATE EXTENSION cube; ALTER TYPE cube RENAME TO shape;"
            "CREATE FUNCTION to_geojson(shape) RETURNS json IMMUTABLE LANGUAGE sql AS"
            " $$SELECT pg_catalog.json_build_object('type', 'Point', 'coordinates',"
            " pg_catalog.json_build_array("
            "public.cube_ll_coord($1, 1), public.cube_ll_coord($1, 2)))$$;"
            "CREATE CAST (shape AS json) WITH FUNCTION to_geojson(shape);"
            "CREATE TABLE t (id int PRIMARY KEY, g shape); INSERT INTO t VALUES (1, '(1,2)')"
        )
        (document,) = (await read_all(database.source())).documents.values()
        (slice_,) = await database.source().slices(None, 0)

    assert document["public_t_g"] == {"type": "Point", "coordinates": [1, 2]}
    assert slice_.mapping["public_t_g"] == {"type": "object", "enabled": False}


async def test_a_key_of_hstore_too_long_for_its_field_is_null_and_counted(full_cluster: Cluster) -> None:
    async with database_on(full_cluster) as database:
        await database.execute(
            "CREATE EXTENSION hstore; CREATE TABLE t (id int PRIMARY KEY, h hstore);"
            "INSERT INTO t VALUES (1, hstore(repeat('k', 9000), 'v')), (2, hstore('k', repeat('v', 9000)))"
        )

        reading = await read_all(database.source())

    first, second = reading.documents.values()
    assert (first["public_t_h"], second["public_t_h"]) == (None, {"k": "v" * 9000})
    assert reading.nulled == 1
