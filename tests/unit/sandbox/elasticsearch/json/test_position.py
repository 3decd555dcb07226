"""Line and column of a value in a JSON text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.elasticsearch.json.position import Anchor, Path, duplicate_key, locate

TEXT = '{ "a" : 1,\n  "b": [ {"c": "x"}, {"c\\u0064": [2, 3]} ],\n  "e": {}}'


@pytest.mark.parametrize(
    ("path", "anchor", "position"),
    [
        ((), Anchor.VALUE, (1, 1)),
        ((), Anchor.END, (3, 10)),
        (("a",), Anchor.KEY, (1, 3)),
        (("a",), Anchor.VALUE, (1, 9)),
        (("b",), Anchor.KEY, (2, 3)),
        (("b", 1), Anchor.VALUE, (2, 22)),
        (("b", 1), Anchor.END, (2, 40)),
        (("b", 1, "cd", 1), Anchor.VALUE, (2, 38)),
        (("e",), Anchor.END, (3, 9)),
        (("b", 7), Anchor.VALUE, (2, 8)),
        (("nowhere",), Anchor.VALUE, (1, 1)),
    ],
)
def test_a_value_is_found(path: Path, anchor: Anchor, position: tuple[int, int]) -> None:
    assert locate(TEXT.encode(), path, anchor) == position


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def paths(value: Any, so_far: tuple[str | int, ...] = ()) -> list[tuple[Path, Any]]:
    children: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [(so_far, value), *(found for step, child in children for found in paths(child, (*so_far, step)))]


@given(JSON_VALUES, st.sampled_from([None, 0, 2]))
def test_what_stands_at_the_position_is_the_value(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    lines = text.split("\n")

    for path, expected in paths(value):
        line, column = locate(text.encode(), path)
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        assert json.JSONDecoder().raw_decode(rest)[0] == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [('{"a":1,"b":{"a":2}}', None), ('{"a":1,"a":2}', "a"), ('[{"x":{"b":1,"b":1}}]', "b"), ("7", None)],
)
def test_a_key_given_twice_is_found(text: str, key: str | None) -> None:
    assert duplicate_key(text) == key
