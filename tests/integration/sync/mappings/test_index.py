"""The index already has a mapping, gets a column meanwhile, or has no room for one."""

from dataclasses import replace
from typing import Any

import pytest

from ingest.errors import IndexChangedError
from ingest.sync.kinds.full import full_sync
from ingest.sync.progress.stats import Stats
from sources.errors import SourceConfigurationError
from tests.integration.sync.mirror import ANYTHING, Mirror
from tests.support.sync_harness import INDEX


async def test_an_index_whose_ids_are_no_texts_is_found_before_reading(mirror: Mirror) -> None:
    await mirror.index.call("PUT", f"/{INDEX}", {"mappings": {"properties": {"id": {"type": "long"}}}})
    await mirror.database.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")

    with pytest.raises(SourceConfigurationError, match=r"id is long, every document of public\.t"):
        await mirror.sync()


async def test_a_new_column_is_mapped_before_its_first_document(mirror: Mirror) -> None:
    await mirror.database.execute(
        "CREATE TYPE pair AS (x int);"
        "CREATE TABLE t (id int PRIMARY KEY, p pair); INSERT INTO t VALUES (1, '(1)'), (2, NULL)"
    )
    await mirror.sync()
    await mirror.database.execute(
        "ALTER TYPE pair ADD ATTRIBUTE y numeric(9,2);"
        "ALTER TABLE t ADD n numeric, ADD f float8, ADD d text;"
        "UPDATE t SET n = 1, f = 1, d = '2024-01-01', p = '(1,2)' WHERE id = 1;"
        "UPDATE t SET n = 1.75, f = 1.75, d = 'soon', p = '(1,2.5)' WHERE id = 2"
    )

    stats = await mirror.sync()

    fields = await mirror.fields()
    assert stats.rejected == 0
    assert fields["public_t_f"] == {"type": "double"}
    assert fields["public_t_n"]["fields"]["number"]["type"] == "double"
    assert fields["public_t_d"]["type"] == "text"
    assert fields["public_t_p"]["properties"] == {
        "x": {"type": "integer"}, "y": {"type": "scaled_float", "scaling_factor": 100}
    }  # fmt: skip


RULE = [{"tables": ["t"], "query": "SELECT * FROM t"}]


@pytest.mark.parametrize("rules", [{}, RULE], ids=["a table", "a rule"])
async def test_a_column_added_between_discovery_and_reading_is_mapped_before_its_first_document(
    mirror: Mirror, rules: Any
) -> None:
    await mirror.database.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
    is_altered = False

    async def alter(_method: str, path: str, _body: bytes) -> None:
        nonlocal is_altered
        if path.endswith("/_stats/docs") and not is_altered:
            is_altered = True
            await mirror.database.execute(
                "ALTER TABLE t ADD n numeric, ADD d text, ADD j jsonb;"
                "UPDATE t SET n = 1, d = '2024-01-01', j = '{\"a\":1}' WHERE id = 1;"
                "UPDATE t SET n = 1.75, d = 'soon', j = '5' WHERE id = 2"
            )

    mirror.index.wire.before = alter
    stats = Stats()
    async with mirror.database.source() as source:
        request = replace(mirror.index.request(source), advanced_rules=rules)
        await full_sync(request, mirror.index.context(stats))

    fields = await mirror.fields()
    assert is_altered
    assert (stats.created, stats.rejected) == (2, 0)
    assert fields["public_t_n"]["fields"]["number"]["type"] == "double"
    assert fields["public_t_d"]["type"] == "text"
    assert fields["public_t_j"]["enabled"] is False


async def test_an_index_deleted_under_a_request_is_created_properly_by_the_next_job(mirror: Mirror) -> None:
    await mirror.database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, n numeric); INSERT INTO t VALUES (1, 1)"
    )
    is_deleted = False

    async def delete_once(_method: str, path: str, _body: bytes) -> None:
        nonlocal is_deleted
        if path.endswith("/_bulk") and not is_deleted:
            is_deleted = True
            await mirror.index.call("DELETE", f"/{INDEX}")

    mirror.index.wire.before = delete_once
    with pytest.raises(IndexChangedError):
        await mirror.sync()
    stats = await mirror.sync()

    assert is_deleted
    assert stats.warnings == []
    assert (await mirror.fields())["public_t_n"]["type"] == "keyword"


async def test_an_index_whose_mapping_was_guessed_is_told_of_until_it_is_mended(mirror: Mirror) -> None:
    await mirror.database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, n numeric); INSERT INTO t VALUES (1, 1)"
    )
    await mirror.index.call("PUT", f"/{INDEX}/_doc/1", {"public_t_n": 1, "_content_hash": 1})

    guessed = await mirror.sync()
    await mirror.index.call("DELETE", f"/{INDEX}")
    mended = await mirror.sync()

    assert "made the mapping of the index" in guessed.warnings[0]
    assert mended.warnings == []
    assert (await mirror.fields())["public_t_n"]["type"] == "keyword"


async def test_an_index_that_says_what_becomes_of_new_fields_is_left_alone(mirror: Mirror) -> None:
    await mirror.index.call("PUT", f"/{INDEX}", {"mappings": {"dynamic": False}})
    await mirror.database.execute("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 2)")

    stats = await mirror.sync()

    assert (await mirror.fields(), stats.created, stats.warnings) == ({}, 1, [])


async def test_an_index_that_takes_no_more_fields_is_filled_with_a_warning(mirror: Mirror) -> None:
    limit = {"index.mapping.total_fields.limit": 10}
    await mirror.index.call("PUT", f"/{INDEX}", {"settings": limit})
    columns = ", ".join(f"c{number} int" for number in range(20))
    await mirror.database.execute(f"CREATE TABLE t (id int PRIMARY KEY, {columns})")

    stats = await mirror.sync()

    assert "does not take the mapping of new columns" in stats.warnings[0]


async def test_a_field_mapped_beforehand_keeps_its_mapping_and_the_others_are_added(mirror: Mirror) -> None:
    flattened = {"type": "flattened", "ignore_above": 8191}
    await mirror.index.call("PUT", f"/{INDEX}", {"mappings": {"properties": {"public_t_v": flattened}}})
    await mirror.database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, v jsonb, f real);"
        """INSERT INTO t VALUES (1, '{"color":"red"}', 1)"""
    )

    stats = await mirror.sync()

    assert await mirror.fields() == {
        "public_t_id": {"type": "integer"}, "public_t_v": flattened, "public_t_f": {"type": "float"}
    }  # fmt: skip
    assert stats.rejected == 0


async def test_discovery_waits_for_no_table(mirror: Mirror) -> None:
    """So it takes no lock either, however many tables there are."""
    await mirror.database.execute("CREATE TABLE t (id int PRIMARY KEY, v jsonb, w json)")
    source = mirror.database.source()

    async with mirror.database.connection.transaction():
        await mirror.database.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        (slice_,) = await source.slices(None, 0)

    assert slice_.mapping["public_t_v"] == ANYTHING
