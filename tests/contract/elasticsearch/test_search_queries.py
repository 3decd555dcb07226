"""Which documents each kind of query finds, by the types of their fields, and which it refuses."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api

MAPPINGS = {
    "properties": {
        "code": {"type": "keyword"},
        "short": {"type": "keyword", "ignore_above": 3},
        "text": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "count": {"type": "long"},
        "price": {"type": "double"},
        "live": {"type": "boolean"},
        "at": {"type": "date"},
    }
}
DOCUMENTS: dict[str, Any] = {
    "1": {
        "code": "red",
        "short": "ab",
        "text": "red so what",
        "count": 2,
        "price": 2.5,
        "live": True,
        "at": "2024-01-01",
    },
    "2": {
        "code": "a1^",
        "text": "what so green red",
        "count": [3, 5],
        "price": 3,
        "live": False,
        "at": "2024-01-31T23:30:00Z",
    },
    "3": {"code": "42"},
}
ALL: dict[str, Any] = {"match_all": {}}


async def _search(api: Api, query: Any) -> Any:
    index = await api.filled(DOCUMENTS, mappings=MAPPINGS)
    return await api("POST", f"/{index}/_search", {"query": query})


async def _found(api: Api, query: Any) -> str:
    answer = await _search(api, query)
    assert answer.status == 200, answer.content
    return "".join(sorted(hit["_id"] for hit in answer.body["hits"]["hits"]))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"bool": {"minimum_should_match": 5}}, "123"),
        ({"bool": {"filter": [ALL], "minimum_should_match": 1}}, ""),
        ({"bool": {"must_not": [{"term": {"code": "red"}}], "minimum_should_match": 1}}, "23"),
        ({"bool": {"should": [ALL], "minimum_should_match": "3<90%"}}, "123"),
        ({"bool": {"should": [ALL], "minimum_should_match": "-7"}}, "123"),
        ({"bool": {"should": [{"term": {"code": "red"}}], "minimum_should_match": 0}}, "1"),
        ({"match": {"text": {"query": "red so green", "minimum_should_match": 3}}}, "2"),
        ({"match": {"text": {"query": "red so green", "minimum_should_match": "-25%"}}}, "2"),
        ({"match": {"text": {"query": "red so green", "minimum_should_match": "-34%"}}}, "12"),
    ],
)
async def test_so_many_clauses_or_words_must_match(api: Api, query: Any, expected: str) -> None:
    assert await _found(api, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match_phrase": {"text": "red what"}}, ""),
        ({"match_phrase": {"text": {"query": "red what", "slop": 1}}}, "1"),
        ({"match_phrase": {"text": {"query": "so red", "slop": 1}}}, "2"),
        ({"match_phrase": {"text": {"query": "so red", "slop": 2}}}, "12"),
        ({"match_phrase_prefix": {"text": {"query": "red wh", "slop": 1}}}, "1"),
        ({"match": {"text": {"query": "", "zero_terms_query": "all"}}}, "123"),
        ({"match": {"count": {"query": "x", "lenient": True}}}, ""),
        ({"multi_match": {"query": "red so", "type": "phrase_prefix", "fields": ["text"]}}, "1"),
        ({"multi_match": {"query": "red"}}, "12"),
        ({"multi_match": {"query": "red", "fields": ["count", "code"], "lenient": True}}, "1"),
    ],
)
async def test_texts_are_found_by_words(api: Api, query: Any, expected: str) -> None:
    assert await _found(api, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"term": {"count": 2.5}}, ""),
        ({"terms": {"count": [2.5, "2"]}}, "1"),
        ({"match_phrase": {"count": 2.5}}, ""),
        ({"match_phrase": {"price": 2.5}}, "1"),
        ({"range": {"count": {"gte": "2.5"}}}, "2"),
        ({"range": {"count": {"lte": "2.5"}}}, "1"),
        ({"term": {"at": "2024-01-31"}}, "2"),
        ({"term": {"at": "2024-01-31||/M"}}, "12"),
        ({"range": {"at": {"lte": "2024-01"}}}, "1"),
        ({"range": {"at": {"gt": "2024"}}}, "2"),
        ({"range": {"at": {"gte": "2024-02-01"}}}, ""),
        ({"range": {"at": {"gte": "2024-02-01", "time_zone": "+02:00"}}}, "2"),
        ({"range": {"at": {"gte": "2024-02-01||/d", "time_zone": "Europe/Berlin"}}}, "2"),
        ({"range": {"at": {"gte": "2024-02-01T00:00:00Z", "time_zone": "+02:00"}}}, ""),
        ({"terms": {"short": ["ab", "longer"]}}, "1"),
        ({"exists": {"field": "te*"}}, "12"),
        ({"range": {"text": {"gte": "so", "lt": "sp"}}}, "12"),
        ({"match": {"text": {"query": "green", "minimum_should_match": 2}}}, "2"),
        ({"exists": {"field": "none*"}}, ""),
    ],
)
async def test_values_are_found_by_their_type(api: Api, query: Any, expected: str) -> None:
    assert await _found(api, query) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a1^", "2"),
        ("^red$", ""),
        ("<1-50>", "3"),
        ("<001-050>", ""),
        ("@", "123"),
        ("r#", ""),
        ('r"ed"', "1"),
        ("re*?d", "1"),
        ("(red|4[0-9])", "13"),
        ("[^-r^]+", "3"),
        (r"\d{2}", "3"),
        ({"value": "<1-50>", "flags": "NONE"}, ""),
        ({"value": "RE.", "case_insensitive": True}, "1"),
    ],
)
async def test_a_regular_expression_is_read_as_lucene_does(api: Api, pattern: Any, expected: str) -> None:
    assert await _found(api, {"regexp": {"code": pattern}}) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("re*", "12"),
        ("RE*", "12"),
        ("code:RE*", ""),
        ("text:RE*", "12"),
        ("[3 TO 9]", "23"),
        ("count:x", ""),
        ("zz count:2*", ""),
        ("at:>2024-01-02", "2"),
        ("/re./", "12"),
        ("code:/re./ OR code:42", "13"),
        ('text:"red what"~1', "1"),
        ("code:red^2", "1"),
        ("code:(red OR 42)^1.5", "13"),
        ('text:"red so"^2', "1"),
    ],
)
async def test_a_line_finds_in_all_fields_what_each_can_hold(api: Api, line: str, expected: str) -> None:
    assert await _found(api, {"query_string": {"query": line}}) == expected


@pytest.mark.parametrize("kind", ["prefix", "wildcard", "regexp"])
@pytest.mark.parametrize("field", ["_id", "count", "price", "live", "at"])
async def test_only_texts_are_found_by_pattern(api: Api, kind: str, field: str) -> None:
    answer = await _search(api, {kind: {field: "1"}})

    assert answer.status == 400
    assert answer.body["error"]["root_cause"][0]["type"] == "query_shard_exception"


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"match_phrase_prefix": {"code": "red"}}, "query_shard_exception"),
        ({"match": {"count": "x"}}, "query_shard_exception"),
        ({"multi_match": {"query": "x", "fields": ["count", "code"]}}, "query_shard_exception"),
        ({"multi_match": {"query": "x", "type": "zz"}}, "parse_exception"),
        ({"query_string": {"query": "red", "fields": ["count", "code"]}}, "query_shard_exception"),
        ({"match": {"text": {"query": "red", "operator": "x"}}}, "illegal_argument_exception"),
        ({"bool": {"should": [ALL], "minimum_should_match": "x"}}, "query_shard_exception"),
        ({"term": {"live": ""}}, "query_shard_exception"),
        ({"range": {"_id": {"gte": "1"}}}, "query_shard_exception"),
        ({"exists": {"field": "_source"}}, "query_shard_exception"),
        ({"terms": {"at": [None]}}, "parsing_exception"),
        ({"regexp": {"code": "(red"}}, "query_shard_exception"),
        ({"range": {"at": {"gte": "2024", "time_zone": "x"}}}, "illegal_argument_exception"),
    ],
)
async def test_a_query_that_a_field_cannot_answer_is_refused(api: Api, query: Any, kind: str) -> None:
    answer = await _search(api, query)

    assert answer.status == 400
    assert answer.body["error"]["root_cause"][0]["type"] == kind
