"""Parameters of searches and counts: totals as bare numbers, types in names, one-line queries."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api

FIELDS = {
    "k": "keyword",
    "n": "long",
    "f": "double",
    "b": "boolean",
    "d": "date",
    "t": "text",
}
DOCUMENTS = {
    "1": {"k": "a", "n": 1, "f": 1.5, "b": True, "d": "2020-01-01", "t": "one two"},
    "2": {"k": "a", "n": 2, "f": 2.5, "b": False, "d": "2020-01-02", "t": "two"},
    "3": {"k": "b", "n": 3, "t": "three"},
}


@pytest.fixture
async def index(api: Api) -> str:
    """An index with a field of each kind."""
    return await api.filled(
        DOCUMENTS, mappings={"properties": {name: {"type": kind} for name, kind in FIELDS.items()}}
    )


@pytest.mark.parametrize(
    ("params", "body", "total"),
    [
        ({}, {}, 3),
        ({"track_total_hits": True}, {}, 3),
        ({"track_total_hits": False}, {}, -1),
        ({}, {"track_total_hits": False}, -1),
        ({}, {"track_total_hits": True}, 3),
    ],
)
async def test_a_total_may_be_a_bare_number(
    api: Api, index: str, params: dict[str, Any], body: dict[str, Any], total: int
) -> None:
    answer = await api("POST", f"/{index}/_search", body, rest_total_hits_as_int=True, **params)

    assert answer.body["hits"]["total"] == total


@pytest.mark.parametrize("where", ["params", "body"])
async def test_a_bare_number_is_never_a_lower_bound(api: Api, index: str, where: str) -> None:
    limit: dict[str, Any] = {"track_total_hits": 2}
    body, params = (limit, {}) if where == "body" else ({}, limit)

    answer = await api("POST", f"/{index}/_search", body, rest_total_hits_as_int=True, **params)

    assert answer.error[1] == (
        "[rest_total_hits_as_int] cannot be used if the tracking of total hits is not accurate, got 2"
    )


async def test_nothing_counted_is_a_lower_bound_of_zero(api: Api, index: str) -> None:
    answer = await api("POST", f"/{index}/_search", {"size": 0}, track_total_hits=0)

    assert answer.body["hits"] == {
        "total": {"value": 0, "relation": "gte"},
        "max_score": None,
        "hits": [],
    }


@pytest.mark.parametrize(
    ("definition", "name"),
    [
        ({"terms": {"field": "k"}}, "sterms#x"),
        ({"terms": {"field": "n"}}, "lterms#x"),
        ({"terms": {"field": "f"}}, "dterms#x"),
        ({"terms": {"field": "b"}}, "lterms#x"),
        ({"terms": {"field": "d"}}, "lterms#x"),
        ({"terms": {"field": "nonsense"}}, "sterms#x"),
        ({"max": {"field": "n"}}, "max#x"),
        ({"cardinality": {"field": "n"}}, "cardinality#x"),
        ({"value_count": {"field": "n"}}, "value_count#x"),
        ({"stats": {"field": "n"}}, "stats#x"),
        ({"filters": {"filters": {"one": {"match_all": {}}}}}, "filters#x"),
        ({"missing": {"field": "f"}}, "missing#x"),
    ],
)
async def test_the_name_of_a_result_may_tell_its_type(
    api: Api, index: str, definition: dict[str, Any], name: str
) -> None:
    body = {"size": 0, "aggs": {"x": definition}}

    typed = await api("POST", f"/{index}/_search", body, typed_keys=True)
    plain = await api("POST", f"/{index}/_search", body, typed_keys=False)

    assert list(typed.body["aggregations"]) == [name]
    assert plain.body["aggregations"] == {"x": typed.body["aggregations"][name]}


async def test_types_are_told_inside_buckets_and_order_goes_by_plain_names(api: Api, index: str) -> None:
    inner = {"top": {"max": {"field": "n"}}}
    terms = {"terms": {"field": "k", "order": {"top": "desc"}}, "aggs": inner}

    answer = await api("POST", f"/{index}/_search", {"size": 0, "aggs": {"x": terms}}, typed_keys=True)

    buckets = answer.body["aggregations"]["sterms#x"]["buckets"]
    assert [(bucket["key"], bucket["max#top"]["value"]) for bucket in buckets] == [("b", 3.0), ("a", 2.0)]


async def test_an_aggregation_gives_its_meta_back(api: Api, index: str) -> None:
    inner = {"y": {"min": {"field": "n"}, "meta": {"deep": True}}}
    aggregation = {"filter": {"term": {"k": "b"}}, "meta": {"a": {"b": 1}}, "aggs": inner}

    answer = await api("POST", f"/{index}/_search", {"size": 0, "aggs": {"x": aggregation}})

    assert answer.body["aggregations"]["x"] == {
        "meta": {"a": {"b": 1}},
        "doc_count": 1,
        "y": {"meta": {"deep": True}, "value": 3.0},
    }


async def test_meta_is_an_object(api: Api, index: str) -> None:
    body = {"aggs": {"x": {"max": {"field": "n"}, "meta": 1}}}

    answer = await api("POST", f"/{index}/_search", body)

    assert answer.error[1] == "Expected [START_OBJECT] under [meta], but got a [VALUE_NUMBER] in [x]"


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"q": "two one"}, 2),
        ({"q": "two one", "default_operator": "OR"}, 2),
        ({"q": "two one", "default_operator": "AND"}, 1),
        ({"q": "two one", "default_operator": "and", "df": "t"}, 1),
        ({"q": "two", "df": "k"}, 0),
        ({"min_score": 0.5}, 3),
        ({"min_score": 1.5}, 0),
    ],
)
async def test_a_count_reads_its_query_as_a_search_does(
    api: Api, index: str, params: dict[str, Any], count: int
) -> None:
    counted = await api("GET", f"/{index}/_count", **params)

    assert counted.body["count"] == count
    if "q" in params:
        found = await api("GET", f"/{index}/_search", **params)
        assert found.body["hits"]["total"]["value"] == count


@pytest.mark.parametrize("path", ["_count", "_search"])
async def test_an_operator_is_and_or_or(api: Api, index: str, path: str) -> None:
    answer = await api("GET", f"/{index}/{path}", q="two", default_operator="nor")

    assert answer.error[1] == "No enum constant org.elasticsearch.index.query.Operator.NOR"
