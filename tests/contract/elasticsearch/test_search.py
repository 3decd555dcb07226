"""`_search` and `_count`: queries, sorting, pages, what a hit shows, aggregations."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api

MAPPINGS = {
    "properties": {
        "title": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
        "genre": {"type": "keyword"},
        "year": {"type": "integer"},
        "released": {"type": "date"},
        "live": {"type": "boolean"},
        "plays": {"type": "long"},
        "label": {"properties": {"name": {"type": "keyword"}}},
    }
}
DAY = "1959-08-17"
SONGS: dict[str, Any] = {
    "1": {
        "title": "Blue in Green",
        "genre": "jazz",
        "year": 1959,
        "released": DAY,
        "live": False,
        "plays": 30,
    },
    "2": {
        "title": "So What",
        "genre": ["jazz", "modal"],
        "year": 1959,
        "released": f"{DAY}T00:00:01Z",
        "plays": 10,
    },
    "3": {"title": "Blue Train", "genre": "jazz", "year": 1957, "live": True, "label": {"name": "Blue Note"}},
    "4": {"title": "Help!", "genre": "rock", "year": 1965, "released": "1965-08-06", "plays": 20},
}
JAZZ = {"term": {"genre": "jazz"}}


async def _songs(api: Api) -> str:
    return await api.filled(SONGS, mappings=MAPPINGS)


async def _ids(api: Api, index: str, query: Any, **body: Any) -> list[str]:
    answer = await api("POST", f"/{index}/_search", {"query": query, "sort": ["_doc"], **body})
    assert answer.status == 200, answer.content
    return [hit["_id"] for hit in answer.body["hits"]["hits"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match_all": {}}, "1234"),
        ({"match_none": {}}, ""),
        ({"ids": {"values": ["4", "1", "9"]}}, "14"),
        ({"term": {"genre": "jazz"}}, "123"),
        ({"term": {"genre": {"value": "modal"}}}, "2"),
        ({"term": {"_id": "3"}}, "3"),
        ({"term": {"year": 1959}}, "12"),
        ({"term": {"live": True}}, "3"),
        ({"term": {"title": "blue"}}, "13"),
        ({"term": {"title": "Blue"}}, ""),
        ({"term": {"title.keyword": "So What"}}, "2"),
        ({"term": {"label.name": "Blue Note"}}, "3"),
        ({"term": {"nothing": "x"}}, ""),
        ({"terms": {"genre": ["modal", "rock"]}}, "24"),
        ({"terms": {"_id": ["2", "3"]}}, "23"),
        ({"range": {"year": {"gt": 1957, "lte": 1959}}}, "12"),
        ({"range": {"released": {"gte": "1959-08-17", "lt": "now-20y"}}}, "124"),
        ({"range": {"released": {"lte": "1959-08-17"}}}, "12"),
        ({"range": {"released": {"gt": "1959-08-17"}}}, "4"),
        ({"range": {"released": {"gte": "1965-08-06||-1d/d"}}}, "4"),
        ({"exists": {"field": "released"}}, "124"),
        ({"exists": {"field": "label"}}, "3"),
        ({"prefix": {"genre": "ja"}}, "123"),
        ({"prefix": {"title.keyword": {"value": "Blue"}}}, "13"),
        ({"wildcard": {"title.keyword": "*Wh?t"}}, "2"),
        ({"wildcard": {"title.keyword": {"value": "*what", "case_insensitive": True}}}, "2"),
        ({"regexp": {"genre": "r.ck"}}, "4"),
        ({"match": {"title": "blue help"}}, "134"),
        ({"match": {"title": {"query": "blue green", "operator": "and"}}}, "1"),
        ({"match": {"genre": "jazz"}}, "123"),
        ({"match_phrase": {"title": "blue in"}}, "1"),
        ({"multi_match": {"query": "rock", "fields": ["title", "genre"]}}, "4"),
        ({"query_string": {"query": "genre:jazz AND NOT title:blue"}}, "2"),
        ({"query_string": {"query": "year:[1958 TO 1960] OR title:help"}}, "124"),
        ({"simple_query_string": {"query": "train", "fields": ["title"]}}, "3"),
        ({"bool": {"must": [JAZZ], "must_not": {"term": {"year": 1957}}}}, "12"),
        ({"bool": {"filter": [JAZZ, {"exists": {"field": "live"}}]}}, "13"),
        ({"bool": {"should": [{"term": {"year": 1957}}, {"term": {"year": 1965}}]}}, "34"),
        ({"bool": {"must_not": [{"exists": {"field": "released"}}]}}, "3"),
        ({"bool": {"should": [JAZZ, {"term": {"year": 1959}}], "minimum_should_match": 2}}, "12"),
        ({"constant_score": {"filter": {"term": {"year": 1965}}}}, "4"),
    ],
    ids=str,
)  # fmt: skip
async def test_a_query_finds(api: Api, query: Any, expected: str) -> None:
    index = await _songs(api)

    assert "".join(await _ids(api, index, query)) == expected


@pytest.mark.parametrize(
    ("line", "by_or", "by_and"),
    [
        ("-t:a", "none b c bc", "none b c bc"),
        ("t:a -t:b", "a ac", "a ac"),
        ("+t:a t:b", "a ab ac abc", "ab abc"),
        ("t:a OR t:b AND t:c", "bc abc", "bc abc"),
        ("t:a AND t:b OR t:c", "ab abc", "a ab ac abc"),
        ("t:a OR +t:b", "b ab bc abc", "a b ab ac bc abc"),
        ("t:a || t:b && -t:c", "b ab", "b ab"),
        ("!t:a AND NOT t:b", "none c", "none c"),
        ("t:(a -b) OR t:c", "a c ac bc abc", "a c ac bc abc"),
        ("NOT (t:a OR t:b)", "none c", "none c"),
    ],
)
async def test_clauses_of_a_line_must_should_or_must_not_match(
    api: Api, line: str, by_or: str, by_and: str
) -> None:
    sets = ["none", "a", "b", "c", "ab", "ac", "bc", "abc"]
    index = await api.filled({one: {"t": "" if one == "none" else " ".join(one)} for one in sets})

    found = [
        await _ids(api, index, {"query_string": {"query": line, "default_operator": operator}})
        for operator in ("or", "and")
    ]

    assert found == [by_or.split(), by_and.split()]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ([{"year": "desc"}, {"title.keyword": "asc"}], "4123"),
        ([{"released": {"order": "asc"}}], "1243"),
        ([{"released": {"order": "asc", "missing": "_first"}}], "3124"),
        (["genre"], "1234"),
        ([{"plays": {"order": "desc"}}], "1423"),
        ([{"nothing": {"unmapped_type": "long"}}, {"year": "asc"}, {"title.keyword": "desc"}], "3214"),
        (["_doc"], "1234"),
    ],
    ids=str,
)
async def test_a_sort_orders(api: Api, sort: Any, expected: str) -> None:
    index = await _songs(api)

    assert "".join(await _ids(api, index, {"match_all": {}}, sort=sort)) == expected


async def test_sorted_hits_show_sort_values_and_no_score(api: Api) -> None:
    index = await _songs(api)
    body = {"sort": [{"released": "desc"}, {"genre": "asc"}], "size": 4}

    hits = (await api("POST", f"/{index}/_search", body)).body["hits"]

    assert hits["max_score"] is None
    assert [hit["_score"] for hit in hits["hits"]] == [None] * 4
    assert hits["hits"][0]["sort"] == [-139017600000, "rock"]
    assert hits["hits"][3]["sort"] == [-9223372036854775808, "jazz"]


async def test_pages_by_from_and_by_search_after_are_the_same(api: Api) -> None:
    index = await api.filled({str(number): {"n": number % 3, "k": f"{number:02}"} for number in range(10)},
                             mappings={"properties": {"k": {"type": "keyword"}}})  # fmt: skip
    sort = [{"n": "desc"}, {"k": "asc"}]
    everything = await _ids(api, index, {"match_all": {}}, sort=sort, size=10)

    by_offset: list[str] = []
    for offset in range(0, 10, 3):
        by_offset += await _ids(api, index, {"match_all": {}}, sort=sort, size=3, **{"from": offset})
    by_value: list[str] = []
    after: dict[str, Any] = {}
    while True:
        body = {"sort": sort, "size": 3, **after}
        hits = (await api("POST", f"/{index}/_search", body)).body["hits"]["hits"]
        if not hits:
            break
        by_value += [hit["_id"] for hit in hits]
        after = {"search_after": hits[-1]["sort"]}

    assert by_offset == everything
    assert by_value == everything


async def test_the_total_is_exact_capped_or_absent(api: Api) -> None:
    index = await _songs(api)

    async def total(tracked: Any) -> Any:
        answer = await api("POST", f"/{index}/_search", {"size": 0, "track_total_hits": tracked})
        return answer.body["hits"].get("total")

    assert await total(True) == {"value": 4, "relation": "eq"}
    assert await total(2) == {"value": 2, "relation": "gte"}
    assert await total(False) is None


async def test_a_page_beyond_the_window_is_refused(api: Api) -> None:
    index = await _songs(api)

    answer = await api("POST", f"/{index}/_search", {"from": 9_999, "size": 2})

    assert answer.status == 400
    assert answer.error[0] == "search_phase_execution_exception"
    cause = answer.body["error"]["root_cause"][0]
    assert cause["type"] == "illegal_argument_exception"
    assert cause["reason"].startswith(
        "Result window is too large, from + size must be less than or equal to: [10000] but was [10001]."
    )


async def test_a_hit_shows_what_is_asked_for(api: Api) -> None:
    index = await _songs(api)
    body = {
        "query": {"ids": {"values": ["2"]}},
        "_source": ["title", "lab*"],
        "docvalue_fields": ["genre", "released", "year"],
        "seq_no_primary_term": True,
        "version": True,
    }

    hit = (await api("POST", f"/{index}/_search", body)).body["hits"]["hits"][0]

    assert hit["_source"] == {"title": "So What"}
    assert hit["fields"] == {
        "genre": ["jazz", "modal"],
        "released": ["1959-08-17T00:00:01.000Z"],
        "year": [1959],
    }
    assert (hit["_seq_no"], hit["_primary_term"], hit["_version"]) == (1, 1, 1)
    assert "sort" not in hit


async def test_a_source_can_be_left_out(api: Api) -> None:
    index = await _songs(api)

    hits = (await api("POST", f"/{index}/_search", {"_source": False})).body["hits"]["hits"]

    assert all("_source" not in hit for hit in hits)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"query": {"nonsense": {}}}, "parsing_exception"),
        ({"query": {"term": {"a": 1, "b": 2}}}, "parsing_exception"),
        ({"query": {"bool": {"musty": []}}}, None),
        ({"size": -1}, "illegal_argument_exception"),
        ({"nonsense": 1}, "parsing_exception"),
        ({"query": {"range": {"year": {"gt": "many"}}}}, "search_phase_execution_exception"),
        ({"sort": ["title"]}, "search_phase_execution_exception"),
        ({"sort": ["nothing"]}, "search_phase_execution_exception"),
        ({"search_after": [1]}, None),
        ({"aggs": {"a": {"nonsense": {}}}}, None),
    ],
    ids=str,
)
async def test_a_search_that_makes_no_sense_is_a_400(api: Api, body: Any, kind: str | None) -> None:
    index = await _songs(api)

    answer = await api("POST", f"/{index}/_search", body)

    assert answer.status == 400
    assert kind is None or answer.error[0] == kind


async def test_a_missing_index_is_a_404_unless_ignored(api: Api) -> None:
    index = api.index()

    assert (await api("POST", f"/{index}/_search", {})).status == 404
    ignored = await api("POST", f"/{index}/_search", {}, ignore_unavailable=True)
    assert ignored.body["hits"]["total"]["value"] == 0


async def test_a_count_counts_what_a_query_finds(api: Api) -> None:
    index = await _songs(api)

    answer = await api("POST", f"/{index}/_count", {"query": {"term": {"genre": "jazz"}}})

    assert answer.body["count"] == 3
    assert answer.body["_shards"]["failed"] == 0


async def test_aggregations_summarize(api: Api) -> None:
    index = await _songs(api)
    aggs = {
        "genres": {"terms": {"field": "genre"}, "aggs": {"years": {"stats": {"field": "year"}}}},
        "earliest": {"min": {"field": "released"}},
        "plays": {"sum": {"field": "plays"}},
        "years": {"cardinality": {"field": "year"}},
        "values": {"value_count": {"field": "genre"}},
        "unreleased": {"missing": {"field": "released"}},
    }

    answer = await api("POST", f"/{index}/_search", {"size": 0, "aggs": aggs})

    found = answer.body["aggregations"]
    buckets = [(bucket["key"], bucket["doc_count"]) for bucket in found["genres"]["buckets"]]
    assert buckets == [("jazz", 3), ("modal", 1), ("rock", 1)]
    assert found["genres"]["buckets"][0]["years"]["min"] == 1957.0
    assert found["earliest"]["value_as_string"] == "1959-08-17T00:00:00.000Z"
    assert found["plays"]["value"] == 60.0
    assert found["years"]["value"] == 3
    assert found["values"]["value"] == 5
    assert found["unreleased"]["doc_count"] == 1


async def test_the_query_parameter_searches_too(api: Api) -> None:
    index = await _songs(api)

    answer = await api("GET", f"/{index}/_search", q="genre:rock", size=1, sort="year:desc")

    assert [hit["_id"] for hit in answer.body["hits"]["hits"]] == ["4"]
