"""Which indices the names in a request stand for: patterns, exclusions, and what is missing or closed."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api


async def _family(api: Api) -> str:
    """An open, a hidden and a closed index whose names begin alike; that beginning."""
    name = api.index()
    for suffix, settings in (("a", {}), ("b", {"hidden": True}), ("c", {})):
        api.claim(f"{name}-{suffix}")
        await api("PUT", f"/{name}-{suffix}", {"settings": {"number_of_replicas": 0, **settings}})
    await api("POST", f"/{name}-c/_close")
    return name


@pytest.mark.parametrize(
    ("states", "found"),
    [
        ("open", "a"),
        ("open,hidden", "ab"),
        ("closed", "c"),
        ("open,closed", "ac"),
        ("all", "abc"),
        ("none,open", "a"),
        ("none,all,hidden", "abc"),
    ],
)
async def test_a_pattern_stands_for_indices_in_the_states_asked_for(
    api: Api, states: str, found: str
) -> None:
    name = await _family(api)

    answer = await api("GET", f"/{name}-*/_mapping", expand_wildcards=states)

    assert sorted(answer.body) == [f"{name}-{suffix}" for suffix in found]


@pytest.mark.parametrize("states", ["none", "hidden", "", "open,none", "all,none"])
async def test_a_pattern_that_stands_for_nothing_is_no_index(api: Api, states: str) -> None:
    name = await _family(api)

    answer = await api("GET", f"/{name}-*/_mapping", expand_wildcards=states)

    assert (answer.status, answer.error[1]) == (404, f"no such index [{name}-*]")


async def test_a_state_that_does_not_exist_is_refused(api: Api) -> None:
    answer = await api("GET", "/_mapping", expand_wildcards="shut")

    assert (answer.status, answer.error[1]) == (400, "No valid expand wildcard value [shut]")


async def test_an_index_that_is_named_counts_whatever_its_state(api: Api) -> None:
    name = await _family(api)

    answer = await api("GET", f"/{name}-c/_mapping", expand_wildcards="open")

    assert list(answer.body) == [f"{name}-c"]


async def test_a_pattern_finds_a_closed_index_by_its_alias(api: Api) -> None:
    name = await _family(api)
    await api("PUT", f"/{name}-c/_alias/{name}-alias")

    mappings = await api("GET", f"/{name}-*/_mapping")
    count = await api("GET", f"/{name}-*/_count")

    assert sorted(mappings.body) == [f"{name}-a", f"{name}-c"]
    assert count.error[0] == "index_closed_exception"


async def test_names_after_a_pattern_are_taken_out(api: Api) -> None:
    name = await _family(api)

    answer = await api("GET", f"/{name}-*,-{name}-a/_mapping", expand_wildcards="all")

    assert sorted(answer.body) == [f"{name}-b", f"{name}-c"]


async def test_a_name_taken_out_of_names_is_not_answered(api: Api) -> None:
    name = await _family(api)

    answer = await api("GET", f"/{name}-a,-{name}-a/_mapping")

    if answer.status == 200 and not api.is_embedded:
        assert answer.body == {}  # 9.3 takes it out
        return
    assert answer.status == 404
    assert answer.error[1].startswith(f"no such index [-{name}-a] and if you intended to exclude this index")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "_mapping"), ("GET", "_count"), ("POST", "_refresh"), ("GET", "")]
)
async def test_what_is_missing_may_be_ignored_but_nothing_may_be_refused(
    api: Api, method: str, path: str
) -> None:
    missing = api.index()

    async def status(target: str, **params: Any) -> int:
        return (await api(method, f"/{target}/{path}".rstrip("/"), **params)).status

    assert await status(missing) == 404
    assert await status(missing, ignore_unavailable=True) == 200
    assert await status(missing, ignore_unavailable=True, allow_no_indices=False) == 404
    assert await status(f"{missing}*") == 200
    assert await status(f"{missing}*", allow_no_indices=False) == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [("_settings", {"index.refresh_interval": "5s"}), ("_mapping", {"properties": {}})],
)
async def test_a_change_of_no_index_is_refused(api: Api, path: str, body: dict[str, object]) -> None:
    missing = api.index()

    assert (await api("PUT", f"/{missing}*/{path}", body)).status == 404
    assert (await api("PUT", f"/{missing}/{path}", body, ignore_unavailable=True)).status == 404
    assert (await api("PUT", f"/{missing}*/{path}", body, allow_no_indices=True)).status == 200


async def test_a_closed_index_may_be_ignored(api: Api) -> None:
    name = await _family(api)

    count = await api("GET", f"/{name}-c/_count", ignore_unavailable=True)
    refresh = await api("POST", f"/{name}-c/_refresh", ignore_unavailable=True)

    assert count.body["count"] == 0
    assert refresh.body["_shards"]["total"] == 0


async def test_exists_is_true_where_nothing_is_missing(api: Api) -> None:
    missing = api.index()

    assert (await api("HEAD", f"/{missing}*")).status == 200
    assert (await api("HEAD", f"/{missing}", ignore_unavailable=True)).status == 200
    assert (await api("HEAD", f"/{missing}*", allow_no_indices=False)).status == 404


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/_close"), ("POST", "/_open")])
async def test_patterns_neither_delete_nor_close_nor_open(api: Api, method: str, path: str) -> None:
    name = await _family(api)

    answers = [
        await api(method, f"/{target}{path}") for target in (f"{name}-*", f"{name}-a,{name}-*", "_all")
    ]

    assert {answer.error[1] for answer in answers} == {"Wildcard expressions or all indices are not allowed"}
    assert (await api("HEAD", f"/{name}-a,{name}-b,{name}-c")).status == 200


async def test_deleting_by_alias_is_refused_and_deletes_nothing_when_ignored(api: Api) -> None:
    alias = api.index()
    index = await api.created(aliases={alias: {}})

    refused = await api("DELETE", f"/{alias}")
    ignored = await api("DELETE", f"/{alias}", ignore_unavailable=True)

    assert refused.status == 400
    assert refused.error[1].startswith(f"The provided expression [{alias}] matches an alias")
    assert ignored.body == {"acknowledged": True}
    assert (await api("HEAD", f"/{index}")).status == 200


async def test_deleting_a_missing_index_among_others_deletes_none(api: Api) -> None:
    index = await api.created()

    answer = await api("DELETE", f"/{index},{index}-not")

    assert answer.status == 404
    assert (await api("HEAD", f"/{index}")).status == 200


async def test_settings_of_all_indices_are_no_index_called_settings(api: Api) -> None:
    index = await api.created()

    answer = await api("PUT", "/_settings", {"index": {"max_result_window": 77}})

    assert answer.body == {"acknowledged": True}
    settings = (await api("GET", f"/{index}/_settings")).body[index]["settings"]["index"]
    assert settings["max_result_window"] == "77"


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/_mapping"), ("PUT", "/_search"), ("DELETE", "/_count")]
)
async def test_an_api_is_never_taken_for_an_index(api: Api, method: str, path: str) -> None:
    answer = await api(method, path, {} if method == "PUT" else None)

    assert answer.status == 405


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_health_report"),
        ("PUT", "/_segments"),
        ("PUT", "/_analyze"),
        ("DELETE", "/_recovery"),
        ("DELETE", "/_tasks"),
        ("POST", "/_migration"),
    ],
)
async def test_nor_is_one_that_is_left_out(api: Api, method: str, path: str) -> None:
    answer = await api(method, path, {} if method != "DELETE" else None)

    # The real server knows the path, most by another method; the embedded one names what it has not.
    assert isinstance(answer.body["error"], str)
    assert f"[{path}] and method [{method}]" in answer.body["error"]


async def test_statistics_of_nodes_are_no_description_of_them(api: Api) -> None:
    answer = await api("GET", "/_nodes/stats")

    if api.is_embedded:
        assert answer.body == {"error": "no handler found for uri [/_nodes/stats] and method [GET]"}
    else:
        assert all("indices" in node for node in answer.body["nodes"].values())
