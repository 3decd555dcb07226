"""The scripts that the server runs, and its refusal of all others."""

from typing import Any

import pytest

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.documents.scripts import Script


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
