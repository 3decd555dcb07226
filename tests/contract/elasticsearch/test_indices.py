"""Indices: create, exists, get, delete, mappings, settings, aliases, refresh, close, blocks."""

import pytest

from tests.contract.elasticsearch.api import Api


async def test_creating_acknowledges(api: Api) -> None:
    index = api.index()

    answer = await api("PUT", f"/{index}")

    assert answer.status == 200
    assert answer.body == {"acknowledged": True, "shards_acknowledged": True, "index": index}


async def test_creating_again_is_a_resource_already_exists(api: Api) -> None:
    index = await api.created()

    answer = await api("PUT", f"/{index}")

    assert answer.status == 400
    kind, reason = answer.error
    assert kind == "resource_already_exists_exception"
    assert reason.startswith(f"index [{index}/")
    assert reason.endswith("] already exists")
    assert answer.body["error"]["index"] == index


@pytest.mark.parametrize(
    ("name", "tail"),
    [
        ("Upper", "must be lowercase"),
        ("-minus", "must not start with '_', '-', or '+'"),
        ("a%23b", "must not contain '#'"),
        ("a:b", "must not contain ':'"),
        ("x" * 256, "index name is too long, (256 > 255)"),
    ],
)
async def test_a_bad_name_is_refused(api: Api, name: str, tail: str) -> None:
    answer = await api("PUT", f"/{name}")

    assert answer.status == 400
    kind, reason = answer.error
    assert kind == "invalid_index_name_exception"
    assert reason.endswith(tail)


async def test_exists_answers_without_a_body(api: Api) -> None:
    index = await api.created()

    assert ((await api("HEAD", f"/{index}")).status, (await api("HEAD", f"/{index}-not")).status) == (
        200,
        404,
    )


async def test_a_missing_index_is_told_with_its_members(api: Api) -> None:
    index = api.index()

    answer = await api("GET", f"/{index}")

    assert answer.status == 404
    error = answer.body["error"]
    assert (error["type"], error["reason"]) == ("index_not_found_exception", f"no such index [{index}]")
    assert (error["resource.type"], error["resource.id"]) == ("index_or_alias", index)
    assert (error["index_uuid"], error["index"]) == ("_na_", index)


async def test_a_missing_index_may_be_ignored(api: Api) -> None:
    answer = await api("GET", f"/{api.index()}", ignore_unavailable=True)

    assert (answer.status, answer.body) == (200, {})


async def test_reading_by_alias_names_the_concrete_index(api: Api) -> None:
    alias = api.index()
    index = await api.created(
        aliases={alias: {}},
        mappings={"properties": {"a": {"type": "keyword"}}},
        settings={"number_of_shards": 1},
    )

    answer = await api("GET", f"/{alias}")

    assert list(answer.body) == [index]
    described = answer.body[index]
    assert alias in described["aliases"]
    assert described["mappings"] == {"properties": {"a": {"type": "keyword"}}}
    assert described["settings"]["index"]["number_of_shards"] == "1"
    assert described["settings"]["index"]["uuid"]


async def test_deleting_takes_the_documents_along(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    deleted = await api("DELETE", f"/{index}")

    assert deleted.body == {"acknowledged": True}
    assert (await api("GET", f"/{index}/_doc/1")).status == 404
    assert (await api("DELETE", f"/{index}")).error[0] == "index_not_found_exception"
    assert (await api("DELETE", f"/{index}", ignore_unavailable=True)).body == {"acknowledged": True}


async def test_a_recreated_index_has_another_uuid(api: Api) -> None:
    index = await api.created()
    before = (await api("GET", f"/{index}/_settings")).body[index]["settings"]["index"]["uuid"]
    await api("DELETE", f"/{index}")

    await api("PUT", f"/{index}")

    after = (await api("GET", f"/{index}/_settings")).body[index]["settings"]["index"]["uuid"]
    assert before != after


async def test_a_mapping_grows(api: Api) -> None:
    index = await api.created(mappings={"properties": {"a": {"type": "long"}}})

    put = await api(
        "PUT", f"/{index}/_mapping", {"properties": {"o": {"properties": {"b": {"type": "date"}}}}}
    )

    assert put.body == {"acknowledged": True}
    mappings = (await api("GET", f"/{index}/_mapping")).body[index]["mappings"]
    assert mappings == {"properties": {"a": {"type": "long"}, "o": {"properties": {"b": {"type": "date"}}}}}


async def test_a_type_cannot_change(api: Api) -> None:
    index = await api.created(mappings={"properties": {"a": {"type": "long"}}})

    answer = await api("PUT", f"/{index}/_mapping", {"properties": {"a": {"type": "keyword"}}})

    assert answer.status == 400
    assert answer.error == (
        "illegal_argument_exception",
        "mapper [a] cannot be changed from type [long] to [keyword]",
    )


async def test_an_unknown_type_is_refused(api: Api) -> None:
    index = api.index()

    answer = await api("PUT", f"/{index}", {"mappings": {"properties": {"a": {"type": "txt"}}}})

    assert answer.status == 400
    kind, reason = answer.error
    assert kind == "mapper_parsing_exception"
    assert "The mapper type [txt] declared on field [a] does not exist." in reason
    assert (await api("HEAD", f"/{index}")).status == 404


async def test_settings_come_back_as_strings(api: Api) -> None:
    index = await api.created()

    put = await api(
        "PUT", f"/{index}/_settings", {"index": {"refresh_interval": "-1", "max_result_window": 20}}
    )

    assert put.body == {"acknowledged": True}
    settings = (await api("GET", f"/{index}/_settings")).body[index]["settings"]["index"]
    assert (settings["refresh_interval"], settings["max_result_window"]) == ("-1", "20")


async def test_a_static_setting_needs_a_closed_index(api: Api) -> None:
    index = await api.created()

    answer = await api("PUT", f"/{index}/_settings", {"index.number_of_shards": 3})

    assert answer.status == 400
    assert answer.error[0] == "illegal_argument_exception"


async def test_a_refresh_tells_its_shards(api: Api) -> None:
    index = await api.created()

    answer = await api("POST", f"/{index}/_refresh")

    assert answer.body["_shards"]["failed"] == 0
    assert answer.body["_shards"]["successful"] >= 1


async def test_a_closed_index_refuses_reads_and_writes_until_opened(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})
    await api("POST", f"/{index}/_close")

    search = await api("POST", f"/{index}/_search", {})
    written = await api("POST", f"/{index}/_bulk", [{"index": {"_id": "2"}}, {"a": 2}])
    await api("POST", f"/{index}/_open")
    await api("GET", f"/_cluster/health/{index}", wait_for_status="yellow", timeout="10s")

    assert search.error[0] == "index_closed_exception"
    assert written.body["items"][0]["index"]["error"]["type"] == "index_closed_exception"
    assert (await api("GET", f"/{index}/_doc/1")).body["found"] is True


