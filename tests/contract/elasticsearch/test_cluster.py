"""The cluster from outside: its health, the list of its indices, and their statistics."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api

OWN = {"number_of_replicas": 0}


async def _pair(api: Api) -> tuple[str, str, str]:
    """Two indices whose names begin alike, with three documents and with one; that beginning."""
    name = api.index()
    for suffix, count in (("a", 3), ("b", 1)):
        index = f"{name}-{suffix}"
        api.claim(index)
        await api("PUT", f"/{index}", {"settings": OWN})
        lines: list[Any] = []
        for number in range(count):
            lines += [{"index": {"_id": str(number)}}, {"n": number}]
        await api("POST", f"/{index}/_bulk", lines, refresh=True)
    return name, f"{name}-a", f"{name}-b"


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("wait_for_nodes", "1", 200),
        ("wait_for_nodes", ">=2", 408),
        ("wait_for_nodes", ">1", 408),
        ("wait_for_nodes", "<=1", 200),
        ("wait_for_nodes", "ge(1)", 200),
        ("wait_for_nodes", "lt(1)", 408),
        ("wait_for_active_shards", "1", 200),
        ("wait_for_active_shards", "2", 408),
        ("wait_for_active_shards", "all", 200),
        ("wait_for_no_relocating_shards", "true", 200),
        ("wait_for_no_initializing_shards", "true", 200),
        ("wait_for_events", "languid", 200),
        ("wait_for_status", "green", 200),
    ],
)
async def test_health_may_be_waited_for(api: Api, name: str, value: Any, status: int) -> None:
    index = await api.created(settings=OWN)
    timeout = "10s" if status == 200 else "1ms"

    answer = await api("GET", f"/_cluster/health/{index}", timeout=timeout, **{name: value})

    assert (answer.status, answer.body["timed_out"]) == (status, status == 408)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("wait_for_nodes", "x", 'For input string: "x"'),
        ("wait_for_active_shards", "x", "cannot parse ActiveShardCount[x]"),
        ("wait_for_active_shards", "-1", "shard count cannot be a negative value"),
        ("wait_for_events", "soon", "No enum constant org.elasticsearch.common.Priority.SOON"),
        (
            "wait_for_status",
            "blue",
            "No enum constant org.elasticsearch.cluster.health.ClusterHealthStatus.BLUE",
        ),
        (
            "level",
            "nodes",
            "level parameter must be one of [cluster] or [indices] or [shards] but was [nodes]",
        ),
    ],
)
async def test_a_condition_that_cannot_be_waited_for_is_refused(
    api: Api, name: str, value: Any, reason: str
) -> None:
    answer = await api("GET", "/_cluster/health", **{name: value})

    assert (answer.status, answer.error[1]) == (400, reason)


async def test_a_missing_index_is_waited_for_in_vain(api: Api) -> None:
    answer = await api("GET", f"/_cluster/health/{api.index()}", timeout="1ms")

    assert (answer.status, answer.body["status"], answer.body["timed_out"]) == (408, "red", True)


async def test_health_tells_of_indices_and_shards(api: Api) -> None:
    index = await api.created(settings=OWN)
    path = f"/_cluster/health/{index}"
    await api("GET", path, wait_for_status="green")

    by_index = (await api("GET", path, level="indices")).body["indices"][index]
    by_shard = (await api("GET", path, level="shards")).body["indices"][index]

    assert (by_index["status"], by_index["number_of_replicas"], "shards" in by_index) == ("green", 0, False)
    assert by_shard["shards"]["0"]["primary_active"] is True


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("index", "ab"),
        ("index:desc", "ba"),
        ("docs.count", "ba"),
        ("docs.count:desc", "ab"),
        ("status,dc:asc", "ba"),
    ],
)
async def test_the_list_of_indices_is_sorted(api: Api, key: str, order: str) -> None:
    name, *_ = await _pair(api)

    answer = await api("GET", f"/_cat/indices/{name}-*", h="index", s=key)

    assert answer.content.decode().split() == [f"{name}-{suffix}" for suffix in order]


@pytest.mark.parametrize("key", ["nonsense", "index:up"])
async def test_an_unknown_sort_key_is_refused(api: Api, key: str) -> None:
    answer = await api("GET", f"/_cat/indices/{await api.created()}", s=key)

    assert answer.error[1] == f"Unable to sort by unknown sort key `{key}`"


async def test_columns_go_by_name_short_name_and_pattern(api: Api) -> None:
    _, index, _ = await _pair(api)

    answer = await api("GET", f"/_cat/indices/{index}", h="i,nonsense,docs.*,rep,r", format="json")

    shown = {"i": index, "docs.count": "3", "docs.deleted": "0", "rep": "0", "r": "0"}
    assert answer.body == [shown]


async def test_numbers_stand_on_the_right_below_their_heads(api: Api) -> None:
    _, index, _ = await _pair(api)

    answer = await api("GET", f"/_cat/indices/{index}", h="dc,docs.count,status", v=True)

    assert answer.content.decode() == "dc docs.count status\n 3          3 open\n"


async def test_a_closed_index_has_no_count(api: Api) -> None:
    index = await api.created(settings=OWN)
    await api("POST", f"/{index}/_close")

    answer = await api("GET", f"/_cat/indices/{index}", h="status,docs.count", format="json")

    assert answer.body == [{"status": "close", "docs.count": None}]


async def test_the_list_may_be_of_one_health(api: Api) -> None:
    index = await api.created(settings=OWN)
    await api("GET", f"/_cluster/health/{index}", wait_for_status="green")

    found = [
        (await api("GET", f"/_cat/indices/{index}", h="index", health=health)).content.decode().strip()
        for health in ("green", "red")
    ]

    assert found == [index, ""]
    assert (await api("GET", "/_cat/indices", health="blue")).status == 400


async def test_sizes_are_for_people_or_in_bytes(api: Api) -> None:
    index = await api.filled({"1": {"a": "x" * 2000}})

    for_people = (await api("GET", f"/_cat/indices/{index}", h="store.size")).content.decode().strip()
    in_bytes = (await api("GET", f"/_cat/indices/{index}", h="ss", bytes="b")).content.decode().strip()

    assert for_people.endswith("b")
    assert int(in_bytes) > 0


async def test_statistics_count_documents_and_bytes(api: Api) -> None:
    name, a, b = await _pair(api)

    answer = await api("GET", f"/{name}-*/_stats")

    together, each = answer.body["_all"]["primaries"], answer.body["indices"]
    assert together["docs"]["count"] == 4
    assert {index: each[index]["primaries"]["docs"]["count"] for index in each} == {a: 3, b: 1}
    sizes = [each[index]["total"]["store"]["size_in_bytes"] for index in (a, b)]
    assert min(sizes) > 0
    assert together["store"]["size_in_bytes"] == sum(sizes)
    assert answer.body["_shards"] == {"total": 2, "successful": 2, "failed": 0}


async def test_statistics_are_of_the_metrics_and_the_level_asked_for(api: Api) -> None:
    _, index, _ = await _pair(api)

    metrics = (await api("GET", f"/{index}/_stats/docs")).body
    cluster = (await api("GET", f"/{index}/_stats/docs,store", level="cluster")).body
    shards = (await api("GET", f"/{index}/_stats/docs", level="shards")).body

    assert list(metrics["indices"][index]["primaries"]) == ["docs"]
    assert "indices" not in cluster
    assert set(cluster["_all"]["total"]) == {"docs", "store"}
    assert shards["indices"][index]["shards"]["0"][0]["docs"]["count"] == 3


async def test_metrics_and_levels_there_are_not_are_refused(api: Api) -> None:
    index = await api.created(settings=OWN)

    metric = await api("GET", f"/{index}/_stats/nonsense")
    level = await api("GET", f"/{index}/_stats", level="nodes")

    assert metric.error[1] == f"request [/{index}/_stats/nonsense] contains unrecognized metric: [nonsense]"
    assert level.status == 400


async def test_a_closed_index_has_no_statistics(api: Api) -> None:
    index = await api.created(settings=OWN)
    await api("POST", f"/{index}/_close")

    assert (await api("GET", f"/{index}/_stats")).error[0] == "index_closed_exception"


async def test_all_indices_and_what_a_pattern_leaves_out_are_not_waited_for(api: Api) -> None:
    name, _, _ = await _pair(api)

    answers = [
        await api("GET", f"/_cluster/health/{target}", timeout="10s", level="indices")
        for target in (f"{name}-*,-{name}-b", f"{name}-*,-{name}-not", "_all")
    ]

    assert [answer.status for answer in answers] == [200] * 3
    assert [len(answer.body["indices"]) for answer in answers[:2]] == [1, 2]


async def test_a_name_beside_a_pattern_is_waited_for(api: Api) -> None:
    name, _, _ = await _pair(api)

    answer = await api("GET", f"/_cluster/health/{name}-*,{name}-not", timeout="1ms")

    assert (answer.status, answer.body["status"]) == (408, "red")
