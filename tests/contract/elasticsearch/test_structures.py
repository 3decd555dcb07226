"""Fields that take objects whole: `flattened`, the ranges and points."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api, unfit

FLATTENED: dict[str, Any] = {"type": "flattened"}
NOT_AN_OBJECT = "Failed to parse object: expecting token of type [START_OBJECT] but found [{}]"


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, [{}], [[]], [None, {"a": 1}], {"a": 1}, [{"a": 1}, {"a": "x"}],
        {"a": [1, 1.5, "x", True]},
        {"a": {"b": 1}, "c": [{"d": 1}, {"d": "x"}]}, {"": 1}, {".": 1}, {" ": 1}, {"a.b": 1, "a": {"c": 2}},
        {"_id": "x"}, {"a": None},
    ],
    ids=str,
)  # fmt: skip
async def test_a_flattened_field_takes_any_object(api: Api, value: Any) -> None:
    index = await api.created(mappings={"properties": {"f": FLATTENED}})

    answer = await api("PUT", f"/{index}/_doc/1", {"f": value})

    assert answer.status == 201, answer.content


@pytest.mark.parametrize(
    ("value", "position", "preview", "token"),
    [
        ("x", "1:6", "x", "VALUE_STRING"),
        (1, "1:6", "1", "VALUE_NUMBER"),
        (1.5, "1:6", "1.5", "VALUE_NUMBER"),
        (True, "1:6", "true", "VALUE_BOOLEAN"),
        ([1, 2], "1:7", "1", "VALUE_NUMBER"),
        ([{"a": 1}, "x"], "1:15", "x", "VALUE_STRING"),
    ],
    ids=str,
)
async def test_a_flattened_field_takes_nothing_else(
    api: Api, value: Any, position: str, preview: str, token: str
) -> None:
    index = await api.created(mappings={"properties": {"f": FLATTENED}})

    answer = await api("PUT", f"/{index}/_doc/1", {"f": value})

    assert answer.error == unfit(field="f", kind="flattened", preview=preview, position=position)
    assert answer.cause == ("parsing_exception", NOT_AN_OBJECT.format(token))


async def test_the_limits_of_a_flattened_field(api: Api) -> None:
    deep: Any = 1
    for _ in range(25):
        deep = {"a": deep}
    properties = {
        "f": FLATTENED,
        "deep": FLATTENED | {"depth_limit": 30},
        "short": FLATTENED | {"ignore_above": 8191},
    }
    index = await api.created(mappings={"properties": properties})

    taken = [
        await api("PUT", f"/{index}/_doc/1", {"deep": deep}),
        await api("PUT", f"/{index}/_doc/2", {"short": {"a": "x" * 40_000}}),
    ]
    refused = [
        await api("PUT", f"/{index}/_doc/3", {"f": deep}),
        await api("PUT", f"/{index}/_doc/4", {"f": {"a": "x" * 40_000}}),
        await api("PUT", f"/{index}/_doc/5", {"short": {"k" * 40_000: 1}}),
        await api("PUT", f"/{index}/_doc/6", {"f": {"a\u0000b": 1}}),
    ]

    assert [answer.status for answer in taken] == [201, 201]
    assert [answer.cause[0] for answer in refused] == ["illegal_argument_exception"] * 4
    assert (
        refused[0].cause[1] == "The provided [flattened] field [f] exceeds the maximum depth limit of [20]."
    )
    assert "contains one immense field whose keyed encoding" in refused[1].cause[1]
    assert "contains one immense field whose keyed encoding" in refused[2].cause[1]
    assert "cannot contain the reserved character" in refused[3].cause[1]


RANGES = {
    "properties": {
        "date": {"type": "date_range"},
        "long": {"type": "long_range"},
        "integer": {"type": "integer_range"},
        "double": {"type": "double_range"},
        "ip": {"type": "ip_range"},
    }
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("date", {"gte": "2024-01-01", "lte": "2024-01-01"}),
        ("date", {}),
        ("date", None),
        ("date", []),
        ("date", {"gte": None, "lt": None}),
        ("date", [{"gte": "2024-01-01"}, {"lt": "2025-01-01"}]),
        ("date", {"gte": "2024-01-01T00:00:00.000Z", "lt": "2024-01-01T00:00:00.001Z"}),
        ("long", {"gt": 0, "lte": 1}),
        ("long", {"gt": 2**63 - 1}),
        ("long", {"lt": -(2**63)}),
        ("long", {"gte": "1"}),
        ("long", {"gte": 1.5}),
        ("double", {"gte": 1, "lte": 1}),
        ("ip", "10.0.0.0/8"),
        ("ip", {"gte": "10.0.0.1", "lte": "10.0.0.1"}),
    ],
    ids=str,
)
async def test_a_range_is_taken(api: Api, field: str, value: Any) -> None:
    index = await api.created(mappings=RANGES)

    answer = await api("PUT", f"/{index}/_doc/1", {field: value})

    assert answer.status == 201, answer.content


FIRST = 1704067200000
"""2024-01-01T00:00Z in milliseconds."""


@pytest.mark.parametrize(
    ("field", "value", "lower", "upper"),
    [
        ("date", {"gte": "2024-01-01T00:00:00.000Z", "lt": "2024-01-01T00:00:00.000Z"}, FIRST, FIRST - 1),
        ("date", {"gte": "2024-01-01T00:00:00.0001Z", "lt": "2024-01-01T00:00:00.0009Z"}, FIRST, FIRST - 1),
        ("date", {"gt": "2024-01-01T00:00:00.000Z", "lt": "2024-01-01T00:00:00.001Z"}, FIRST + 1, FIRST),
        ("date", {"gte": "2024-01-02", "lte": "2024-01-01"}, FIRST + 86_400_000, FIRST + 86_399_999),
        ("date", {"gt": "2024-01-01", "lt": "2024-01-02"}, FIRST + 86_400_000, FIRST + 86_399_999),
        ("long", {"gte": 1, "lt": 1}, 1, 0),
        ("long", {"gt": 1, "lt": 2}, 2, 1),
        ("long", {"gte": 2, "lte": 1}, 2, 1),
        ("long", {"gte": 2**63 - 1, "lt": 2**63 - 1}, 2**63 - 1, 2**63 - 2),
        ("integer", {"gte": 1, "lt": 1}, 1, 0),
        ("double", {"gte": 1, "lt": 1}, "1.0", "0.9999999999999999"),
        ("double", {"gt": 1, "lt": 1}, "1.0000000000000002", "0.9999999999999999"),
    ],
    ids=str,
)
async def test_a_range_whose_ends_cross_is_refused(
    api: Api, field: str, value: Any, lower: Any, upper: Any
) -> None:
    index = await api.created(mappings=RANGES)

    answer = await api("PUT", f"/{index}/_doc/1", {field: value})

    assert answer.status == 400
    assert f"failed to parse field [{field}] of type [{field}_range] in document" in answer.error[1]
    assert answer.error[1].endswith("Preview of field's value: 'null'")
    reason = f"min value ({lower}) is greater than max value ({upper})"
    assert answer.cause == ("illegal_argument_exception", reason)


@pytest.mark.parametrize(
    ("field", "value", "cause"),
    [
        ("date", "2024-01-01", "error parsing field [date], expected an object but got date"),
        ("date", {"gte": "soon"}, "failed to parse date field [soon] with format"),
        ("date", {"gte": "20240-01-01"}, "failed to parse date field [20240-01-01] with format"),
        ("date", {"from": "2024-01-01"}, "error parsing field [date], with unknown parameter [from]"),
        ("long", {"gte": 2**63}, "Numeric value (9223372036854775808) out of range of long"),
        ("long", {"gte": "x"}, 'For input string: "x"'),
        ("integer", {"lte": 2**31}, "Numeric value (2147483648) out of range of int"),
        ("double", {"gte": "NaN"}, "[double] supports only finite values, but got [NaN]"),
        ("double", {"gte": "Infinity"}, "[double] supports only finite values, but got [Infinity]"),
        ("ip", {"gte": "10.0.0.2", "lt": "10.0.0.2"}, "min value cannot be greater than max value"),
        ("ip", {"gte": "many"}, "'many' is not an IP string literal."),
        ("ip", "many", "Expected [ip/prefix] but was [many]"),
    ],
    ids=str,
)
async def test_an_end_that_does_not_fit_is_refused(api: Api, field: str, value: Any, cause: str) -> None:
    index = await api.created(mappings=RANGES)

    answer = await api("PUT", f"/{index}/_doc/1", {field: value})

    assert (answer.status, answer.error[0]) == (400, "document_parsing_exception")
    assert cause in answer.cause[1]


POINT = {"properties": {"f": {"type": "geo_point"}}}


@pytest.mark.parametrize(
    "value",
    [
        {"lat": 1, "lon": 2}, {"lat": "1", "lon": "2"}, {"lat": 1, "lon": 2, "z": 3}, [2, 1], [2, 1, 5],
        "1,2", "1, 2", "1,2,3", "POINT (2 1)", "drm3btev3e86", "x", None, [], [None], [[2, 1], [3, 4]],
        [{"lat": 1, "lon": 2}, "3,4"], ["2", "1"], {"type": "Point", "coordinates": [2, 1]},
    ],
    ids=str,
)  # fmt: skip
async def test_a_point_is_said_in_several_ways(api: Api, value: Any) -> None:
    index = await api.created(mappings=POINT)

    answer = await api("PUT", f"/{index}/_doc/1", {"f": value})

    assert answer.status == 201, answer.content


LATITUDE, LONGITUDE = "illegal latitude value [91.0] for f", "illegal longitude value [181.0] for f"
NO_POINT = "geo_point expected"
NO_MEMBER = "field [{}] not supported - must be one of: lon, lat, z, type, coordinates"


@pytest.mark.parametrize(
    ("value", "position", "kind", "reason"),
    [
        (5, "1:6", "parse_exception", NO_POINT),
        (True, "1:6", "parse_exception", NO_POINT),
        ([True, False], "1:7", "parse_exception", NO_POINT),
        ("", "1:6", "parse_exception", "empty geohash"),
        ("a!b", "1:6", "parse_exception", "unsupported symbol [a] in geohash [a!b]"),
        ("91,2", "1:6", "illegal_argument_exception", LATITUDE),
        ("POINT (181 1)", "1:6", "parse_exception", "Invalid WKT format"),
        ({}, "1:7", "parse_exception", "field must be either lat/lon, geohash string or type/coordinates"),
        ({"lat": 1}, "1:14", "parse_exception", "Required [lon]"),
        ({"lat": 91, "lon": 2}, "1:23", "illegal_argument_exception", LATITUDE),
        ({"lat": 1, "lon": 181}, "1:24", "illegal_argument_exception", LONGITUDE),
        ({"lat": "x", "lon": 2}, "1:24", "parse_exception", "[latitude] must be a valid double value"),
        ({"lat": None, "lon": 2}, "1:25", "parse_exception", "latitude must be a number"),
        ({"geohash": "drm3"}, "1:23", "parse_exception", NO_MEMBER.format("geohash")),
        ({"lat": 1, "lon": 2, "x": 3}, "1:28", "parse_exception", NO_MEMBER.format("x")),
    ],
    ids=str,
)
async def test_what_is_no_point_is_refused(
    api: Api, value: Any, position: str, kind: str, reason: str
) -> None:
    index = await api.created(mappings=POINT)

    answer = await api("PUT", f"/{index}/_doc/1", {"f": value})

    refused = f"[{position}] failed to parse field [f] of type [geo_point]"
    assert answer.error == ("document_parsing_exception", refused)
    assert answer.cause == (kind, reason)


@pytest.mark.parametrize(("value", "reason"), [([181, 1], LONGITUDE), ([2, 91], LATITUDE)], ids=str)
async def test_coordinates_beyond_the_globe_are_refused(api: Api, value: Any, reason: str) -> None:
    index = await api.created(mappings=POINT)

    answer = await api("PUT", f"/{index}/_doc/1", {"f": value})

    assert answer.cause == ("illegal_argument_exception", reason)


async def test_a_malformed_point_is_left_out_where_the_mapping_says_so(api: Api) -> None:
    index = await api.created(mappings={"properties": {"f": {"type": "geo_point", "ignore_malformed": True}}})

    assert (await api("PUT", f"/{index}/_doc/1", {"f": 5})).status == 201
