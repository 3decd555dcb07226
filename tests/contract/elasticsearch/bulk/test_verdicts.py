"""`_bulk`: a verdict for each item, and filtered answers."""

from tests.contract.elasticsearch.api import NDJSON, Api
from tests.contract.elasticsearch.bulk.items import items_of


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

    verdicts = [(action, item["result"], item["status"]) for action, item in items_of(answer.body)]
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
    assert [item["status"] for _, item in items_of(answer.body)] == [201, 400, 201]
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

    failures = [(item["status"], item["error"]["type"]) for _, item in items_of(answer.body)]
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

    assert [item["_index"] for _, item in items_of(answer.body)] == [one, two]


async def test_an_invalid_index_name_fails_its_item_only(api: Api) -> None:
    index = await api.created()
    lines = [
        {"index": {"_index": "UPPER", "_id": "1"}},
        {"a": 1},
        {"index": {"_index": index, "_id": "1"}},
        {"a": 1},
    ]

    answer = await api("POST", "/_bulk", lines)

    (_, bad), (_, good) = items_of(answer.body)
    assert (bad["status"], bad["error"]["type"]) == (400, "invalid_index_name_exception")
    assert good["status"] == 201


async def test_missing_indices_are_created(api: Api) -> None:
    index = api.index()

    await api("POST", f"/{index}/_bulk", [{"index": {"_id": "1"}}, {"a": 1}])

    assert (await api("HEAD", f"/{index}")).status == 200


async def test_an_upsert_creates_and_then_updates(api: Api) -> None:
    index = await api.created()
    lines = [{"update": {"_id": "1"}}, {"doc": {"a": 1}, "doc_as_upsert": True}] * 2
    lines += [{"update": {"_id": "1"}}, {"doc": {"a": 2}, "doc_as_upsert": True}]

    answer = await api("POST", f"/{index}/_bulk", lines)

    assert [item["result"] for _, item in items_of(answer.body)] == ["created", "noop", "updated"]
