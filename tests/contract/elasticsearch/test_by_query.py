"""`_delete_by_query` and `_update_by_query`."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api

pytestmark = pytest.mark.needs("reindex")


async def test_delete_by_query_removes_what_it_finds(api: Api) -> None:
    index = await api.filled({"1": {"n": 1}, "2": {"n": 2}, "3": {"n": 3}})

    answer = await api(
        "POST", f"/{index}/_delete_by_query", {"query": {"range": {"n": {"gte": 2}}}}, refresh=True
    )

    assert (answer.body["total"], answer.body["deleted"], answer.body["failures"]) == (2, 2, [])
    assert (await api("GET", f"/{index}/_count")).body["count"] == 1


async def test_delete_by_query_needs_a_query(api: Api) -> None:
    index = await api.created()

    answer = await api("POST", f"/{index}/_delete_by_query", {})

    assert answer.error == ("action_request_validation_exception", "Validation Failed: 1: query is missing;")


async def test_a_document_changed_since_the_refresh_is_a_conflict(api: Api) -> None:
    index = await api.filled({"1": {"n": 1}}, settings={"index.refresh_interval": "-1"})
    await api("PUT", f"/{index}/_doc/1", {"n": 2})

    answer = await api("POST", f"/{index}/_delete_by_query", {"query": {"match_all": {}}})

    assert answer.status == 409
    assert answer.body["version_conflicts"] == 1
    assert answer.body["failures"][0]["cause"]["type"] == "version_conflict_engine_exception"


async def test_conflicts_may_be_passed_over(api: Api) -> None:
    index = await api.filled({"1": {"n": 1}, "2": {"n": 1}}, settings={"index.refresh_interval": "-1"})
    await api("PUT", f"/{index}/_doc/1", {"n": 2})

    answer = await api(
        "POST", f"/{index}/_delete_by_query", {"query": {"match_all": {}}}, conflicts="proceed"
    )

    assert answer.status == 200
    assert (answer.body["deleted"], answer.body["version_conflicts"]) == (1, 1)


async def test_update_by_query_runs_a_script(api: Api) -> None:
    index = await api.filled({"1": {"n": 1}, "2": {"n": 2}})
    body = {"query": {"term": {"n": 2}}, "script": {"source": "ctx._source.n = params.n", "params": {"n": 9}}}

    answer = await api("POST", f"/{index}/_update_by_query", body, refresh=True)

    assert (answer.body["total"], answer.body["updated"]) == (1, 1)
    assert (await api("GET", f"/{index}/_doc/2")).body["_source"] == {"n": 9}


async def test_a_missing_index_is_a_404_unless_ignored(api: Api) -> None:
    index = api.index()
    body: dict[str, Any] = {"query": {"match_all": {}}}

    assert (await api("POST", f"/{index}/_delete_by_query", body)).status == 404
    assert (await api("POST", f"/{index}/_delete_by_query", body, ignore_unavailable=True)).body["total"] == 0


async def test_not_waiting_answers_with_a_task(api: Api) -> None:
    index = await api.filled({"1": {"n": 1}})

    answer = await api(
        "POST", f"/{index}/_delete_by_query", {"query": {"match_all": {}}}, wait_for_completion=False
    )

    node, _, number = answer.body["task"].partition(":")
    assert node
    assert number.isdigit()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("conflicts", "ignore"),
        ("scroll_size", "0"),
        ("slices", "0"),
        ("requests_per_second", "0"),
        ("scroll", "1x"),
        ("max_docs", "x"),
        ("refresh", "maybe"),
        ("wait_for_completion", "maybe"),
        ("default_operator", "nor"),
        ("pipeline", "p"),
        ("nonsense", "1"),
    ],
)
async def test_parameters_are_checked(api: Api, name: str, value: Any) -> None:
    index = await api.filled({"1": {"n": 1}})

    answer = await api("POST", f"/{index}/_delete_by_query", q="n:1", **{name: value})

    assert answer.status == 400
    assert (await api("GET", f"/{index}/_doc/1")).status == 200


async def test_a_one_line_query_takes_its_operator(api: Api) -> None:
    index = await api.filled({"1": {"t": "one"}, "2": {"t": "one two"}})

    answer = await api("POST", f"/{index}/_delete_by_query", q="one two", default_operator="AND", df="t")

    assert answer.body["deleted"] == 1
