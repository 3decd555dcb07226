"""Lists of names are read as people write them, and as SQL quotes them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.postgresql.selection import (
    Exclusions,
    Name,
    Selection,
    SelectionError,
    matches,
    parse_key_columns,
    parse_names,
)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("album,artist", ["album", "artist"]),
        (" album , artist ,", ["album", "artist"]),
        ("a,,b", ["a", "b"]),
        (["album", "artist"], ["album", "artist"]),
        ("Mixed Case", ["Mixed Case"]),
        ('"odd, name", "say ""x"""', ["odd, name", 'say "x"']),
        ('" padded "', [" padded "]),
        ('"s"."t"', ["s.t"]),
        ("it's", ["it's"]),
        ("", []),
    ],
)
def test_names_are_divided_by_commas_outside_of_quotes(value: Any, names: list[str]) -> None:
    assert [str(name) for name in parse_names(value)] == names


@given(st.text(min_size=1).filter(lambda name: "\0" not in name))
def test_any_name_can_be_written_quoted(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'

    assert parse_names(f"a, {quoted},b") == [Name("a"), Name(name, is_quoted=True), Name("b")]


@pytest.mark.parametrize("value", ['a"b', '"a', '"a"b', 5, [1], None, {"a": "b"}, '"a\0b"', "a, !", "!,b"])
def test_what_is_not_a_list_of_names_is_refused(value: Any) -> None:
    with pytest.raises(SelectionError):
        parse_names(value)


def test_a_star_means_every_table_and_a_quoted_star_a_table_of_that_name() -> None:
    assert Selection.of(parse_names("*, view"), {}) == Selection(
        every_table=True, names=(Name("view"),), key_columns={}
    )
    assert not Selection.of(parse_names('"*"'), {}).every_table


def test_an_exclamation_mark_leaves_out_a_name_or_what_a_pattern_describes() -> None:
    names = parse_names('*, !audit_*, ! s.log, !"a*", !"s"."t", "!odd"')
    selection = Selection.of(names, {})

    assert selection.every_table
    assert selection.names == (Name("!odd", is_quoted=True),)
    assert [(str(name), name.is_pattern) for name in selection.excluded] == [
        ("audit_*", True), ("s.log", False), ("a*", False), ("s.t", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "name", "holds"),
    [
        ("audit_*", "audit_2020", True),
        ("audit_*", "audit", False),
        ("*_old", "t_old", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*x*y*", "axby", True),
        ("*x*y*", "aybx", False),
        ("*", "", True),
        ("plain", "plain", True),
        ("plain", "plain2", False),
    ],
)
def test_a_star_stands_for_any_text(pattern: str, name: str, holds: bool) -> None:
    assert matches(pattern, name) is holds


def test_an_exclusion_counts_in_the_schema_it_names_or_in_all() -> None:
    names = Selection.of(parse_names("!log_*, !s.t, !s.x_*"), {}).excluded
    exclusions = Exclusions.of(names, ["public", "s"])

    assert exclusions.cover("public", "log_1")
    assert exclusions.cover("s", "log_1")
    assert exclusions.cover("s", "t")
    assert not exclusions.cover("public", "t")
    assert exclusions.cover("s", "x_1")
    assert not exclusions.cover("public", "x_1")


def test_a_name_given_twice_counts_once() -> None:
    assert Selection.of(parse_names("a,b,a"), {}).names == (Name("a"), Name("b"))


def test_a_dot_divides_schema_and_table_only_where_the_schema_is_configured() -> None:
    assert Name("s.t").candidates(["public", "s"]) == [("public", "s.t"), ("s", "s.t"), ("s", "t")]
    assert Name("s.t").candidates(["public"]) == [("public", "s.t")]
    assert Name("s.t", is_quoted=True).candidates(["s"]) == [("s", "s.t")]
    assert Name("t", "s", is_quoted=True).candidates(["public", "s"]) == [("s", "t")]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("v(id)", {"v": ("id",)}),
        ("v (a, b), s.w(c)\nx(d);", {"v": ("a", "b"), "s.w": ("c",), "x": ("d",)}),
        ('"odd (name)"("the key")', {"odd (name)": ("the key",)}),
        ("", {}),
    ],
)
def test_id_columns_name_a_relation_and_its_columns(text: str, keys: dict[str, tuple[str, ...]]) -> None:
    assert {str(name): columns for name, columns in parse_key_columns(text).items()} == keys
