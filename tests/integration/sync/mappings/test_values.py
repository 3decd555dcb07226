"""Whatever a column holds, its row becomes a document under the mapping that was derived for it."""

from typing import Any

import pytest

from ingest.elasticsearch.transport import Request
from ingest.protocol import Pipeline
from sources.errors import SourceConfigurationError
from tests.integration.sync.mirror import Mirror
from tests.support.database import exact
from tests.support.sweeps import sampled
from tests.support.sync_harness import INDEX

JSON_VALUES = [{"a": 1}, "off", [1, 2], True, 1.5, None, [{"a": 1}, "x"], {"a": {"b": []}, "a.b": 1, "": 2}]


@pytest.mark.parametrize("of", ["json", "jsonb"])
async def test_a_json_column_may_hold_anything_in_any_order(mirror: Mirror, of: str) -> None:
    await mirror.database.execute(
        f"CREATE TABLE t (id int PRIMARY KEY, v {of}, vs {of}[]); CREATE TYPE pair AS (x {of}, y int);"
        " ALTER TABLE t ADD p pair;"
        """INSERT INTO t(id, v) VALUES (0, '{"a":1}'), (1, '"off"'), (2, '[1,2]'), (3, 'true'), (4, '1.5'),"""
        """ (5, 'null'), (6, '[{"a":1},"x"]'), (7, '{"a":{"b":[]},"a.b":1,"":2}');"""
        "UPDATE t SET vs = ARRAY[v, NULL], p = (v, id)"
    )

    stats = await mirror.sync()

    assert await mirror.values("public_t_v") == JSON_VALUES
    assert await mirror.values("public_t_vs") == [[value, None] for value in JSON_VALUES]
    assert await mirror.values("public_t_p") == [{"x": v, "y": n} for n, v in enumerate(JSON_VALUES)]
    assert (stats.rejected, stats.created) == (0, len(JSON_VALUES))
    assert (await mirror.fields())["public_t_v"]["enabled"] is False


SHARED = [
    ("int DEFAULT 7", "uuid DEFAULT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
    ("int DEFAULT 7", "float8 DEFAULT 1.5"),
    ("int DEFAULT 7", "numeric DEFAULT 1.000000000000000001"),
    ("date DEFAULT '2024-01-01'", "text DEFAULT 'x'"),
    ("boolean DEFAULT true", "timestamptz DEFAULT 'infinity'"),
    ("bytea DEFAULT 'abc'", "inet DEFAULT '::1'"),
    ("int DEFAULT 7", "int4range DEFAULT '[1,2)'"),
    ("text DEFAULT 'x'", "point DEFAULT '(1,2)'"),
    ("cidr DEFAULT '10.0.0.0/8'", "text[] DEFAULT '{a,b}'"),
    ("pair DEFAULT '(1,x)'", "float8[] DEFAULT '{{1,2},{3,4}}'"),
    ("pair DEFAULT '(1,x)'", "other_pair DEFAULT '(y,2)'"),
    ("jsonb DEFAULT '[1]'", "text DEFAULT 'x'"),
    ("jsonb DEFAULT '1'", "int4range DEFAULT '[1,2)'"),
]
"""Columns of two tables whose names make one field."""


@pytest.mark.parametrize(("shared", "turned"), sampled(SHARED, [False, True], every=2))
async def test_columns_that_share_a_field_are_all_indexed(
    mirror: Mirror, shared: tuple[str, str], turned: bool
) -> None:
    first, second = reversed(shared) if turned else shared
    await mirror.database.execute(
        "CREATE TYPE pair AS (x int, y text); CREATE TYPE other_pair AS (x text, z int);"
        f"CREATE TABLE users (id int PRIMARY KEY, role_id {first});"
        f"CREATE TABLE users_role (k int PRIMARY KEY, id {second});"
        "INSERT INTO users VALUES (1), (2); INSERT INTO users_role VALUES (1), (2)"
    )

    stats = await mirror.sync()

    assert (stats.read, stats.created, stats.rejected) == (4, 4, 0)
    assert None not in await mirror.values("public_users_role_id")


@pytest.mark.parametrize(
    ("first", "second", "mapped"),
    [
        ("int DEFAULT 7", "uuid DEFAULT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "integer"),
        ("int DEFAULT 7", "bigint DEFAULT 5000000000", "integer"),
        ("boolean DEFAULT true", "int DEFAULT 1", "boolean"),
        ("text DEFAULT 'x'", "pair DEFAULT '(1,x)'", "text"),
        ("int4range DEFAULT '[1,2)'", "text DEFAULT 'x'", "integer_range"),
        ("pair DEFAULT '(1,x)'", "jsonb DEFAULT '1'", "object"),
    ],
)
async def test_a_column_that_shares_a_mapped_field_which_cannot_take_it_is_found_before_reading(
    mirror: Mirror, first: str, second: str, mapped: str
) -> None:
    await mirror.database.execute(
        "CREATE TYPE pair AS (x int, y text); CREATE TABLE users (id int PRIMARY KEY, "
        f"role_id {first}); INSERT INTO users VALUES (1), (2)"
    )
    await mirror.sync()
    await mirror.database.execute(
        f"CREATE TABLE users_role (k int PRIMARY KEY, id {second}); INSERT INTO users_role VALUES (1), (2)"
    )
    requests = mirror.index.watch_paths()

    with pytest.raises(SourceConfigurationError) as raised:
        await mirror.sync()

    assert f"public_users_role_id is {mapped}, public.users_role.id holds" in str(raised.value)
    assert "Delete the index" in str(raised.value)
    assert not any(path.endswith(("/_bulk", "/_mapping", "/_search")) for path in requests)
    assert len(await mirror.index.documents()) == 2
    await mirror.index.call("DELETE", f"/{INDEX}")
    assert (await mirror.sync()).rejected == 0


async def test_a_type_that_only_some_values_of_a_column_fit_is_told_and_tried(mirror: Mirror) -> None:
    await mirror.database.execute("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 5)")
    await mirror.sync()
    await mirror.database.execute("ALTER TABLE t ALTER v TYPE text; INSERT INTO t VALUES (2, '6'), (3, 'x')")

    stats = await mirror.sync()

    assert "public_t_v is integer, public.t.v holds texts" in stats.warnings[0]
    assert stats.rejected == 1


async def test_a_mapping_chosen_for_a_json_column_is_not_complained_about(mirror: Mirror) -> None:
    chosen = {"public_t_v": {"type": "flattened"}, "public_t_w": {"type": "long"}}
    await mirror.index.call("PUT", f"/{INDEX}", {"mappings": {"properties": chosen}})
    await mirror.database.execute(
        """CREATE TABLE t (id int PRIMARY KEY, v jsonb, w json); INSERT INTO t VALUES (1, '{"a":1}', '1')"""
    )

    stats = await mirror.sync()

    assert (stats.created, stats.warnings) == (1, [])


async def test_a_field_that_a_pipeline_makes_is_left_to_it(mirror: Mirror) -> None:
    processors = [{"set": {"field": "public_t_v", "value": {"lat": 1, "lon": 2}}}]
    await mirror.index.call("PUT", "/_ingest/pipeline/places", {"processors": processors})
    mapped = {"public_t_v": {"type": "geo_point"}}
    await mirror.index.call("PUT", f"/{INDEX}", {"mappings": {"properties": mapped}})
    await mirror.database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, v bool); INSERT INTO t VALUES (1, true)"
    )
    mirror.index.pipeline = Pipeline(name="places")

    stats = await mirror.sync()

    assert (stats.created, stats.warnings) == (1, [])


