"""`require_alias`: one action that asks for it keeps a bulk request from creating its index."""

import pytest

from tests.contract.elasticsearch.api import Api
from tests.contract.elasticsearch.bulk.items import items_of

GUARD = [{"update": {"_id": "_", "require_alias": True}}, {"doc": {}}]


NOT_AN_ALIAS = "no such index [{0}] and [require_alias] request flag is [true] and [{0}] is not an alias"


async def test_an_alias_may_be_required(api: Api) -> None:
    index = api.index()

    answer = await api("POST", f"/{index}/_bulk", [{"index": {"_id": "1"}}, {"a": 1}], require_alias=True)

    item = answer.body["items"][0]["index"]
    assert (item["status"], item["error"]["type"]) == (404, "index_not_found_exception")
    assert (await api("HEAD", f"/{index}")).status == 404


@pytest.mark.parametrize("is_first", [True, False])
async def test_one_action_that_requires_an_alias_keeps_the_whole_request_from_creating_an_index(
    api: Api, is_first: bool
) -> None:
    index = api.index()
    writes = [{"index": {"_id": "1"}}, {"a": 1}, {"create": {"_id": "2"}}, {"a": 1}]

    answer = await api("POST", f"/{index}/_bulk", [*GUARD, *writes] if is_first else [*writes, *GUARD])

    reasons = {action: item["error"]["reason"] for action, item in items_of(answer.body)}
    missing = f"no such index [{index}]"
    assert reasons == {"update": NOT_AN_ALIAS.format(index), "index": missing, "create": missing}
    assert {item["status"] for _, item in items_of(answer.body)} == {404}
    assert (await api("HEAD", f"/{index}")).status == 404


async def test_other_indices_of_such_a_request_are_created(api: Api) -> None:
    index, other = api.index(), api.index()

    answer = await api(
        "POST", f"/{index}/_bulk", [*GUARD, {"index": {"_index": other, "_id": "1"}}, {"a": 1}]
    )

    assert [item["status"] for _, item in items_of(answer.body)] == [404, 201]


async def test_where_there_is_an_index_only_the_action_that_requires_an_alias_fails(api: Api) -> None:
    index = await api.filled({"gone": {"a": 1}})
    lines = [*GUARD, {"index": {"_id": "1"}}, {"a": 1}, {"update": {"_id": "1"}}, {"doc": {"a": 2}}]

    answer = await api("POST", f"/{index}/_bulk", [*lines, {"delete": {"_id": "gone"}}])

    (_, guard), *others = items_of(answer.body)
    assert guard == {
        "_index": index,
        "_id": "_",
        "status": 404,
        "error": {
            "type": "index_not_found_exception",
            "reason": NOT_AN_ALIAS.format(index),
            "index_uuid": "_na_",
            "index": index,
        },
    }
    assert [(action, item["status"]) for action, item in others] == [
        ("index", 201),
        ("update", 200),
        ("delete", 200),
    ]
    assert answer.body["errors"] is True


async def test_where_there_is_an_alias_an_update_of_nothing_finds_no_document(api: Api) -> None:
    index = await api.created()
    alias = f"{index}-alias"
    await api("PUT", f"/{index}/_alias/{alias}")

    answer = await api("POST", f"/{alias}/_bulk", [*GUARD, {"index": {"_id": "1"}}, {"a": 1}])

    (_, guard), (_, written) = items_of(answer.body)
    assert (guard["status"], guard["error"]["type"]) == (404, "document_missing_exception")
    assert written["status"] == 201


async def test_deletes_require_no_alias(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    answer = await api("POST", f"/{index}/_bulk", [{"delete": {"_id": "1", "require_alias": True}}])

    assert [item["status"] for _, item in items_of(answer.body)] == [200]
