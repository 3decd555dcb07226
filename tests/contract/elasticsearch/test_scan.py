"""Reading everything: points in time and scrolls see one state to the end."""

from typing import Any

from tests.contract.elasticsearch.api import Api, Reply


async def _page(api: Api, point: str, **body: Any) -> Reply:
    return await api("POST", "/_search", {"pit": {"id": point, "keep_alive": "1m"}, **body})


async def _open(api: Api, index: str) -> str:
    answer = await api("POST", f"/{index}/_pit", keep_alive="1m")
    assert answer.status == 200, answer.content
    point: str = answer.body["id"]
    return point


async def _numbered(api: Api, count: int) -> str:
    return await api.filled({str(number): {"n": number} for number in range(count)})


async def test_a_point_in_time_pages_through_everything_once(api: Api) -> None:
    index = await _numbered(api, 25)
    point = await _open(api, index)
    seen: list[str] = []
    body: dict[str, Any] = {"size": 10, "sort": [{"_shard_doc": "asc"}], "_source": False}

    while True:
        answer = await _page(api, point, **body)
        point = answer.body["pit_id"]
        hits = answer.body["hits"]["hits"]
        if not hits:
            break
        seen += [hit["_id"] for hit in hits]
        body["search_after"] = hits[-1]["sort"]

    assert sorted(seen, key=int) == [str(number) for number in range(25)]
    assert (await api("DELETE", "/_pit", {"id": point})).body == {"succeeded": True, "num_freed": 1}


async def test_a_point_in_time_does_not_move(api: Api) -> None:
    index = await _numbered(api, 5)
    point = await _open(api, index)

    await api(
        "POST",
        f"/{index}/_bulk",
        [{"delete": {"_id": "1"}}, {"index": {"_id": "2"}}, {"n": 99}],
        refresh=True,
    )

    answer = await _page(api, point, sort=[{"n": "asc"}])
    assert [hit["_source"]["n"] for hit in answer.body["hits"]["hits"]] == [0, 1, 2, 3, 4]
    assert (await api("GET", f"/{index}/_count")).body["count"] == 4
    await api("DELETE", "/_pit", {"id": point})


async def test_a_sort_of_a_point_in_time_ends_in_a_tie_break(api: Api) -> None:
    index = await api.filled({str(number): {"n": 1} for number in range(4)})
    point = await _open(api, index)

    first = (await _page(api, point, sort=[{"n": "asc"}], size=2)).body["hits"]["hits"]
    second = (await _page(api, point, sort=[{"n": "asc"}], size=2, search_after=first[-1]["sort"])).body
    await api("DELETE", "/_pit", {"id": point})

    assert len(first[0]["sort"]) == 2
    assert {hit["_id"] for hit in [*first, *second["hits"]["hits"]]} == {"0", "1", "2", "3"}


async def test_slices_part_a_point_in_time(api: Api) -> None:
    index = await _numbered(api, 20)
    point = await _open(api, index)

    parts = [
        {
            hit["_id"]
            for hit in (await _page(api, point, slice={"id": n, "max": 2}, size=20)).body["hits"]["hits"]
        }
        for n in (0, 1)
    ]
    await api("DELETE", "/_pit", {"id": point})

    assert parts[0] | parts[1] == {str(number) for number in range(20)}
    assert not parts[0] & parts[1]


async def test_a_closed_point_in_time_is_missing(api: Api) -> None:
    index = await _numbered(api, 1)
    point = await _open(api, index)
    await api("DELETE", "/_pit", {"id": point})

    answer = await _page(api, point)

    assert answer.status == 404
    assert answer.body["error"]["root_cause"][0]["type"] == "search_context_missing_exception"
    assert (await api("DELETE", "/_pit", {"id": point})).status == 404


async def test_a_point_in_time_takes_no_index_in_the_path(api: Api) -> None:
    index = await _numbered(api, 1)
    point = await _open(api, index)

    answer = await api("POST", f"/{index}/_search", {"pit": {"id": point}})
    await api("DELETE", "/_pit", {"id": point})

    assert (answer.status, answer.error[0]) == (400, "action_request_validation_exception")


async def test_a_scroll_gives_page_after_page_until_empty(api: Api) -> None:
    index = await _numbered(api, 7)
    page = await api("POST", f"/{index}/_search", {"size": 3, "sort": ["_doc"]}, scroll="1m")
    seen = []

    while hits := page.body["hits"]["hits"]:
        seen += [hit["_id"] for hit in hits]
        page = await api("POST", "/_search/scroll", {"scroll": "1m", "scroll_id": page.body["_scroll_id"]})

    assert sorted(seen, key=int) == [str(number) for number in range(7)]
    scroll = page.body["_scroll_id"]
    cleared = await api("DELETE", "/_search/scroll", {"scroll_id": scroll})
    assert cleared.body["succeeded"] is True
    again = await api("POST", "/_search/scroll", {"scroll": "1m", "scroll_id": scroll})
    assert again.status == 404
    assert again.body["error"]["root_cause"][0]["type"] == "search_context_missing_exception"


async def test_a_scroll_with_a_query_and_a_sort(api: Api) -> None:
    index = await _numbered(api, 10)
    body = {"size": 4, "query": {"range": {"n": {"gte": 3}}}, "sort": [{"n": "desc"}]}
    page = await api("POST", f"/{index}/_search", body, scroll="1m")
    seen = []

    while hits := page.body["hits"]["hits"]:
        seen += [hit["_source"]["n"] for hit in hits]
        page = await api("POST", "/_search/scroll", {"scroll": "1m", "scroll_id": page.body["_scroll_id"]})

    assert seen == [9, 8, 7, 6, 5, 4, 3]
    await api("DELETE", "/_search/scroll", {"scroll_id": page.body["_scroll_id"]})
