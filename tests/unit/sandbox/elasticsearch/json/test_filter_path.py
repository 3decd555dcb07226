"""`filter_path` on answers, and on the items of bulk answers, which are cut another way."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.elasticsearch.documents import ItemFilter
from sandbox.elasticsearch.json.filter_path import filtered

ANSWER = {
    "took": 1,
    "hits": {"total": 2, "hits": [{"_id": "1", "_source": {"a": 1}}, {"_id": "2"}]},
    "empty": {},
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("took", {"took": 1}),
        ("hits.total,took", {"took": 1, "hits": {"total": 2}}),
        ("hits.hits._id", {"hits": {"hits": [{"_id": "1"}, {"_id": "2"}]}}),
        ("h*.t*", {"hits": {"total": 2}}),
        ("**._source", {"hits": {"hits": [{"_source": {"a": 1}}]}}),
        ("**.a", {"hits": {"hits": [{"_source": {"a": 1}}]}}),
        ("-hits", {"took": 1, "empty": {}}),
        ("hits,-hits.hits", {"hits": {"total": 2}}),
        ("nothing", {}),
        ("took.deeper", {}),
        ("empty", {}),
    ],
)
def test_an_answer_is_cut(expression: str, expected: Any) -> None:
    found = filtered(ANSWER, expression)

    assert found == expected or (expression == "empty" and found == {"empty": {}})


@pytest.mark.parametrize("expression", ["hits.hits._source.a", "**.a", "-hits.hits._source.a", "hits.hits"])
def test_a_raw_source_is_cut_like_any_other(expression: str) -> None:
    raw = {"hits": {"hits": [{"_id": "1", "_source": orjson.Fragment(b'{"a":1,"b":2}')}]}}
    read = orjson.loads(orjson.dumps(raw))

    assert orjson.dumps(filtered(raw, expression)) == orjson.dumps(filtered(read, expression))


EXPRESSIONS = st.lists(
    st.sampled_from(
        [
            "errors",
            "took",
            "items.*.status",
            "items.*.error",
            "items.*.error.type",
            "items.index._id",
            "items",
            "items.*._shards.total",
            "-took",
            "-items.*._shards",
            "**.status",
            "items.*.*",
        ]
    ),
    min_size=1,
    max_size=3,
    unique=True,
)
OK = {
    "_index": "i",
    "_id": "7",
    "_version": 2,
    "result": "updated",
    "_shards": {"total": 2, "successful": 1, "failed": 0},
    "_seq_no": 4,
    "_primary_term": 1,
    "status": 200,
}
BAD = {"_index": "i", "_id": "8", "status": 400, "error": {"type": "t", "reason": "r"}}


@given(
    expressions=EXPRESSIONS,
    items=st.lists(
        st.sampled_from([{"index": OK}, {"create": BAD}, {"index": BAD}, {"delete": OK}]),
        min_size=1,
        max_size=4,
    ),
)
def test_the_quick_cut_of_items_agrees_with_the_general_one(expressions: list[str], items: list[Any]) -> None:
    expression = ",".join(expressions)
    head = {"errors": True, "took": 3}

    quick = ItemFilter.of(expression).rendered(head, items, pretty=False)

    assert orjson.loads(quick) == filtered({**head, "items": items}, expression)
