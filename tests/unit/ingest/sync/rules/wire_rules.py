"""Sync rules as the protocol writes them."""

from typing import Any

from hypothesis import strategies as st

DEFAULT = {"id": "DEFAULT", "field": "_", "policy": "include", "rule": "regex", "value": ".*", "order": 0}


OPERATORS = ("equals", "starts_with", "ends_with", "contains", "regex", ">", "<")


def rule(operator: str = "equals", value: str = "x", **members: Any) -> dict[str, Any]:
    return {
        "id": "a-rule",
        "field": "f",
        "policy": "exclude",
        "rule": operator,
        "value": value,
        "order": 1,
        **members,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


WIRE_RULE = st.fixed_dictionaries(
    {
        "id": st.text(max_size=3) | st.none(),
        "field": st.sampled_from(["f", "g", "", None]),
        "policy": st.sampled_from(["include", "exclude", "Exclude", "", 3]),
        "rule": st.sampled_from([*OPERATORS, "like", None]),
        "value": st.text(max_size=20) | st.integers() | st.integers().map(str) | st.dates().map(str),
        "order": st.integers() | st.booleans() | st.none(),
    }
)
