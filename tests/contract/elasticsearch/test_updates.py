"""Updates: what they write goes through the index's pipelines, and what they show of it."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import STAMP, Api


@pytest.fixture
async def stamped(api: Api) -> str:
    """An index whose documents are stamped by its pipeline; document 0 is there and was not."""
    name = api.pipeline()
    await api("PUT", f"/_ingest/pipeline/{name}", {"processors": [api.stamp("by")]})
    index = await api.created(settings={"index.default_pipeline": name, "number_of_replicas": 0})
    await api("PUT", f"/{index}/_doc/0", {"a": 1}, pipeline="_none")
    return index


@pytest.mark.parametrize(
    ("body", "source"),
    [
        ({"doc": {"a": 1}, "doc_as_upsert": True}, {"a": 1, "by": STAMP}),
        ({"doc": {"a": 1}, "upsert": {"b": 1}}, {"b": 1, "by": STAMP}),
    ],
)
async def test_an_upsert_goes_through_the_pipeline(
    api: Api, stamped: str, body: dict[str, Any], source: dict[str, Any]
) -> None:
    await api("POST", f"/{stamped}/_update/1", body)
    bulk = await api("POST", f"/{stamped}/_bulk", [{"update": {"_id": "2"}}, body])

    assert "ingest_took" in bulk.body
    assert (await api("GET", f"/{stamped}/_source/1")).body == source
    assert (await api("GET", f"/{stamped}/_source/2")).body == source


async def test_an_update_goes_through_the_pipeline_whole(api: Api, stamped: str) -> None:
    await api("POST", f"/{stamped}/_update/0", {"doc": {"b": 2}})

    assert (await api("GET", f"/{stamped}/_source/0")).body == {"a": 1, "b": 2, "by": STAMP}


@pytest.mark.needs("lang-painless")
@pytest.mark.parametrize(
    ("number", "is_scripted", "source"),
    [
        (0, False, {"a": 5, "by": STAMP}),
        (1, False, {"a": 2, "by": STAMP}),
        (1, True, {"a": 6, "by": STAMP}),
    ],
    ids=["there", "not there", "not there, scripted"],
)
async def test_what_a_script_leaves_goes_through_the_pipeline(
    api: Api, stamped: str, number: int, is_scripted: bool, source: dict[str, Any]
) -> None:
    script = {"source": "ctx._source.a += params.by", "params": {"by": 4}}
    body = {"script": script, "upsert": {"a": 2}, "scripted_upsert": is_scripted}

    await api("POST", f"/{stamped}/_update/{number}", body)

    assert (await api("GET", f"/{stamped}/_source/{number}")).body == source


@pytest.mark.needs("lang-painless")
@pytest.mark.parametrize("number", [0, 1], ids=["there", "not there"])
async def test_what_a_script_leaves_may_be_dropped_by_the_pipeline(
    api: Api, stamped: str, number: int
) -> None:
    name = api.pipeline()
    await api("PUT", f"/_ingest/pipeline/{name}", {"processors": [{"drop": {}}]})
    await api("PUT", f"/{stamped}/_settings", {"index.default_pipeline": name})
    body = {"script": {"source": "ctx._source.a += 4"}, "upsert": {"a": 2}}

    answer = await api("POST", f"/{stamped}/_update/{number}", body)

    found = (await api("GET", f"/{stamped}/_doc/{number}")).body
    assert (answer.status, answer.body["result"]) == (200, "noop")
    assert found.get("_source") == ({"a": 1} if number == 0 else None)


async def test_in_bulk_only_what_may_be_created_goes_through_the_pipeline(api: Api, stamped: str) -> None:
    # A bulk request runs pipelines before it knows whether there is a document.
    first = await api("POST", f"/{stamped}/_bulk", [{"update": {"_id": "0"}}, {"doc": {"b": 2}}])
    merged = (await api("GET", f"/{stamped}/_source/0")).body
    body = {"doc": {"c": 3}, "doc_as_upsert": True}
    await api("POST", f"/{stamped}/_bulk", [{"update": {"_id": "0"}}, body])

    assert "ingest_took" not in first.body
    assert merged == {"a": 1, "b": 2}
    assert (await api("GET", f"/{stamped}/_source/0")).body == {"a": 1, "b": 2, "c": 3, "by": STAMP}


async def test_the_pipeline_a_bulk_request_names_is_not_for_its_updates(api: Api, stamped: str) -> None:
    body = {"doc": {"a": 1}, "doc_as_upsert": True}

    answer = await api("POST", f"/{stamped}/_bulk", [{"update": {"_id": "1"}}, body], pipeline="_none")

    assert answer.body["errors"] is False
    assert (await api("GET", f"/{stamped}/_source/1")).body == {"a": 1, "by": STAMP}


async def test_an_upsert_fails_with_its_pipeline(api: Api) -> None:
    index = await api.created(settings={"index.default_pipeline": "contract-none"})
    body = {"doc": {"a": 1}, "doc_as_upsert": True}

    single = await api("POST", f"/{index}/_update/1", body)
    bulk = await api("POST", f"/{index}/_bulk", [{"update": {"_id": "1"}}, body])

    reason = "pipeline with id [contract-none] does not exist"
    assert single.error[1] == reason
    assert bulk.body["items"][0]["update"]["error"]["reason"] == reason


@pytest.mark.parametrize(
    ("metadata", "body", "params", "source"),
    [
        ({"_source": True}, {}, {}, {"a": 1, "n": 2}),
        ({"_source": {"includes": ["a"]}}, {}, {}, {"a": 1}),
        ({}, {"_source": ["n"]}, {}, {"n": 2}),
        ({}, {}, {"_source": "a"}, {"a": 1}),
        ({}, {}, {"_source_excludes": "a"}, {"n": 2}),
        ({"_source": False}, {}, {"_source": True}, None),
        ({}, {}, {}, None),
    ],
)
async def test_a_bulk_update_shows_the_document_if_asked(
    api: Api, metadata: Any, body: Any, params: Any, source: Any
) -> None:
    index = await api.filled({"1": {"a": 1, "n": 1}})

    answer = await api(
        "POST", f"/{index}/_bulk", [{"update": {"_id": "1", **metadata}}, {"doc": {"n": 2}, **body}], **params
    )

    item = answer.body["items"][0]["update"]
    assert item["result"] == "updated"
    assert item.get("get", {}).get("_source") == source


async def test_a_bulk_update_that_changes_nothing_shows_the_document(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    answer = await api("POST", f"/{index}/_bulk", [{"update": {"_id": "1"}}, {"doc": {"a": 1}}], _source=True)

    item = answer.body["items"][0]["update"]
    assert (item["result"], item["get"]["_source"]) == ("noop", {"a": 1})


async def test_what_a_bulk_update_shows_passes_the_filter(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})
    lines = [{"update": {"_id": "1", "_source": True}}, {"doc": {"a": 2}}]

    answer = await api("POST", f"/{index}/_bulk", lines, filter_path="items.*.get._source,items.*.result")

    item = {"result": "updated", "get": {"_source": {"a": 2}}}
    assert answer.body == {"items": [{"update": item}]}


async def test_reading_out_of_real_time_shows_what_searches_see(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}, "2": {"a": 1}}, settings={"index.refresh_interval": "-1"})
    await api("PUT", f"/{index}/_doc/1", {"a": 2})
    await api("DELETE", f"/{index}/_doc/2")
    await api("PUT", f"/{index}/_doc/3", {"a": 3})

    sources = [(await api("GET", f"/{index}/_doc/{number}", realtime=False)).body for number in (1, 2, 3)]
    heads = [(await api("HEAD", f"/{index}/_doc/{number}", realtime=False)).status for number in (1, 2, 3)]
    several = await api("POST", f"/{index}/_mget", {"ids": ["1", "3"]}, realtime=False)
    refreshed = await api("GET", f"/{index}/_doc/3", realtime=False, refresh=True)

    assert [found.get("_source") for found in sources] == [{"a": 1}, {"a": 1}, None]
    assert heads == [200, 200, 404]
    assert [found["found"] for found in several.body["docs"]] == [True, False]
    assert refreshed.body["_source"] == {"a": 3}


@pytest.mark.parametrize("value", ["maybe", "1"])
async def test_real_time_is_true_or_false(api: Api, value: str) -> None:
    index = await api.created()

    assert (await api("GET", f"/{index}/_doc/1", realtime=value)).status == 400
