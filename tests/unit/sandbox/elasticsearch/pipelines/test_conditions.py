"""The conditions of processors that the server evaluates, and its refusal of all others."""

import pytest

from sandbox.elasticsearch.pipelines import conditions


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("ctx.a == 1", True),
        ("ctx?.a == 2", False),
        ("ctx.missing == null", True),
        ("ctx.o.b != 'x'", False),
        ("ctx.a == 1 && ctx.o.b == 'x'", True),
        ("ctx.a == 2 || ctx.flag", True),
        ("!ctx.flag", False),
        ("ctx.a >= 1", True),
        ("ctx.missing > 1", False),
        ("ctx.containsKey('a')", True),
        ("!ctx.o.containsKey('b')", False),
    ],
)
def test_a_condition_holds_or_not(expression: str, holds: bool) -> None:
    assert conditions.compiled(expression)({"a": 1, "o": {"b": "x"}, "flag": True}) is holds


@pytest.mark.parametrize("expression", ["ctx.a.length() > 1", "return true", "ctx.a == foo"])
def test_a_condition_beyond_comparisons_is_not_guessed_at(expression: str) -> None:
    with pytest.raises(ValueError, match="cannot evaluate"):
        conditions.compiled(expression)
