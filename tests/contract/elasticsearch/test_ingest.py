"""Ingest pipelines: stored, simulated, run on documents."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import STAMP, Api


async def _put(api: Api, *processors: Any) -> str:
    name = api.pipeline()
    answer = await api(
        "PUT", f"/_ingest/pipeline/{name}", {"description": "d", "processors": list(processors)}
    )
    assert answer.body == {"acknowledged": True}, answer.content
    return name


@pytest.mark.needs("ingest-common")
async def test_a_pipeline_comes_back_as_it_was_put(api: Api) -> None:
    name = await _put(api, {"set": {"field": "a", "value": 1}})

    answer = await api("GET", f"/_ingest/pipeline/{name}")

    assert answer.body[name]["description"] == "d"
    assert answer.body[name]["processors"] == [{"set": {"field": "a", "value": 1}}]


async def test_a_missing_pipeline_is_a_404_with_an_empty_object(api: Api) -> None:
    answer = await api("GET", "/_ingest/pipeline/contract-none")

    assert (answer.status, answer.body) == (404, {})


@pytest.mark.parametrize("name", ["contract-none", "contract-none*"])
async def test_deleting_a_missing_pipeline_is_not_found(api: Api, name: str) -> None:
    # A server that never had a pipeline acknowledges the deletion of any.
    await api("PUT", f"/_ingest/pipeline/{api.pipeline()}", {"processors": []})

    answer = await api("DELETE", f"/_ingest/pipeline/{name}")

    assert answer.status == 404
    assert answer.error == ("resource_not_found_exception", f"pipeline [{name}] is missing")


@pytest.mark.needs("ingest-common")
@pytest.mark.parametrize(
    ("processors", "reason"),
    [
        ([{"nonsense": {}}], "No processor type exists with name [nonsense]"),
        ([{"set": {"value": 1}}], "[field] required property is missing"),
        ([{"rename": {"field": "a"}}], "[target_field] required property is missing"),
    ],
)
async def test_a_wrong_processor_is_refused(api: Api, processors: Any, reason: str) -> None:
    answer = await api("PUT", f"/_ingest/pipeline/{api.pipeline()}", {"processors": processors})

    assert answer.status == 400
    assert answer.error == ("parse_exception", reason)


@pytest.mark.needs("ingest-common", "lang-painless")
@pytest.mark.parametrize(
    ("processor", "before", "after"),
    [
        ({"set": {"field": "b", "value": "x"}}, {"a": 1}, {"a": 1, "b": "x"}),
        ({"set": {"field": "a", "value": 2, "override": False}}, {"a": 1}, {"a": 1}),
        ({"set": {"field": "b", "copy_from": "a"}}, {"a": 1}, {"a": 1, "b": 1}),
        ({"set": {"field": "o.b", "value": "{{a}}-{{a}}"}}, {"a": "x"}, {"a": "x", "o": {"b": "x-x"}}),
        ({"remove": {"field": ["a", "b"], "ignore_missing": True}}, {"a": 1, "c": 1}, {"c": 1}),
        ({"rename": {"field": "a", "target_field": "o.b"}}, {"a": 1}, {"o": {"b": 1}}),
        ({"lowercase": {"field": "a"}}, {"a": "XY"}, {"a": "xy"}),
        ({"uppercase": {"field": "a", "target_field": "b"}}, {"a": "x"}, {"a": "x", "b": "X"}),
        ({"trim": {"field": "a"}}, {"a": "  x "}, {"a": "x"}),
        ({"gsub": {"field": "a", "pattern": r"\s+", "replacement": " "}}, {"a": "x \n y"}, {"a": "x y"}),
        ({"append": {"field": "a", "value": ["y"]}}, {"a": ["x"]}, {"a": ["x", "y"]}),
        ({"convert": {"field": "a", "type": "integer"}}, {"a": "12"}, {"a": 12}),
        ({"remove": {"field": "a", "if": "ctx.b == 'x'"}}, {"a": 1, "b": "y"}, {"a": 1, "b": "y"}),
        ({"remove": {"field": "a", "if": "ctx?.b == 'x'"}}, {"a": 1, "b": "x"}, {"b": "x"}),
    ],
    ids=str,
)
async def test_a_processor_changes_a_document(api: Api, processor: Any, before: Any, after: Any) -> None:
    body = {"pipeline": {"processors": [processor]}, "docs": [{"_source": before}]}

    answer = await api("POST", "/_ingest/pipeline/_simulate", body)

    assert answer.body["docs"][0]["doc"]["_source"] == after


@pytest.mark.needs("ingest-common")
async def test_a_failing_processor_fails_the_simulated_document(api: Api) -> None:
    body = {
        "pipeline": {"processors": [{"rename": {"field": "a", "target_field": "b"}}]},
        "docs": [{"_source": {"c": 1}}],
    }

    answer = await api("POST", "/_ingest/pipeline/_simulate", body)

    error = answer.body["docs"][0]["error"]
    assert (error["type"], error["reason"]) == ("illegal_argument_exception", "field [a] doesn't exist")


@pytest.mark.needs("ingest-common")
async def test_a_bulk_item_goes_through_its_pipeline(api: Api) -> None:
    index = await api.created()
    name = await _put(api, {"remove": {"field": "_flag"}})

    answer = await api(
        "POST", f"/{index}/_bulk", [{"index": {"_id": "1"}}, {"a": 1, "_flag": True}], pipeline=name
    )

    assert "ingest_took" in answer.body
    assert (await api("GET", f"/{index}/_doc/1")).body["_source"] == {"a": 1}


@pytest.mark.needs("ingest-common", "lang-painless")
async def test_a_dropped_item_is_a_noop_and_not_indexed(api: Api) -> None:
    index = await api.created()
    name = await _put(api, {"drop": {"if": "ctx.a == 1"}})
    lines = [{"index": {"_id": "1"}}, {"a": 1}, {"index": {"_id": "2"}}, {"a": 2}]

    answer = await api("POST", f"/{index}/_bulk", lines, pipeline=name, refresh=True)

    dropped, kept = (item["index"] for item in answer.body["items"])
    assert (dropped["result"], dropped["status"], dropped["_version"]) == ("noop", 200, -3)
    assert kept["result"] == "created"
    assert (await api("GET", f"/{index}/_count")).body["count"] == 1


@pytest.mark.needs("ingest-common")
async def test_a_failing_item_names_the_cause(api: Api) -> None:
    index = await api.created()
    name = await _put(api, {"fail": {"message": "not {{a}}"}})

    answer = await api("POST", f"/{index}/_bulk", [{"index": {"_id": "1"}}, {"a": 1}], pipeline=name)

    error = answer.body["items"][0]["index"]["error"]
    assert (error["type"], error["reason"]) == ("fail_processor_exception", "not 1")


@pytest.mark.needs("ingest-common")
async def test_a_failure_can_be_handled(api: Api) -> None:
    index = await api.created()
    handler = {"set": {"field": "problem", "value": "{{ _ingest.on_failure_message }}"}}
    name = await _put(api, {"fail": {"message": "no", "on_failure": [handler]}})

    await api("PUT", f"/{index}/_doc/1", {"a": 1}, pipeline=name)

    assert (await api("GET", f"/{index}/_doc/1")).body["_source"] == {"a": 1, "problem": "no"}


@pytest.mark.needs("ingest-common")
async def test_an_index_has_a_default_pipeline(api: Api) -> None:
    name = await _put(api, {"set": {"field": "by", "value": "default"}})
    index = await api.created(settings={"index.default_pipeline": name})

    await api("PUT", f"/{index}/_doc/1", {"a": 1})
    await api("PUT", f"/{index}/_doc/2", {"a": 1}, pipeline="_none")

    assert (await api("GET", f"/{index}/_doc/1")).body["_source"] == {"a": 1, "by": "default"}
    assert (await api("GET", f"/{index}/_doc/2")).body["_source"] == {"a": 1}


@pytest.mark.needs("ingest-common")
@pytest.mark.parametrize("name", ["search-default-ingestion", "ent-search-generic-ingestion"])
async def test_the_managed_pipeline_takes_the_flags_away_and_tidies_the_body(api: Api, name: str) -> None:
    if (await api("GET", f"/_ingest/pipeline/{name}")).status == 404:
        pytest.skip("this version of the server does not have the pipeline")
    index = await api.created()
    document = {
        "a": 1,
        "body": " x \n\n y ",
        "_extract_binary_content": True,
        "_reduce_whitespace": True,
        "_run_ml_inference": True,
    }

    await api("PUT", f"/{index}/_doc/1", document, pipeline=name)

    assert (await api("GET", f"/{index}/_doc/1")).body["_source"] == {"a": 1, "body": "x y"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            {"processors": [], "on_failure": []},
            "pipeline [{name}] cannot have an empty on_failure option defined",
        ),
        (
            {"processors": [{"set_security_user": {"field": "u", "on_failure": []}}]},
            "[on_failure] processors list cannot be empty",
        ),
        ({"on_failure": []}, "[processors] required property is missing"),
        ({"processors": {}}, "[processors] property isn't a list, but of type [java.util.HashMap]"),
        (
            {"processors": [], "nonsense": 1},
            "pipeline [{name}] doesn't support one or more provided configuration parameters [nonsense]",
        ),
        ({"processors": [], "version": "x"}, "[version] property cannot be converted to an int [x]"),
    ],
)
async def test_what_is_no_pipeline_is_refused(api: Api, body: Any, reason: str) -> None:
    name = api.pipeline()

    answer = await api("PUT", f"/_ingest/pipeline/{name}", body)

    assert (answer.status, answer.error) == (400, ("parse_exception", reason.format(name=name)))


async def test_a_pipeline_is_replaced_only_in_the_version_that_was_named(api: Api) -> None:
    name = api.pipeline()
    await api("PUT", f"/_ingest/pipeline/{name}", {"processors": [], "version": 3})

    refused = await api("PUT", f"/_ingest/pipeline/{name}", {"processors": [], "version": 4}, if_version=1)
    replaced = await api("PUT", f"/_ingest/pipeline/{name}", {"processors": [], "version": 4}, if_version=3)

    assert refused.error[1] == (
        f"version conflict, required version [1] for pipeline [{name}] but current version is [3]"
    )
    assert replaced.status == 200


async def test_a_summary_leaves_the_processors_out(api: Api) -> None:
    name = api.pipeline()
    await api("PUT", f"/_ingest/pipeline/{name}", {"processors": []})

    assert (await api("GET", f"/_ingest/pipeline/{name}", summary=True)).body == {name: {}}


async def test_a_pipeline_in_use_is_not_deleted(api: Api) -> None:
    name = api.pipeline()
    await api("PUT", f"/_ingest/pipeline/{name}", {"processors": []})
    index = await api.created(settings={"index.default_pipeline": name})

    refused = await api("DELETE", f"/_ingest/pipeline/{name}")
    await api("DELETE", f"/{index}")

    assert refused.error[1] == (
        f"pipeline [{name}] cannot be deleted because it is the default pipeline for 1 index(es) including "
        f"[{index}]"
    )
    assert (await api("DELETE", f"/_ingest/pipeline/{name}")).status == 200


async def test_a_verbose_simulation_tells_what_each_processor_did(api: Api) -> None:
    processors = [api.stamp("u", tag="first", description="who"), api.stamp("v")]
    body = {"pipeline": {"processors": processors}, "docs": [{"_source": {"a": 1}}]}

    answer = await api("POST", "/_ingest/pipeline/_simulate", body, verbose=True)

    first, second = answer.body["docs"][0]["processor_results"]
    assert (first["processor_type"], first["status"]) == (next(iter(processors[0])), "success")
    assert (first["tag"], first["description"]) == ("first", "who")
    assert first["doc"]["_source"] == {"a": 1, "u": STAMP}
    assert first["doc"]["_ingest"]["pipeline"] == "_simulate_pipeline"
    assert second["doc"]["_source"] == {"a": 1, "u": STAMP, "v": STAMP}


async def test_a_verbose_simulation_of_no_processors_is_empty(api: Api) -> None:
    body = {"pipeline": {"processors": []}, "docs": [{"_source": {"a": 1}}]}

    answer = await api("POST", "/_ingest/pipeline/_simulate", body, verbose=True)

    assert answer.body == {"docs": [{"processor_results": []}]}


@pytest.mark.needs("ingest-common", "lang-painless")
async def test_a_verbose_simulation_ends_with_the_processor_that_failed(api: Api) -> None:
    processors = [
        {"set": {"field": "b", "value": 1, "if": "ctx.a == 2"}},
        {"remove": {"field": "no", "ignore_failure": True}},
        {"fail": {"message": "no"}},
        {"set": {"field": "c", "value": 1}},
    ]
    body = {"pipeline": {"processors": processors}, "docs": [{"_source": {"a": 1}}]}

    answer = await api("POST", "/_ingest/pipeline/_simulate", body, verbose=True)

    results = answer.body["docs"][0]["processor_results"]
    assert [result["status"] for result in results] == ["skipped", "error_ignored", "error"]
