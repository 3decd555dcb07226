"""The little of Painless the server knows, and that it refuses the rest."""

from typing import Any

import pytest

from sandbox.elasticsearch import conditions, errors
from sandbox.elasticsearch.scripts import Script


@pytest.mark.parametrize(
    ("source", "before", "after", "operation"),
    [
        ("ctx._source.a = 1", {}, {"a": 1}, "index"),
        ("ctx._source.a = 'x'; ctx._source['b'] = params.b", {}, {"a": "x", "b": [1]}, "index"),
        ("ctx._source.a += 2", {"a": 1}, {"a": 3}, "index"),
        ("ctx._source.a++", {"a": 1}, {"a": 2}, "index"),
        ("ctx._source.o.a -= 1", {"o": {"a": 1}}, {"o": {"a": 0}}, "index"),
        ("ctx._source.remove('a')", {"a": 1, "b": 2}, {"b": 2}, "index"),
        ("ctx._source.o.remove('a')", {"o": {"a": 1}}, {"o": {}}, "index"),
        ("ctx.op = 'delete'", {"a": 1}, {"a": 1}, "delete"),
        ("ctx._source.at = ctx._now", {}, {"at": 1234}, "index"),
    ],
)
def test_a_script_changes_a_source(source: str, before: Any, after: Any, operation: str) -> None:
    script = Script.from_wire({"source": source, "params": {"b": [1]}})

    assert script.run(before, 1234) == (after, operation)


@pytest.mark.parametrize(
    "source", ["for (x in y) {}", "ctx._source.a = ctx._source.b", "return 1", "ctx._source.a"]
)
def test_a_script_beyond_that_does_not_compile(source: str) -> None:
    with pytest.raises(errors.ElasticsearchError):
        Script.from_wire(source).run({}, 0)


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
