"""Values that a setting of an index cannot have."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api

NUMBER = "Failed to parse value [{}] for setting [index.{}]"
FLAG = "Failed to parse value [x] as only [true] or [false] are allowed."
DURATION = (
    "failed to parse setting [index.refresh_interval] with value [{}] as a time value: unit is missing or "
    "unrecognized"
)
IMPOSSIBLE: list[tuple[str, Any, str]] = [
    ("number_of_replicas", "x", NUMBER.format("x", "number_of_replicas")),
    ("number_of_replicas", 2.5, NUMBER.format("2.5", "number_of_replicas")),
    ("number_of_replicas", -1, NUMBER.format("-1", "number_of_replicas") + " must be >= 0"),
    ("max_result_window", 0, NUMBER.format("0", "max_result_window") + " must be >= 1"),
    ("mapping.total_fields.limit", "x", NUMBER.format("x", "mapping.total_fields.limit")),
    ("mapping.total_fields.limit", -1, NUMBER.format("-1", "mapping.total_fields.limit") + " must be >= 0"),
    ("priority", -1, NUMBER.format("-1", "priority") + " must be >= 0"),
    ("refresh_interval", "x", DURATION.format("x")),
    ("refresh_interval", 5, DURATION.format("5")),
    ("refresh_interval", -2, DURATION.format("-2")),
    ("blocks.write", "x", FLAG),
    ("hidden", "x", FLAG),
]


@pytest.mark.parametrize(("name", "value", "reason"), IMPOSSIBLE)
async def test_an_impossible_value_is_refused(api: Api, name: str, value: Any, reason: str) -> None:
    index, other = await api.created(), api.index()
    before = (await api("GET", f"/{index}/_settings")).body

    answers = [
        await api("PUT", f"/{index}/_settings", {"index": {name: value}}),
        await api("PUT", f"/{other}", {"settings": {f"index.{name}": value}}),
    ]

    assert {answer.status for answer in answers} == {400}
    assert {answer.error for answer in answers} == {("illegal_argument_exception", reason)}
    assert (await api("GET", f"/{index}/_settings")).body == before
    assert (await api("HEAD", f"/{other}")).status == 404


@pytest.mark.parametrize(("value", "problem"), [(0, " must be >= 1"), (1025, " must be <= 1024"), ("x", "")])
async def test_an_index_has_some_shards(api: Api, value: Any, problem: str) -> None:
    answer = await api("PUT", f"/{api.index()}", {"settings": {"number_of_shards": value}})

    assert answer.status == 400
    assert answer.error[1] == NUMBER.format(value, "number_of_shards") + problem


async def test_nothing_changes_where_one_of_several_indices_refuses(api: Api) -> None:
    closed, opened = await api.created(), await api.created()
    await api("POST", f"/{closed}/_close")
    body = {"codec": "best_compression"}

    answer = await api("PUT", f"/{closed},{opened}/_settings", body)

    assert answer.status == 400
    settings = (await api("GET", f"/{closed}/_settings")).body[closed]["settings"]["index"]
    assert "codec" not in settings


async def test_a_template_of_impossible_settings_is_refused(api: Api) -> None:
    name = api.index()
    body = {"index_patterns": [f"{name}*"], "template": {"settings": {"number_of_replicas": "x"}}}

    answer = await api("PUT", f"/_index_template/{name}", body)

    reason = f"{NUMBER.format('x', 'number_of_replicas')};"
    assert answer.error == (
        "invalid_index_template_exception",
        f"index_template [{name}] invalid, cause [Validation Failed: 1: {reason}]",
    )


@pytest.mark.parametrize(
    ("patterns", "kind"), [(1, "VALUE_NUMBER"), (None, "VALUE_NULL"), ({"a": 1}, "START_OBJECT")]
)
async def test_patterns_of_a_template_are_texts(api: Api, patterns: Any, kind: str) -> None:
    answer = await api("PUT", f"/_index_template/{api.index()}", {"index_patterns": patterns})

    assert answer.status == 400
    assert answer.error[1].endswith(f"[index_template] index_patterns doesn't support values of type: {kind}")
