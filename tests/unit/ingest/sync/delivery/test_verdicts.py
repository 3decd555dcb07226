"""Each item is judged by its own status; an answer that does not add up is not believed."""

from typing import Any

import orjson
import pytest

from ingest.sync.delivery.verdicts import (
    Item,
    MismatchError,
    Verdict,
    count_successes,
    items_of,
    reason_of,
    without_values,
)


def item(
    status: int, error_type: str = "", reason: str = "", *, action: str = "index", result: str = ""
) -> Item:
    members: dict[str, Any] = {"_index": "music", "_id": "1", "status": status}
    if result:
        members["result"] = result
    if error_type:
        members["error"] = {"type": error_type, "reason": reason}
    return Item.from_wire({action: members})


@pytest.mark.parametrize(
    ("answered", "verdict"),
    [
        (item(201, result="created"), Verdict.CREATED),
        (item(200, result="updated"), Verdict.UPDATED),
        (item(200, result="noop"), Verdict.DROPPED),
        (item(429, "es_rejected_execution_exception"), Verdict.TURNED_AWAY),
        (item(429, "circuit_breaking_exception"), Verdict.TURNED_AWAY),
        (item(503, "unavailable_shards_exception"), Verdict.TURNED_AWAY),
        (item(500, "node_not_connected_exception"), Verdict.TURNED_AWAY),
        (item(429, "status_exception", "inference queue is full"), Verdict.TURNED_AWAY),
        (item(500, "illegal_state_exception", "a processor failed"), Verdict.REJECTED),
        (item(503, "status_exception", "the model is not deployed"), Verdict.REJECTED),
        (item(502, ""), Verdict.REJECTED),
        (
            item(429, "cluster_block_exception", "blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded];"),
            Verdict.TURNED_AWAY,
        ),
        (
            item(403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/12/index read-only];"),
            Verdict.TURNED_AWAY,
        ),
        (item(403, "cluster_block_exception", "blocked by: [FORBIDDEN/8/index write (api)];"), Verdict.FATAL),
        (item(403, "security_exception", "action is unauthorized"), Verdict.FATAL),
        (item(404, "index_not_found_exception", "no such index [x]"), Verdict.FATAL),
        (
            item(400, "illegal_argument_exception", "pipeline with id [gone] does not exist"),
            Verdict.FATAL,
        ),
        (item(400, "index_closed_exception", "closed"), Verdict.FATAL),
        (item(400, "document_parsing_exception", "failed to parse"), Verdict.REJECTED),
        (item(400, "illegal_argument_exception", "Limit of total fields [1000] exceeded"), Verdict.REJECTED),
        (item(400, "strict_dynamic_mapping_exception"), Verdict.REJECTED),
        (item(200, action="delete", result="deleted"), Verdict.DELETED),
        (item(404, action="delete", result="not_found"), Verdict.NOT_DELETED),
        (item(409, "version_conflict_engine_exception", action="delete"), Verdict.NOT_DELETED),
        (item(429, "es_rejected_execution_exception", action="delete"), Verdict.TURNED_AWAY),
        (item(403, "security_exception", action="delete"), Verdict.FATAL),
        (item(400, "illegal_argument_exception", action="delete"), Verdict.FATAL),
    ],
    ids=str,
)
def test_the_verdict_follows_from_the_status(answered: Item, verdict: Verdict) -> None:
    assert answered.verdict is verdict


def answer(*statuses: int, errors: bool = False) -> bytes:
    items = [
        {
            "index": {
                "_index": "music",
                "_id": "1",
                "result": "created" if status == 201 else "updated",
                "status": status,
            }
        }
        for status in statuses
    ]
    return orjson.dumps({"errors": errors, "items": items})


def test_an_answer_in_which_all_succeeded_is_counted_without_parsing() -> None:
    assert count_successes(answer(201, 200, 201), 3, "music") == (2, 1)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (answer(201, 429), 2),
        (answer(201, 201), 3),
        (answer(201, 201, 201), 2),
        (answer(201, 400), 1),
        (answer(201)[:-2], 1),
        (b'{"items":[{"index":{"result":"noop","status":200}}]}', 1),
        (b"", 1),
        (b"null", 1),
    ],
)
def test_any_other_answer_is_left_to_the_parser(body: bytes, count: int) -> None:
    assert count_successes(body, count, "music") is None


def test_a_reason_that_quotes_a_success_does_not_count_as_one() -> None:
    body = orjson.dumps(
        {"items": [{"index": {"status": 400, "error": {"type": "x", "reason": 'got "status":201 instead'}}}]}
    )

    assert count_successes(body, 1, "music") is None


def test_errors_false_beside_a_failed_item_is_not_believed() -> None:
    body = answer(201, 400, errors=False)

    assert count_successes(body, 2, "music") is None
    assert [one.verdict for one in items_of(body, 2)] == [Verdict.CREATED, Verdict.REJECTED]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"<html>",
        b"{}",
        b'{"items":{}}',
        answer(201),
        answer(201, 201, 201),
        answer(201, 201)[:-3],
        b'{"items":[{"index":{}},{"index":{}}]}',
        b'{"items":[{"index":{"status":"x"}},{"index":{"status":201}}]}',
        b'{"items":[{},{"index":{"status":201}}]}',
        b'{"items":[1,2]}',
    ],
)
def test_an_answer_that_does_not_fit_its_request_is_a_mismatch(body: bytes) -> None:
    with pytest.raises(MismatchError):
        items_of(body, 2)


@pytest.mark.parametrize(
    "reason",
    [
        "failed to parse field [n] of type [long] in document '1'. Preview of field's value: 'canary'",
        "failed to parse date field [canary] with format [strict_date_optional_time]",
        'For input string: "canary"',
        '[1:9] Duplicate field \'a\'\n at [Source: (byte[])"{"a":1,"a":"canary"}"; line: 1, column: 9]',
        "Document contains at least one immense term in field=\"t\", the first immense term is: '[canary]'",
    ],
)
def test_the_refused_value_is_cut_from_the_reason(reason: str) -> None:
    assert "canary" not in without_values(reason)
    assert len(without_values(reason)) > 10


@pytest.mark.parametrize(
    "reason",
    [
        "'canary' is not an IP string literal.",
        "Failed to parse value [canary] as only [true] or [false] are allowed.",
        "Numeric value (8675309) out of range of int (-2147483648 - 2147483647)",
        "Value [8675309] is out of range for a long",
        "Text 'canary' could not be parsed at index 0",
        'unexpected "canary" here',
        "min value (8675309.5) is greater than max value (3)",
        "number 8675309 is too large",
    ],
)
def test_the_refused_value_is_cut_from_the_cause_too(reason: str) -> None:
    said = reason_of({"reason": "failed to parse", "caused_by": {"type": "some_exception", "reason": reason}})

    assert "canary" not in said
    assert "8675309" not in said
    assert "some_exception" in said


def test_a_reason_is_told_with_its_causes_which_name_the_field() -> None:
    cause = {
        "type": "illegal_argument_exception",
        "reason": "object mapping for [a] tried to parse field [a] as object, but found a concrete value",
    }

    said = reason_of(
        {"reason": "failed to parse", "caused_by": {"type": "x", "reason": "y", "caused_by": cause}}
    )

    assert said == f"failed to parse; caused by x: y; caused by {cause['type']}: {cause['reason']}"


def test_a_chain_of_causes_is_cut() -> None:
    error: dict[str, Any] = {"reason": "r"}
    for _ in range(1000):
        error = {"reason": "r" * 100, "caused_by": error}

    assert len(reason_of(error)) <= 500
