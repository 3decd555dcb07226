"""`_bulk`: verdicts by item, refusals of the whole, filtered answers."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import NDJSON, Api

GUARD = [{"update": {"_id": "_", "require_alias": True}}, {"doc": {}}]
NOT_AN_ALIAS = "no such index [{0}] and [require_alias] request flag is [true] and [{0}] is not an alias"


async def test_each_action_has_its_result_and_status(api: Api) -> None:
    index = await api.filled({"old": {"a": 1}, "gone": {"a": 1}})
    lines = [
        {"index": {"_id": "new"}},
        {"a": 1},
        {"index": {"_id": "old"}},
        {"a": 2},
        {"create": {"_id": "fresh"}},
        {"a": 1},
        {"update": {"_id": "old"}},
        {"doc": {"a": 3}},
        {"update": {"_id": "old"}},
        {"doc": {"a": 3}},
        {"delete": {"_id": "gone"}},
        {"delete": {"_id": "never"}},
    ]

    answer = await api("POST", f"/{index}/_bulk", lines)

    verdicts = [(action, item["result"], item["status"]) for action, item in _items(answer.body)]
    assert verdicts == [
        ("index", "created", 201),
        ("index", "updated", 200),
        ("create", "created", 201),
        ("update", "updated", 200),
        ("update", "noop", 200),
        ("delete", "deleted", 200),
        ("delete", "not_found", 404),
    ]
    assert answer.body["errors"] is False


async def test_a_failed_item_fails_alone(api: Api) -> None:
    index = await api.created(mappings={"properties": {"a": {"type": "long"}}})
    lines = [
        {"index": {"_id": "1"}},
        {"a": 1},
        {"index": {"_id": "2"}},
        {"a": "many"},
        {"index": {"_id": "3"}},
        {"a": 3},
    ]

    answer = await api("POST", f"/{index}/_bulk", lines, refresh=True)

    assert answer.status == 200
    assert answer.body["errors"] is True
    assert [item["status"] for _, item in _items(answer.body)] == [201, 400, 201]
    failed = answer.body["items"][1]["index"]
    assert failed["error"]["type"] == "document_parsing_exception"
    assert not failed.keys() & {"result", "_version", "_seq_no"}
    assert (await api("GET", f"/{index}/_count")).body["count"] == 2


async def test_conflicts_and_missing_documents_are_items_too(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})
    lines = [
        {"create": {"_id": "1"}},
        {"a": 2},
        {"update": {"_id": "9"}},
        {"doc": {"a": 1}},
        {"index": {"_id": "1", "if_seq_no": 5, "if_primary_term": 1}},
        {"a": 2},
    ]

    answer = await api("POST", f"/{index}/_bulk", lines)

    failures = [(item["status"], item["error"]["type"]) for _, item in _items(answer.body)]
    assert failures == [
        (409, "version_conflict_engine_exception"),
        (404, "document_missing_exception"),
        (409, "version_conflict_engine_exception"),
    ]


async def test_a_missing_pipeline_fails_the_items(api: Api) -> None:
    index = await api.created()

    answer = await api(
        "POST", f"/{index}/_bulk", [{"index": {"_id": "1"}}, {"a": 1}], pipeline="contract-none"
    )

    item = answer.body["items"][0]["index"]
    assert item["status"] == 400
    assert (item["error"]["type"], item["error"]["reason"]) == (
        "illegal_argument_exception",
        "pipeline with id [contract-none] does not exist",
    )


async def test_filter_path_leaves_statuses(api: Api) -> None:
    index = await api.created()
    lines = [{"index": {"_id": "1"}}, {"a": 1}, {"create": {"_id": "1"}}, {"a": 2}]

    answer = await api(
        "POST", f"/{index}/_bulk", lines, filter_path="errors,items.*.status,items.*.error.type"
    )

    conflict = {"status": 409, "error": {"type": "version_conflict_engine_exception"}}
    assert answer.body == {"errors": True, "items": [{"index": {"status": 201}}, {"create": conflict}]}


async def test_filtering_for_errors_leaves_only_failed_items(api: Api) -> None:
    index = await api.created()
    lines = [{"index": {"_id": "1"}}, {"a": 1}]

    answer = await api("POST", f"/{index}/_bulk", lines, filter_path="errors,items.*.error")

    assert answer.body == {"errors": False}


LINE = "Malformed action/metadata line [1], expected"
ARGUMENT = "illegal_argument_exception"
VALIDATION = "action_request_validation_exception"


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b'{"index":{}}\n{"a":1}', ARGUMENT, "The bulk request must be terminated by a newline [\\n]"),
        (b'"index"\n{}\n', ARGUMENT, f"{LINE} START_OBJECT but found [VALUE_STRING]"),
        (b'{"index":"x"}\n{}\n', ARGUMENT, f"{LINE} START_OBJECT or END_OBJECT but found [VALUE_STRING]"),
        (
            b'{"index":{"_id":["x"]}}\n{}\n',
            ARGUMENT,
            f"{LINE} a simple value for field [_id] but found [START_ARRAY]",
        ),
        (
            b'{"index":{"_foo":"x"}}\n{}\n',
            ARGUMENT,
            "Action/metadata line [1] contains an unknown parameter [_foo]",
        ),
        (b'{"delete":{}}\n', VALIDATION, "Validation Failed: 1: id is missing;"),
        (b"\n", VALIDATION, "Validation Failed: 1: no requests added;"),
    ],
)
async def test_a_malformed_body_refuses_the_whole_request(
    api: Api, body: bytes, kind: str, reason: str
) -> None:
    index = await api.created()

    answer = await api("POST", f"/{index}/_bulk", body, content_type=NDJSON)

    assert answer.status == 400
    assert answer.error == (kind, reason)


async def test_nothing_is_executed_of_a_refused_request(api: Api) -> None:
    index = await api.created()
    body = b'{"index":{"_id":"1"}}\n{"a":1}\n{"index":{"_bad":1}}\n{"a":2}\n'

    answer = await api("POST", f"/{index}/_bulk", body, content_type=NDJSON)

    assert answer.status == 400
    assert (await api("GET", f"/{index}/_doc/1")).status == 404


async def test_an_id_over_512_bytes_refuses_the_whole_request(api: Api) -> None:
    index = await api.created()

    answer = await api("POST", f"/{index}/_bulk", [{"index": {"_id": "é" * 300}}, {"a": 1}])

    assert answer.status == 400
    kind, reason = answer.error
    assert kind == "action_request_validation_exception"
    assert "is too long, must be no longer than 512 bytes but was: 600" in reason


@pytest.mark.parametrize("action", ["index", "create"])
async def test_an_empty_id_fails_its_item_alone(api: Api, action: str) -> None:
    index = await api.created()
    lines = [{action: {"_id": ""}}, {"a": 1}, {action: {"_id": "1"}}, {"a": 2}]

    answer = await api("POST", f"/{index}/_bulk", lines)

    refused, written = (item[action] for item in answer.body["items"])
    assert answer.body["errors"] is True
    assert refused == {
        "_index": index,
        "_id": "",
        "status": 400,
        "error": {"type": ARGUMENT, "reason": "if _id is specified it must not be empty"},
    }
    assert (written["_id"], written["status"]) == ("1", 201)


async def test_a_missing_pipeline_is_told_before_an_empty_id(api: Api) -> None:
    index = await api.created(settings={"index.default_pipeline": "contract-none"})

    answer = await api("POST", f"/{index}/_bulk", [{"index": {"_id": ""}}, {"a": 1}])

    [item] = answer.body["items"]
    assert item["index"]["error"]["reason"] == "pipeline with id [contract-none] does not exist"


@pytest.mark.parametrize(
    "lines", [[{"delete": {"_id": ""}}], [{"update": {"_id": ""}}, {"doc": {}}]], ids=["delete", "update"]
)
async def test_an_empty_id_of_a_delete_or_an_update_refuses_the_whole_request(
    api: Api, lines: list[Any]
) -> None:
    index = await api.created()

    answer = await api("POST", f"/{index}/_bulk", [{"index": {"_id": "1"}}, {"a": 1}, *lines])

    assert (answer.status, answer.error) == (400, (VALIDATION, "Validation Failed: 1: id is missing;"))
    assert (await api("GET", f"/{index}/_doc/1")).status == 404


EMPTY_PIPELINE = (VALIDATION, "Validation Failed: 1: pipeline cannot be an empty string;")


async def test_an_empty_pipeline_is_refused_wherever_it_is_named(api: Api) -> None:
    index = await api.created()
    line: dict[str, Any] = {"index": {"_id": "1"}}
    with_pipeline = {"index": {"_id": "1", "pipeline": ""}}

    by_parameter = await api("POST", f"/{index}/_bulk", [line, {"a": 1}], pipeline="")
    by_item = await api("POST", f"/{index}/_bulk", [with_pipeline, {"a": 1}])
    of_one = await api("PUT", f"/{index}/_doc/1", {"a": 1}, pipeline="")

    assert [answer.status for answer in (by_parameter, by_item, of_one)] == [400] * 3
    assert by_parameter.error == by_item.error == of_one.error == EMPTY_PIPELINE
    assert (await api("GET", f"/{index}/_doc/1")).status == 404


async def test_carriage_returns_at_line_ends_are_accepted(api: Api) -> None:
    index = await api.created()

    answer = await api(
        "POST", f"/{index}/_bulk", b'{"index":{"_id":"1"}}\r\n{"a":1}\r\n', content_type=NDJSON
    )

    assert answer.body["items"][0]["index"]["status"] == 201


async def test_one_request_may_reach_several_indices(api: Api) -> None:
    one, two = await api.created(), await api.created()
    lines = [
        {"index": {"_index": one, "_id": "1"}},
        {"a": 1},
        {"index": {"_index": two, "_id": "1"}},
        {"a": 1},
    ]

    answer = await api("POST", "/_bulk", lines)

    assert [item["_index"] for _, item in _items(answer.body)] == [one, two]


async def test_an_invalid_index_name_fails_its_item_only(api: Api) -> None:
    index = await api.created()
    lines = [
        {"index": {"_index": "UPPER", "_id": "1"}},
        {"a": 1},
        {"index": {"_index": index, "_id": "1"}},
        {"a": 1},
    ]

    answer = await api("POST", "/_bulk", lines)

    (_, bad), (_, good) = _items(answer.body)
    assert (bad["status"], bad["error"]["type"]) == (400, "invalid_index_name_exception")
    assert good["status"] == 201


async def test_missing_indices_are_created(api: Api) -> None:
    index = api.index()

    await api("POST", f"/{index}/_bulk", [{"index": {"_id": "1"}}, {"a": 1}])

    assert (await api("HEAD", f"/{index}")).status == 200


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

    reasons = {action: item["error"]["reason"] for action, item in _items(answer.body)}
    missing = f"no such index [{index}]"
    assert reasons == {"update": NOT_AN_ALIAS.format(index), "index": missing, "create": missing}
    assert {item["status"] for _, item in _items(answer.body)} == {404}
    assert (await api("HEAD", f"/{index}")).status == 404


async def test_other_indices_of_such_a_request_are_created(api: Api) -> None:
    index, other = api.index(), api.index()

    answer = await api(
        "POST", f"/{index}/_bulk", [*GUARD, {"index": {"_index": other, "_id": "1"}}, {"a": 1}]
    )

    assert [item["status"] for _, item in _items(answer.body)] == [404, 201]


async def test_where_there_is_an_index_only_the_action_that_requires_an_alias_fails(api: Api) -> None:
    index = await api.filled({"gone": {"a": 1}})
    lines = [*GUARD, {"index": {"_id": "1"}}, {"a": 1}, {"update": {"_id": "1"}}, {"doc": {"a": 2}}]

    answer = await api("POST", f"/{index}/_bulk", [*lines, {"delete": {"_id": "gone"}}])

    (_, guard), *others = _items(answer.body)
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

    (_, guard), (_, written) = _items(answer.body)
    assert (guard["status"], guard["error"]["type"]) == (404, "document_missing_exception")
    assert written["status"] == 201


async def test_deletes_require_no_alias(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    answer = await api("POST", f"/{index}/_bulk", [{"delete": {"_id": "1", "require_alias": True}}])

    assert [item["status"] for _, item in _items(answer.body)] == [200]


async def test_an_upsert_creates_and_then_updates(api: Api) -> None:
    index = await api.created()
    lines = [{"update": {"_id": "1"}}, {"doc": {"a": 1}, "doc_as_upsert": True}] * 2
    lines += [{"update": {"_id": "1"}}, {"doc": {"a": 2}, "doc_as_upsert": True}]

    answer = await api("POST", f"/{index}/_bulk", lines)

    assert [item["result"] for _, item in _items(answer.body)] == ["created", "noop", "updated"]


def _items(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [next(iter(item.items())) for item in body["items"]]