@pytest.mark.parametrize(
    ("setting", "status", "text"),
    [
        ("blocks.write", 403, "FORBIDDEN/8/index write (api)"),
        ("blocks.read_only", 403, "FORBIDDEN/5/index read-only (api)"),
        (
            "blocks.read_only_allow_delete",
            429,
            "TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark",
        ),
    ],
)
async def test_a_block_refuses_each_item(api: Api, setting: str, status: int, text: str) -> None:
    index = await api.created()
    await api("PUT", f"/{index}/_settings", {f"index.{setting}": True})

    answer = await api("POST", f"/{index}/_bulk", [{"index": {"_id": "1"}}, {"a": 1}])
    await api("PUT", f"/{index}/_settings", {f"index.{setting}": None})

    item = answer.body["items"][0]["index"]
    assert item["status"] == status
    assert item["error"]["type"] == "cluster_block_exception"
    assert text in item["error"]["reason"]


async def test_the_flood_stage_refuses_deletes_of_documents_and_allows_that_of_the_index(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})
    await api("PUT", f"/{index}/_settings", {"index.blocks.read_only_allow_delete": True})

    item = await api("POST", f"/{index}/_bulk", [{"delete": {"_id": "1"}}])
    single = await api("DELETE", f"/{index}/_doc/1")
    counted = await api("GET", f"/{index}/_count")
    mapped = await api("PUT", f"/{index}/_mapping", {"properties": {"b": {"type": "long"}}})
    removed = await api("DELETE", f"/{index}")

    assert item.body["items"][0]["delete"]["status"] == 429
    assert (single.status, single.error[0]) == (429, "cluster_block_exception")
    assert counted.body["count"] == 1
    assert (mapped.status, removed.status) == (200, 200)


@pytest.mark.parametrize(
    ("block", "write", "put_mapping", "get_mapping", "count", "delete_index"),
    [
        ("write", 403, 200, 200, 200, 200),
        ("read_only", 403, 403, 200, 200, 403),
        ("read", 200, 200, 200, 403, 200),
        ("metadata", 200, 403, 403, 200, 403),
    ],
)
async def test_what_a_block_refuses(
    api: Api, block: str, write: int, put_mapping: int, get_mapping: int, count: int, delete_index: int
) -> None:
    index = await api.filled({"1": {"a": 1}})
    await api("PUT", f"/{index}/_settings", {f"index.blocks.{block}": True})

    deletion = await api("POST", f"/{index}/_bulk", [{"delete": {"_id": "1"}}])
    answers = [
        await api("PUT", f"/{index}/_mapping", {"properties": {"b": {"type": "long"}}}),
        await api("GET", f"/{index}/_mapping"),
        await api("GET", f"/{index}/_count"),
        await api("DELETE", f"/{index}"),
    ]
    if delete_index != 200:
        await api("PUT", f"/{index}/_settings", {f"index.blocks.{block}": None})

    assert deletion.body["items"][0]["delete"]["status"] == write
    assert [answer.status for answer in answers] == [put_mapping, get_mapping, count, delete_index]
