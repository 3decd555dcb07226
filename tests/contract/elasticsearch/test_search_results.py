"""What searches make of the documents found: aggregations by the types of fields, sort values, formats."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api

MAPPINGS = {
    "properties": {
        "code": {"type": "keyword"},
        "text": {"type": "text"},
        "count": {"type": "long"},
        "small": {"type": "integer"},
        "live": {"type": "boolean"},
        "at": {"type": "date"},
    }
}
DOCUMENTS: dict[str, Any] = {
    "1": {"code": ["red", "red"], "count": 2, "small": 1, "live": True, "at": "2024-01-01"},
    "2": {"code": "blue", "count": [3, 6], "live": False, "at": "2024-01-31T23:30:00Z"},
    "3": {"code": "42", "text": "red", "small": 7},
}


async def _search(api: Api, **body: Any) -> Any:
    index = await api.filled(DOCUMENTS, mappings=MAPPINGS)
    return await api("POST", f"/{index}/_search", body)


async def _summary(api: Api, aggregation: Any) -> Any:
    answer = await _search(api, size=0, aggs={"it": aggregation})
    assert answer.status == 200, answer.content
    return answer.body["aggregations"]["it"]


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"field": "code"}, ["42", "blue", "red"]),
        ({"field": "code", "include": ["red"]}, ["red"]),
        ({"field": "code", "include": "[br].*", "exclude": ["red"]}, ["blue"]),
        ({"field": "count", "include": [2]}, [2]),
        ({"field": "at", "missing": "2020", "format": "yyyy"}, ["2020", "2024", "2024"]),
        ({"field": "live", "missing": True}, ["true", "false"]),
        ({"field": "count", "missing": "7"}, [2, 3, 6, 7]),
    ],
)
async def test_terms_have_buckets(api: Api, options: Any, keys: list[Any]) -> None:
    buckets = (await _summary(api, {"terms": options}))["buckets"]

    assert [bucket.get("key_as_string", bucket["key"]) for bucket in buckets] == keys


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ({"value_count": {"field": "code"}}, {"value": 3}),
        ({"max": {"field": "live"}}, {"value": 1.0, "value_as_string": "true"}),
        ({"min": {"field": "at", "format": "yyyy-MM-dd"}}, {"value_as_string": "2024-01-01"}),
        ({"stats": {"field": "live"}}, {"avg": 0.5, "avg_as_string": True, "min_as_string": False}),
        (
            {"filters": {"filters": [{"term": {"code": "red"}}], "other_bucket": True}},
            {"buckets": [{"doc_count": 1}, {"doc_count": 2}]},
        ),
        (
            {"filters": {"filters": {"x": {"term": {"code": "red"}}}, "other_bucket_key": "rest"}},
            {"buckets": {"x": {"doc_count": 1}, "rest": {"doc_count": 2}}},
        ),
    ],
)
async def test_values_are_summarized_by_their_type(api: Api, aggregation: Any, expected: Any) -> None:
    result = await _summary(api, aggregation)

    assert {name: result[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("aggregation", "kind"),
    [
        ({"min": {"field": "code"}}, "illegal_argument_exception"),
        ({"stats": {"field": "text"}}, "illegal_argument_exception"),
        ({"terms": {"field": "text"}}, "illegal_argument_exception"),
        ({"terms": {"field": "count", "missing": "x"}}, "number_format_exception"),
        ({"terms": {"field": "code", "zzz": 1}}, "x_content_parse_exception"),
        ({"min": {"field": "count", "zzz": 1}}, "x_content_parse_exception"),
    ],
)
async def test_a_summary_that_a_field_cannot_give_is_refused(api: Api, aggregation: Any, kind: str) -> None:
    answer = await _search(api, query={"match_none": {}}, aggs={"it": aggregation})

    assert answer.status == 400
    assert answer.body["error"]["root_cause"][0]["type"] == kind


@pytest.mark.parametrize(
    ("sort", "values"),
    [
        ({"small": "asc"}, [1, 7, 2**31 - 1]),
        ({"small": "desc"}, [7, 1, -(2**31)]),
        ({"count": {"missing": 4}}, [2, 3, 4]),
        ({"count": {"missing": "4"}}, [2, 3, 4]),
        ({"count": {"mode": "avg"}}, [2, 5, 2**63 - 1]),
        ({"at": {"format": "yyyy"}}, ["2024", "2024", None]),
        ({"nowhere": {"missing": "b", "unmapped_type": "keyword"}}, ["b", "b", "b"]),
    ],
)
async def test_hits_show_what_they_are_sorted_by(api: Api, sort: Any, values: list[Any]) -> None:
    answer = await _search(api, sort=[sort])

    assert [hit["sort"][0] for hit in answer.body["hits"]["hits"]] == values


@pytest.mark.parametrize(
    ("sort", "kind"),
    [
        ({"count": {"missing": "zz"}}, "number_format_exception"),
        ({"code": {"mode": "avg"}}, "query_shard_exception"),
    ],
)
async def test_a_sort_that_a_field_cannot_give_is_refused(api: Api, sort: Any, kind: str) -> None:
    answer = await _search(api, sort=[sort])

    assert answer.status == 400
    assert answer.body["error"]["root_cause"][0]["type"] == kind


@pytest.mark.parametrize("sort", ["live", "small", "count", "at", "code"])
async def test_pages_go_on_after_each_kind_of_value(api: Api, sort: str) -> None:
    index = await api.filled(DOCUMENTS, mappings=MAPPINGS)
    seen: list[str] = []
    body: dict[str, Any] = {"size": 1, "sort": [sort, "_doc"]}
    while hits := (await api("POST", f"/{index}/_search", body)).body["hits"]["hits"]:
        seen += [hit["_id"] for hit in hits]
        body["search_after"] = hits[-1]["sort"]

    assert sorted(seen) == ["1", "2", "3"]


@pytest.mark.parametrize("member", ["fields", "docvalue_fields"])
@pytest.mark.parametrize(
    ("format_", "expected"),
    [("yyyy-MM-dd", "2024-01-01"), ("epoch_millis", "1704067200000"), (None, "2024-01-01T00:00:00.000Z")],
)
async def test_dates_are_shown_in_the_format_asked_for(
    api: Api, member: str, format_: str | None, expected: str
) -> None:
    asked = {"field": "at"} | ({"format": format_} if format_ else {})
    answer = await _search(api, query={"ids": {"values": ["1"]}}, **{member: [asked]})

    assert answer.body["hits"]["hits"][0]["fields"] == {"at": [expected]}
