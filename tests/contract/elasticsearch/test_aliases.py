"""Aliases: how they are added and removed, what they say, and where writes through them go."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api


async def _change(api: Api, *actions: Any) -> Any:
    return await api("POST", "/_aliases", {"actions": list(actions)})


async def _shared(api: Api) -> tuple[str, str, str]:
    """An alias of two indices."""
    alias = api.index()
    return alias, await api.created(aliases={alias: {}}), await api.created(aliases={alias: {}})


async def test_aliases_move_between_indices(api: Api) -> None:
    one, two, alias = await api.created(), await api.created(), api.index()
    await api("POST", "/_aliases", {"actions": [{"add": {"index": one, "alias": alias}}]})

    actions = [{"remove": {"index": one, "alias": alias}}, {"add": {"index": two, "alias": alias}}]
    answer = await api("POST", "/_aliases", {"actions": actions})

    assert answer.body["acknowledged"] is True
    assert list((await api("GET", f"/_alias/{alias}")).body) == [two]


async def test_an_index_makes_room_for_an_alias_of_its_name(api: Api) -> None:
    old, new = await api.created(), await api.created()

    answer = await _change(api, {"add": {"index": new, "alias": old}}, {"remove_index": {"index": old}})

    assert answer.body["acknowledged"] is True
    assert list((await api("GET", f"/{old}")).body) == [new]


async def test_an_alias_is_no_index_to_remove(api: Api) -> None:
    alias = api.index()
    await api.created(aliases={alias: {}})

    answer = await _change(api, {"remove_index": {"index": alias}})

    assert answer.status == 400
    assert "matches an alias" in answer.error[1]


async def test_a_list_of_actions_is_carried_out_whole_or_not_at_all(api: Api) -> None:
    index, alias = await api.created(), api.index()

    answer = await _change(
        api, {"add": {"index": index, "alias": alias}}, {"add": {"index": f"{index}-not", "alias": alias}}
    )

    assert answer.status == 404
    assert (await api("GET", f"/_alias/{alias}")).status == 404


async def test_removing_a_missing_alias_is_reported_and_skipped(api: Api) -> None:
    index, alias = await api.created(), api.index()
    remove = {"index": index, "alias": f"{alias}-not"}
    add = {"add": {"index": index, "alias": alias}}

    passed = await _change(api, {"remove": remove}, add)
    alone = await _change(api, {"remove": remove})
    demanded = await _change(api, {"remove": {**remove, "must_exist": True}}, add)

    assert passed.status == 200
    assert [result["status"] for result in passed.body["action_results"]] == [404, 200]
    assert list((await api("GET", f"/_alias/{alias}")).body) == [index]
    assert (alone.status, demanded.status) == (404, 404)


async def test_routing_is_kept_for_indexing_and_searching(api: Api) -> None:
    index = await api.created(aliases={"contract-c": {"routing": "z"}})
    await _change(
        api,
        {"add": {"index": index, "alias": "contract-a", "routing": "x"}},
        {"add": {"index": index, "alias": "contract-b", "search_routing": "x,y"}},
    )

    answer = await api("GET", f"/{index}/_alias")

    assert answer.body[index]["aliases"] == {
        "contract-a": {"index_routing": "x", "search_routing": "x"},
        "contract-b": {"search_routing": "x,y"},
        "contract-c": {"index_routing": "z", "search_routing": "z"},
    }


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("_all", ["abc", "abd", "x"]),
        ("*", ["abc", "abd", "x"]),
        ("ab*", ["abc", "abd"]),
        ("ab*,-abd", ["abc"]),
        ("x,abc", ["abc", "x"]),
        ("nothing*", []),
    ],
)
async def test_aliases_are_found_by_patterns(api: Api, pattern: str, found: list[str]) -> None:
    index = await api.created(aliases={"abc": {}, "abd": {}, "x": {}})

    answer = await api("GET", f"/{index}/_alias/{pattern}")

    assert answer.status == 200
    assert sorted(answer.body.get(index, {"aliases": {}})["aliases"]) == found


async def test_missing_aliases_are_told_beside_those_there_are(api: Api) -> None:
    index = await api.created(aliases={"abc": {}})

    one = await api("GET", f"/{index}/_alias/abc,no")
    two = await api("GET", f"/{index}/_alias/no,nor")

    assert (one.status, one.body["error"], list(one.body[index]["aliases"])) == (
        404,
        "alias [no] missing",
        ["abc"],
    )
    assert two.body["error"] == "aliases [no,nor] missing"


async def test_patterns_take_aliases_off(api: Api) -> None:
    index = await api.created(aliases={"abc": {}, "abd": {}, "x": {}})

    await api("DELETE", f"/{index}/_alias/ab*")

    assert list((await api("GET", f"/{index}/_alias")).body[index]["aliases"]) == ["x"]


async def test_an_alias_of_several_indices_takes_no_writes_without_a_write_index(api: Api) -> None:
    alias, _, _ = await _shared(api)
    lines = [{"index": {"_id": "1"}}, {"a": 1}, {"delete": {"_id": "1"}}]

    answers = [
        await api("PUT", f"/{alias}/_doc/1", {"a": 1}),
        await api("DELETE", f"/{alias}/_doc/1"),
        await api("POST", f"/{alias}/_update/1", {"doc": {}, "doc_as_upsert": True}),
    ]
    bulk = await api("POST", f"/{alias}/_bulk", lines)

    reason = f"no write index is defined for alias [{alias}]."
    assert all(answer.error[1].startswith(reason) for answer in answers)
    for item in bulk.body["items"]:
        outcome = next(iter(item.values()))
        assert (outcome["status"], outcome["_index"]) == (400, alias)
        assert outcome["error"]["reason"].startswith(reason)


async def test_an_alias_of_several_indices_is_no_single_index_to_read(api: Api) -> None:
    alias, _, _ = await _shared(api)

    answer = await api("GET", f"/{alias}/_doc/1")

    assert answer.status == 400
    assert answer.error[1].startswith(f"alias [{alias}] has more than one index associated with it")
    assert (await api("GET", f"/{alias}/_count")).body["count"] == 0


async def test_writes_go_to_the_write_index(api: Api) -> None:
    alias, _, two = await _shared(api)
    await _change(api, {"add": {"index": two, "alias": alias, "is_write_index": True}})

    answer = await api("PUT", f"/{alias}/_doc/1", {"a": 1})

    assert answer.body["_index"] == two


async def test_an_alias_that_is_no_write_index_takes_no_writes(api: Api) -> None:
    alias = api.index()
    await api.created(aliases={alias: {"is_write_index": False}})

    answer = await api("PUT", f"/{alias}/_doc/1", {"a": 1})

    assert answer.status == 400


async def test_two_write_indices_are_refused(api: Api) -> None:
    alias, one, two = await _shared(api)
    await _change(api, {"add": {"index": one, "alias": alias, "is_write_index": True}})

    answer = await _change(api, {"add": {"index": two, "alias": alias, "is_write_index": True}})

    assert answer.status == 500
    assert "has more than one write index" in answer.error[1]
    assert (await api("PUT", f"/{alias}/_doc/1", {"a": 1})).body["_index"] == one


@pytest.mark.parametrize(
    ("aliases", "kind"),
    [
        ({"contract-x": {"nonsense": 1}}, "illegal_argument_exception"),
        ({"A b": {}}, "invalid_alias_name_exception"),
    ],
)
async def test_an_index_is_not_created_with_an_alias_that_cannot_be(
    api: Api, aliases: dict[str, Any], kind: str
) -> None:
    index = api.index()

    answer = await api("PUT", f"/{index}", {"aliases": aliases})

    assert (answer.status, answer.error[0]) == (400, kind)
    assert (await api("HEAD", f"/{index}")).status == 404


async def test_an_index_is_no_alias_of_itself(api: Api) -> None:
    index = api.index()

    answer = await api("PUT", f"/{index}", {"aliases": {index: {}}})

    assert answer.error[1] == f"alias name [{index}] self-conflicts with index name"
