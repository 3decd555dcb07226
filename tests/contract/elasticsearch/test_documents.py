"""Single documents: versions, guards, partial updates, noops, visibility."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api


async def test_a_new_document_is_created_with_its_first_version(api: Api) -> None:
    index = await api.created()

    answer = await api("PUT", f"/{index}/_doc/1", {"a": 1})

    assert answer.status == 201
    assert answer.body["result"] == "created"
    assert (answer.body["_version"], answer.body["_seq_no"], answer.body["_primary_term"]) == (1, 0, 1)
    assert answer.body["_shards"]["failed"] == 0


async def test_a_second_write_updates(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    answer = await api("PUT", f"/{index}/_doc/1", {"b": 2})

    assert (answer.status, answer.body["result"], answer.body["_version"]) == (200, "updated", 2)
    assert (await api("GET", f"/{index}/_doc/1")).body["_source"] == {"b": 2}


async def test_a_document_without_id_gets_one(api: Api) -> None:
    index = await api.created()

    answer = await api("POST", f"/{index}/_doc", {"a": 1})

    assert answer.status == 201
    assert len(answer.body["_id"]) == 20


async def test_a_forced_refresh_is_told(api: Api) -> None:
    index = await api.created()

    answer = await api("PUT", f"/{index}/_doc/1", {"a": 1}, refresh=True)

    assert answer.body["forced_refresh"] is True


async def test_creating_an_existing_document_conflicts(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    for answer in (
        await api("PUT", f"/{index}/_create/1", {"a": 2}),
        await api("PUT", f"/{index}/_doc/1", {"a": 2}, op_type="create"),
    ):
        assert answer.status == 409
        assert answer.error == (
            "version_conflict_engine_exception",
            "[1]: version conflict, document already exists (current version [1])",
        )


async def test_a_get_answers_with_sequence_numbers(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    answer = await api("GET", f"/{index}/_doc/1")

    assert answer.body == {
        "_index": index,
        "_id": "1",
        "_version": 1,
        "_seq_no": 0,
        "_primary_term": 1,
        "found": True,
        "_source": {"a": 1},
    }


async def test_a_missing_document_is_no_error_envelope(api: Api) -> None:
    index = await api.created()

    answer = await api("GET", f"/{index}/_doc/1")

    assert (answer.status, answer.body) == (404, {"_index": index, "_id": "1", "found": False})


async def test_ids_are_decoded_from_the_path(api: Api) -> None:
    index = await api.filled({"a/b c+d": {"a": 1}})

    answer = await api("HEAD", f"/{index}/_doc/a%2Fb%20c%2Bd")

    assert answer.status == 200


async def test_a_guarded_write_with_the_present_numbers_succeeds_once(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    first = await api("PUT", f"/{index}/_doc/1", {"a": 2}, if_seq_no=0, if_primary_term=1)
    second = await api("PUT", f"/{index}/_doc/1", {"a": 3}, if_seq_no=0, if_primary_term=1)

    assert (first.status, second.status) == (200, 409)
    required, found = "required seqNo [0], primary term [1]", "seqNo [1] and primary term [1]"
    assert second.error == (
        "version_conflict_engine_exception",
        f"[1]: version conflict, {required}. current document has {found}",
    )


async def test_half_a_guard_is_refused(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    answer = await api("PUT", f"/{index}/_doc/1", {"a": 2}, if_seq_no=0)

    assert answer.error == (
        "action_request_validation_exception",
        "Validation Failed: 1: ifSeqNo is set, but primary term is [0];",
    )


async def test_a_partial_update_merges_objects_and_replaces_arrays(api: Api) -> None:
    index = await api.filled({"1": {"o": {"a": 1, "b": 2}, "l": [1, 2], "s": "x"}})

    answer = await api("POST", f"/{index}/_update/1", {"doc": {"o": {"b": 3}, "l": [9]}})

    assert (answer.status, answer.body["result"]) == (200, "updated")
    source = (await api("GET", f"/{index}/_doc/1")).body["_source"]
    assert source == {"o": {"a": 1, "b": 3}, "l": [9], "s": "x"}


async def test_an_update_that_changes_nothing_is_a_noop(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    answer = await api("POST", f"/{index}/_update/1", {"doc": {"a": 1}})

    assert (answer.status, answer.body["result"]) == (200, "noop")
    assert (answer.body["_version"], answer.body["_seq_no"]) == (1, 0)
    assert answer.body["_shards"] == {"total": 0, "successful": 0, "failed": 0}


async def test_an_update_of_nothing_is_a_document_missing(api: Api) -> None:
    index = await api.created()

    answer = await api("POST", f"/{index}/_update/1", {"doc": {"a": 1}})

    assert answer.status == 404
    assert answer.error == ("document_missing_exception", "[1]: document missing")
    assert answer.body["error"]["index"] == index


@pytest.mark.parametrize(
    "body", [{"doc": {"a": 1}, "doc_as_upsert": True}, {"doc": {"b": 1}, "upsert": {"a": 1}}]
)
async def test_an_upsert_creates(api: Api, body: dict[str, Any]) -> None:
    index = await api.created()

    answer = await api("POST", f"/{index}/_update/1", body)

    assert (answer.status, answer.body["result"]) == (201, "created")
    assert (await api("GET", f"/{index}/_doc/1")).body["_source"] == {"a": 1}


async def test_a_lost_update_race_is_a_conflict(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})
    await api("POST", f"/{index}/_update/1", {"doc": {"a": 2}})

    answer = await api("POST", f"/{index}/_update/1", {"doc": {"a": 3}}, if_seq_no=0, if_primary_term=1)

    assert answer.status == 409
    assert (await api("GET", f"/{index}/_doc/1")).body["_source"] == {"a": 2}


async def test_an_update_with_an_unknown_member_is_refused(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    answer = await api("POST", f"/{index}/_update/1", {"docc": {"a": 2}})

    assert answer.status == 400
    assert "[UpdateRequest] unknown field [docc]" in answer.error[1]


@pytest.mark.needs("lang-painless")
@pytest.mark.parametrize(
    ("is_scripted", "source"), [(True, {"a": 5}), (False, {"a": 1})], ids=["scripted", "as it is"]
)
async def test_a_script_changes_an_upsert_only_if_it_is_to(
    api: Api, is_scripted: bool, source: dict[str, Any]
) -> None:
    index = await api.created()
    script = {"source": "ctx._source.a += params.by", "params": {"by": 4}}
    body = {"script": script, "upsert": {"a": 1}, "scripted_upsert": is_scripted}

    answer = await api("POST", f"/{index}/_update/1", body)

    assert answer.body["result"] == "created"
    assert (await api("GET", f"/{index}/_source/1")).body == source


@pytest.mark.needs("lang-painless")
async def test_a_scripted_upsert_may_decide_to_write_nothing(api: Api) -> None:
    index = await api.created()
    body = {"script": {"source": "ctx.op = 'none'"}, "upsert": {"a": 1}, "scripted_upsert": True}

    answer = await api("POST", f"/{index}/_update/1", body)

    assert (answer.status, answer.body["result"]) == (200, "noop")
    assert (await api("GET", f"/{index}/_doc/1")).status == 404


@pytest.mark.needs("lang-painless")
async def test_a_script_assigns_from_its_parameters(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})
    script = {"source": "ctx._source.a += params.by", "params": {"by": 4}}

    answer = await api("POST", f"/{index}/_update/1", {"script": script})

    assert answer.body["result"] == "updated"
    assert (await api("GET", f"/{index}/_doc/1")).body["_source"] == {"a": 5}


async def test_a_delete_takes_a_version_and_a_second_finds_nothing(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    first = await api("DELETE", f"/{index}/_doc/1")
    second = await api("DELETE", f"/{index}/_doc/1")

    assert (first.status, first.body["result"], first.body["_version"]) == (200, "deleted", 2)
    assert (second.status, second.body["result"]) == (404, "not_found")
    assert second.body["_seq_no"] == first.body["_seq_no"] + 1


async def test_an_id_over_512_bytes_is_refused(api: Api) -> None:
    index = await api.created()

    answer = await api("PUT", f"/{index}/_doc/{'x' * 513}", {"a": 1})

    assert answer.status == 400
    assert answer.error[0] == "action_request_validation_exception"
    assert "is too long, must be no longer than 512 bytes but was: 513" in answer.error[1]


async def test_several_documents_at_once(api: Api) -> None:
    index, missing = await api.filled({"1": {"a": 1}}), api.index()
    entries = [{"_index": index, "_id": "1"}, {"_index": index, "_id": "2"}, {"_index": missing, "_id": "1"}]

    answer = await api("POST", "/_mget", {"docs": entries})

    found, absent, failed = answer.body["docs"]
    assert found["_source"] == {"a": 1}
    assert absent["found"] is False
    assert failed["error"]["type"] == "index_not_found_exception"


async def test_external_versions_must_grow(api: Api) -> None:
    index = await api.created()
    await api("PUT", f"/{index}/_doc/1", {"a": 1}, version=7, version_type="external")

    older = await api("PUT", f"/{index}/_doc/1", {"a": 2}, version=7, version_type="external")
    newer = await api("PUT", f"/{index}/_doc/1", {"a": 3}, version=9, version_type="external")

    assert older.status == 409
    assert "current version [7] is higher or equal to the one provided [7]" in older.error[1]
    assert newer.body["_version"] == 9


async def test_a_write_is_visible_to_get_at_once_and_to_search_after_a_refresh(api: Api) -> None:
    index = await api.created(settings={"index": {"refresh_interval": "-1"}})
    await api("PUT", f"/{index}/_doc/1", {"a": 1})

    got = await api("GET", f"/{index}/_doc/1")
    before = await api("GET", f"/{index}/_count")
    await api("POST", f"/{index}/_refresh")
    after = await api("GET", f"/{index}/_count")

    assert got.body["found"] is True
    assert (before.body["count"], after.body["count"]) == (0, 1)


async def test_waiting_for_the_refresh_makes_a_write_visible(api: Api) -> None:
    index = await api.created()
    await api("PUT", f"/{index}/_doc/1", {"a": 1}, refresh="wait_for")

    assert (await api("GET", f"/{index}/_count")).body["count"] == 1


async def test_parts_of_a_source_can_be_chosen(api: Api) -> None:
    index = await api.filled({"1": {"a": {"b": 1, "c": 2}, "d": 3}})

    included = await api("GET", f"/{index}/_doc/1", _source_includes="a.b")
    excluded = await api("GET", f"/{index}/_doc/1", _source_excludes="a.*")

    assert included.body["_source"] == {"a": {"b": 1}}
    assert excluded.body["_source"] in ({"d": 3}, {"a": {}, "d": 3})
