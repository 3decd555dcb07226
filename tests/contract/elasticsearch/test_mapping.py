"""Dynamic mapping and the refusals of documents that do not fit."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api, Reply, unfit

TEXT = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}

SLASHED_DATE = {"type": "date", "format": "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis", "locale": ""}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", TEXT),
        (1, {"type": "long"}),
        (1.5, {"type": "float"}),
        (True, {"type": "boolean"}),
        ("2024-05-01", {"type": "date"}),
        ("2024-05-01T10:11:12.131Z", {"type": "date"}),
        ("2024-05-01T10:11:12+02:00", {"type": "date"}),
        ("2024/05/01", SLASHED_DATE),
        ("2024/05/01 10:11:12", SLASHED_DATE),
        ("0001-01-01", {"type": "date"}),
        ("2024-05", {"type": "date"}),
        ("2024-13-01", TEXT),
        ("10:11:12", TEXT),
        ("", TEXT),
        ("true", TEXT),
        (1.0, {"type": "float"}),
        ("2024-05-01 10:11:12", TEXT),
        ("2024", TEXT),
        ("12", TEXT),
        ("1.5", TEXT),
        pytest.param("1" * 100_000 + "x", TEXT, id="many digits"),
        ([None, 2], {"type": "long"}),
        ({"b": 1}, {"properties": {"b": {"type": "long"}}}),
        ([{"b": 1}, {"c": True}], {"properties": {"b": {"type": "long"}, "c": {"type": "boolean"}}}),
    ],
)
async def test_a_value_gets_the_type_of_its_kind(api: Api, value: Any, expected: dict[str, Any]) -> None:
    index = await api.filled({"1": {"a": value}})

    assert await _properties(api, index) == {"a": expected}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([1, 1.5], "mapper [a] cannot be changed from type [long] to [float]"),
        ([1.5, 1], "mapper [a] cannot be changed from type [float] to [long]"),
        (["x", 1], "mapper [a] cannot be changed from type [text] to [long]"),
        ([1, "x"], "mapper [a] cannot be changed from type [long] to [text]"),
        ([True, "x"], "mapper [a] cannot be changed from type [boolean] to [text]"),
        ([1, True], "mapper [a] cannot be changed from type [long] to [boolean]"),
        (["2024-05-01", "x"], "mapper [a] cannot be changed from type [date] to [text]"),
        ([[1], ["x"]], "mapper [a] cannot be changed from type [long] to [text]"),
        ([{"b": 1}, {"b": 1.5}], "mapper [a.b] cannot be changed from type [long] to [float]"),
        ({"b": ["x", 1]}, "mapper [a.b] cannot be changed from type [text] to [long]"),
        ([{"b": 1}, 1], "can't merge a non object mapping [a] with an object mapping"),
        ([1, {"b": 1}], "mapper [a] cannot be changed from type [long] to [ObjectMapper]"),
    ],
    ids=str,
)
async def test_an_array_brings_a_field_only_if_its_elements_are_of_one_kind(
    api: Api, value: Any, reason: str
) -> None:
    index = await api.created()

    answer = await api("PUT", f"/{index}/_doc/1", {"a": value})

    assert (answer.status, *answer.error) == (400, "illegal_argument_exception", reason)
    assert await _properties(api, index) == {}


async def test_a_field_that_is_there_takes_an_array_of_several_kinds(api: Api) -> None:
    index = await api.created(mappings={"properties": {"n": {"type": "float"}, "t": {"type": "text"}}})

    answer = await api("PUT", f"/{index}/_doc/1", {"n": [1, 1.5, "2"], "t": ["x", 1, True, 1.5]})

    assert answer.status == 201


@pytest.mark.parametrize("value", [None, [], [None], {}])
async def test_nothing_maps_to_nothing(api: Api, value: Any) -> None:
    index = await api.filled({"1": {"a": value}})

    properties = await _properties(api, index)
    assert properties in ({}, {"a": {"type": "object"}})


async def test_a_dotted_name_is_an_object(api: Api) -> None:
    index = await api.filled({"1": {"a.b": 1}})

    assert await _properties(api, index) == {"a": {"properties": {"b": {"type": "long"}}}}


async def test_detection_can_be_switched(api: Api) -> None:
    index = await api.filled(
        {"1": {"day": "2024-05-01", "number": "12"}},
        mappings={"date_detection": False, "numeric_detection": True},
    )

    assert await _properties(api, index) == {"day": TEXT, "number": {"type": "long"}}


async def test_a_dynamic_template_chooses_the_type(api: Api) -> None:
    template = {"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}
    index = await api.filled({"1": {"a": "x"}}, mappings={"dynamic_templates": [template]})

    assert await _properties(api, index) == {"a": {"type": "keyword"}}


async def test_dynamic_false_keeps_but_does_not_map(api: Api) -> None:
    index = await api.filled(
        {"1": {"a": 1, "b": 2}}, mappings={"dynamic": False, "properties": {"a": {"type": "long"}}}
    )

    assert await _properties(api, index) == {"a": {"type": "long"}}
    hits = (await api("POST", f"/{index}/_search", {"query": {"term": {"b": 2}}})).body["hits"]
    assert hits["total"]["value"] == 0
    assert (await api("GET", f"/{index}/_doc/1")).body["_source"] == {"a": 1, "b": 2}


async def test_dynamic_strict_refuses_what_is_not_mapped(api: Api) -> None:
    index = await api.created(mappings={"dynamic": "strict", "properties": {"a": {"type": "long"}}})

    answer = await api("PUT", f"/{index}/_doc/1", {"a": 1, "b": 2})

    assert answer.status == 400
    kind, reason = answer.error
    assert kind == "strict_dynamic_mapping_exception"
    assert reason.endswith("mapping set to strict, dynamic introduction of [b] within [_doc] is not allowed")


async def test_dynamic_runtime_adds_fields_that_can_be_searched(api: Api) -> None:
    index = await api.filled({"1": {"a": "x"}}, mappings={"dynamic": "runtime"})

    mappings = (await api("GET", f"/{index}/_mapping")).body[index]["mappings"]
    assert mappings["runtime"] == {"a": {"type": "keyword"}}
    search = await api("POST", f"/{index}/_search", {"query": {"term": {"a": "x"}}})
    assert search.body["hits"]["total"]["value"] == 1


BAD_DATE = "failed to parse date field [soon] with format [strict_date_optional_time||epoch_millis]"
BAD_BOOLEAN = "Failed to parse value [yes] as only [true] or [false] are allowed."
BAD_INTEGER = "Value [3000000000] is out of range for an integer"


@pytest.mark.parametrize(
    ("kind", "value", "preview", "cause"),
    [
        ("long", "many", "many", 'For input string: "many"'),
        ("integer", "3000000000", "3000000000", BAD_INTEGER),
        ("boolean", "yes", "yes", BAD_BOOLEAN),
        ("date", "soon", "soon", BAD_DATE),
        ("ip", "here", "here", "'here' is not an IP string literal."),
        ("keyword", {"b": 1}, "{b=1}", "Expected text at 1:6 but found START_OBJECT"),
        ("text", {"b": 1}, "{b=1}", "Expected text at 1:6 but found START_OBJECT"),
        ("date", {"b": 1}, "{b=1}", "Expected text at 1:6 but found START_OBJECT"),
        ("ip", {"b": 1}, "{b=1}", "Expected text at 1:6 but found START_OBJECT"),
        ("long", {"b": 1}, "{b=1}", "Cannot parse object as number"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_with_a_preview(
    api: Api, kind: str, value: Any, preview: str, cause: str | None
) -> None:
    index = await api.created(mappings={"properties": {"a": {"type": kind}}})

    answer = await api("PUT", f"/{index}/_doc/1", {"a": value})

    assert answer.status == 400
    position = "1:12" if isinstance(value, dict) else "1:6"
    assert answer.error == unfit(field="a", kind=kind, preview=preview, position=position)
    if cause is not None:
        assert answer.cause == ("illegal_argument_exception", cause)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("long", "12"),
        ("long", 12.0),
        ("integer", 2**31 - 1),
        ("double", "1e3"),
        ("boolean", "true"),
        ("boolean", ""),
        ("date", 1714557072131),
        ("date", "1714557072131"),
        ("keyword", 5),
        ("text", True),
        ("keyword", ["a", None, ["b"]]),
    ],
)
async def test_a_value_that_can_be_coerced_fits(api: Api, kind: str, value: Any) -> None:
    index = await api.created(mappings={"properties": {"a": {"type": kind}}})

    assert (await api("PUT", f"/{index}/_doc/1", {"a": value})).status == 201


@pytest.mark.parametrize(
    ("kind", "value"),
    [("integer", 2**31), ("long", 2**63), ("short", 40_000), ("byte", 200), ("float", 1e39)],
)
async def test_a_number_out_of_range_is_refused(api: Api, kind: str, value: float) -> None:
    index = await api.created(mappings={"properties": {"a": {"type": kind}}})

    answer = await api("PUT", f"/{index}/_doc/1", {"a": value})

    assert (answer.status, answer.error[0]) == (400, "document_parsing_exception")


async def test_an_object_where_a_value_was_is_refused(api: Api) -> None:
    index = await api.filled({"1": {"a": 1}})

    assert (await api("PUT", f"/{index}/_doc/2", {"a": {"b": 1}})).error[0] == "document_parsing_exception"


async def test_a_value_where_an_object_was_is_refused(api: Api) -> None:
    index = await api.filled({"1": {"a": {"b": 1}}})

    answer = await api("PUT", f"/{index}/_doc/2", {"a": 1})

    assert answer.error == (
        "document_parsing_exception",
        "[1:6] object mapping for [a] tried to parse field [a] as object, but found a concrete value",
    )


async def test_the_limit_of_fields_refuses_the_document_that_exceeds_it(api: Api) -> None:
    index = await api.created(settings={"index.mapping.total_fields.limit": 3})
    await api("PUT", f"/{index}/_doc/1", {"a": 1, "b": 1, "c": 1})

    answer = await api("PUT", f"/{index}/_doc/2", {"a": 1, "d": 1})

    assert answer.status == 400
    kind, reason = answer.error
    assert kind in ("document_parsing_exception", "illegal_argument_exception")
    assert reason.endswith("Limit of total fields [3] has been exceeded while adding new fields [1]")
    assert "d" not in await _properties(api, index)


async def test_a_metadata_field_inside_a_document_is_refused(api: Api) -> None:
    index = await api.created()

    answer = await api("PUT", f"/{index}/_doc/1", {"_id": "1"})

    cause = (
        "Field [_id] is a metadata field and cannot be added inside a document. "
        "Use the index API request parameters."
    )
    assert answer.error == unfit(field="_id", kind="_id", preview="1", position="1:8")
    assert answer.cause == ("document_parsing_exception", f"[1:8] {cause}")
    assert answer.body["error"]["root_cause"] == [
        {"type": "document_parsing_exception", "reason": f"[1:8] {cause}"}
    ]


async def test_an_immense_keyword_is_refused(api: Api) -> None:
    index = await api.created(mappings={"properties": {"a": {"type": "keyword"}}})

    answer = await api("PUT", f"/{index}/_doc/1", {"a": "x" * 32_767})

    assert answer.status == 400
    assert 'immense term in field="a"' in str(answer.body)


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"x"', b'{"a":}'])
async def test_a_source_that_is_no_object_is_refused(api: Api, body: bytes) -> None:
    index = await api.created()

    answer = await api("PUT", f"/{index}/_doc/1", body)

    assert (answer.status, answer.error[0]) == (400, "document_parsing_exception")


async def test_a_refused_document_adds_no_fields(api: Api) -> None:
    index = await api.created(mappings={"properties": {"a": {"type": "long"}}})

    answer = await api("PUT", f"/{index}/_doc/1", {"new": 1, "a": "x"})

    assert answer.status == 400
    assert list(await _properties(api, index)) == ["a"]


async def test_a_template_gives_settings_mappings_and_aliases(api: Api) -> None:
    index = api.index()
    alias = f"{index}-alias"
    template = {
        "index_patterns": [f"{index}*"],
        "priority": 900,
        "template": {
            "settings": {"index.refresh_interval": "7s"},
            "mappings": {"properties": {"a": {"type": "keyword"}}},
            "aliases": {alias: {}},
        },
    }
    put: Reply = await api("PUT", f"/_index_template/{index}", template)
    assert put.status == 200, put.content

    await api("PUT", f"/{index}/_doc/1", {"a": 1})
    described = (await api("GET", f"/{index}")).body[index]
    await api("DELETE", f"/_index_template/{index}")

    assert described["settings"]["index"]["refresh_interval"] == "7s"
    assert described["mappings"]["properties"] == {"a": {"type": "keyword"}}
    assert alias in described["aliases"]


async def _properties(api: Api, index: str) -> dict[str, Any]:
    mappings = (await api("GET", f"/{index}/_mapping")).body[index]["mappings"]
    properties: dict[str, Any] = mappings.get("properties", {})
    return properties
