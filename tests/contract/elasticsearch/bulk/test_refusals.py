"""Bulk requests that are refused as a whole, and those of which one item fails."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import NDJSON, Api
from tests.contract.elasticsearch.bulk.items import items_of

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


async def test_an_empty_index_name_is_not_the_one_of_the_path(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})
    empty = {"_id": "1", "_index": ""}

    writes = await api(
        "POST", f"/{index}/_bulk", [{"index": empty}, {"a": 2}, {"update": empty}, {"doc": {}}]
    )
    delete = await api("POST", f"/{index}/_bulk", [{"delete": empty}])

    reasons = [item["error"]["reason"] for _, item in items_of(writes.body)]
    assert reasons == ["Invalid index name [], must not be empty"] * 2
    if delete.status == 400 and not api.is_embedded:
        assert delete.error[0] == "invalid_index_name_exception"  # 9.3 refuses the whole request
    else:
        assert [item["error"]["reason"] for _, item in items_of(delete.body)] == ["no such index []"]
    assert (await api("GET", f"/{index}/_doc/1")).body["_source"] == {"a": 1}


async def test_what_is_missing_is_told_of_every_action(api: Api) -> None:
    answer = await api("POST", "/_bulk", [{"delete": {}}, {"delete": {"_id": "1"}}])

    reason = "Validation Failed: 1: index is missing;2: id is missing;3: index is missing;"
    assert answer.error == (VALIDATION, reason)
