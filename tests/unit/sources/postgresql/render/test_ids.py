"""Ids are Elastic's wherever those are unambiguous, injective everywhere, and never change."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sources.lines import MAX_ID_BYTES
from sources.postgresql.render.ids import prefix_of
from tests.support.document_ids import document_id

GOLDEN = json.loads((Path(__file__).parent / "golden_ids.json").read_text())

names = st.text(alphabet="ab_%,.P", min_size=1, max_size=6) | st.sampled_from(
    ["public", "_public_", "a_public"]
)
keys = st.lists(st.none() | st.text(alphabet="ab_%,N1", max_size=4), min_size=1, max_size=3)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["id"][:60])
def test_an_id_that_was_given_once_stays(case: dict[str, object]) -> None:
    database, schema, tables, key = case["database"], case["schema"], case["tables"], case["key"]

    assert document_id(prefix_of(database, schema, tables), key) == case["id"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "key", ["1", "-9223372036854775808", "1.50", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "plain text"]
)
@pytest.mark.parametrize("database", ["music", "my_music_app"])
@pytest.mark.parametrize("table", ["album", "invoice_line", "Mixed Case"])
def test_single_numeric_uuid_and_plain_keys_have_elastics_ids(database: str, table: str, key: str) -> None:
    assert document_id(prefix_of(database, "public", [table]), [key]) == f"{database}_public_{table}_{key}"


@given(st.tuples(names, names, names, keys), st.tuples(names, names, names, keys))
@example(("d", "s", "a", ["b_1"]), ("d", "s", "a_b", ["1"]))
@example(("d", "s", "t", ["a_b", "c"]), ("d", "s", "t", ["a", "b_c"]))
@example(("d", "s", "t", ["a", "b"]), ("d", "s", "t", ["a,b"]))
@example(("d_public", "public", "t", ["1"]), ("d", "public", "public_t", ["1"]))
@example(("d", "s", "public_t", ["1"]), ("d_s", "public", "t", ["1"]))
@example(("d", "s", "t", [None]), ("d", "s", "t", [""]))
@example(("d", "s", "t", [None]), ("d", "s", "t", ["%N"]))
def test_different_rows_have_different_ids(
    one: tuple[str, str, str, list[str | None]], other: tuple[str, str, str, list[str | None]]
) -> None:
    first, second = (document_id(prefix_of(d, s, [t]), key) for d, s, t, key in (one, other))

    assert (first == second) == (one == other)


@given(
    st.lists(names, min_size=1, max_size=3, unique=True), st.lists(names, min_size=1, max_size=3, unique=True)
)
def test_different_sets_of_tables_have_different_prefixes(one: list[str], other: list[str]) -> None:
    assert (prefix_of("d", "s", one) == prefix_of("d", "s", other)) == (set(one) == set(other))


@given(st.text(min_size=1, max_size=63), st.text(max_size=3000))
def test_no_id_is_longer_than_elasticsearch_takes(name: str, key: str) -> None:
    assert (
        len(document_id(prefix_of(name, name, [name]), [key]).encode("utf-8", "surrogatepass"))
        <= MAX_ID_BYTES
    )


def test_long_keys_that_differ_at_the_end_have_different_ids() -> None:
    one, other = (document_id("d_s_t", ["x" * 600 + end]) for end in "ab")

    assert one != other
    assert one.startswith("d_s_t_%H")


def test_an_empty_text_as_key_is_the_prefix_alone() -> None:
    """Elasticsearch refuses an empty id; with the prefix none is empty."""
    assert document_id(prefix_of("music", "public", ["tag"]), [""]) == "music_public_tag_"