async def test_a_dotted_column_makes_no_object_of_another_tables_field(mirror: Mirror) -> None:
    await mirror.database.execute(
        'CREATE TABLE t (id int PRIMARY KEY, "a.b" int DEFAULT 1);'
        'CREATE TABLE "T" (id int PRIMARY KEY, a int DEFAULT 2);'
        'INSERT INTO t VALUES (1); INSERT INTO "T" VALUES (1)'
    )

    stats = await mirror.sync()

    assert (stats.created, stats.rejected) == (2, 0)


async def test_no_first_value_makes_a_whole_number_of_a_fractional_column(mirror: Mirror) -> None:
    await mirror.database.execute(
        "CREATE EXTENSION vector; CREATE TYPE pair AS (x real);"
        "CREATE TABLE t (id int PRIMARY KEY, a float8, b real, c numeric, d numeric(30), e float8[],"
        " f numeric[], g point, h numrange, i pair, j vector, k int, l numeric(9), m numeric(9,2));"
        "INSERT INTO t VALUES (1, 1, 1, 1, 1, '{1,1.5,2}', '{{1,1.5},{2,3}}', '(1,2)', '[1,2]', '(1)',"
        " '[1,1.5,2]', 1, 1, 1), (2, 1.5, 1.5, 1.5, 10 ^ 29, '{1.5}', '{1.5}', '(1.5,2.5)', '[1.5,2.5]',"
        " '(1.5)', '[1.5,2]', 1, 1, 1.5)"
    )

    stats = await mirror.sync(mappings="dynamic")

    fields = await mirror.fields()
    types = {name.removeprefix("public_t_"): mapping.get("type") for name, mapping in fields.items()}
    members = {f"{name}.{member}": mapping["properties"][member]["type"]
               for name, mapping in fields.items() for member in mapping.get("properties", ())}  # fmt: skip
    assert stats.rejected == 0
    assert {name: types[name] for name in "abcdefjklm"} == dict.fromkeys("abcdefjm", "float") | {
        "k": "long", "l": "long"
    }  # fmt: skip
    assert set(members.values()) == {"float"}


DEFAULT_PIPELINE = Pipeline(name="ent-search-generic-ingestion")


EXACT = ("1.000000000000000001", "1.10", "12345678901234567890123456789012345678901234567890")


async def test_elasticsearch_rounds_what_passes_a_pipeline_and_nothing_else(mirror: Mirror) -> None:
    """As the documentation says. 8.19.21 does so even with a pipeline of no processors."""
    await mirror.database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, n numeric); INSERT INTO t VALUES "
        + ", ".join(f"({number}, {text})" for number, text in enumerate(EXACT))
    )

    await mirror.sync()
    sent = [str(value) for value in await source_numbers(mirror)]
    mirror.index.pipeline = DEFAULT_PIPELINE
    await mirror.sync()
    rounded = [str(value) for value in await source_numbers(mirror)]

    assert sent == list(EXACT)
    assert rounded == ["1.0", "1.1", EXACT[2]]


async def source_numbers(mirror: Mirror) -> list[Any]:
    """The numbers of the stored documents with every digit they have there."""
    await mirror.index.call("POST", f"/{INDEX}/_refresh")
    found = []
    for number in range(len(EXACT)):
        path = f"/{INDEX}/_source/{mirror.database.name}_public_t_{number}"
        found.append(
            exact((await mirror.index.client.send(Request(method="GET", path=path))).body)["public_t_n"]
        )
    return found
