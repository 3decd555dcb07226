"""Whatever is sent, the answer is 4xx in the envelope, with nothing changed, or success."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples_divided_by
from tests.unit.sandbox.elasticsearch.connectors.calls import Calls

DATE = "2023-05-25T12:30:00.000Z"
RULE = {
    "created_at": DATE,
    "updated_at": DATE,
    "id": "rule",
    "field": "name",
    "value": "x",
    "order": 1,
    "policy": "include",
    "rule": "equals",
}
RULES = {
    "advanced_snippet": {"created_at": DATE, "updated_at": DATE, "value": {"query": ["x"]}},
    "rules": [RULE],
    "validation": {"state": "valid", "errors": [{"ids": ["rule"], "messages": ["wrong"]}]},
}
FIELD = {
    "category": "a",
    "default_value": 1,
    "depends_on": [{"field": "b", "value": True}],
    "display": "textbox",
    "label": "Label",
    "options": [{"label": "One", "value": 1}],
    "order": 1,
    "placeholder": "x",
    "required": True,
    "sensitive": False,
    "tooltip": "x",
    "type": "str",
    "ui_restrictions": ["advanced"],
    "validations": [{"type": "included_in", "constraint": [1, "x"]}],
    "value": {"a": [1]},
}
SCHEDULE = {"enabled": True, "interval": "0 0 0 * * ?"}
FLAG = {"enabled": True}

CALLS: list[tuple[str, str, Any]] = [
    ("PUT", "/_connector/new", {"index_name": "i", "is_native": False, "name": "n", "language": "en"}),
    ("POST", "/_connector", {"description": "d", "service_type": "s"}),
    ("PUT", "/_connector/mine/_configuration", {"configuration": {"host": FIELD}}),
    ("PUT", "/_connector/mine/_configuration", {"values": {"host": {"a": {"b": 1}}}}),
    ("PUT", "/_connector/mine/_error", {"error": "oh no"}),
    (
        "PUT",
        "/_connector/mine/_features",
        {"features": {"sync_rules": {"basic": FLAG, "advanced": FLAG}, "incremental_sync": FLAG}},
    ),
    (
        "PUT",
        "/_connector/mine/_filtering",
        {"filtering": [{"active": RULES, "draft": RULES, "domain": "DEFAULT"}]},
    ),
    (
        "PUT",
        "/_connector/mine/_filtering",
        {"rules": [RULE], "advanced_snippet": RULES["advanced_snippet"]},
    ),
    ("PUT", "/_connector/mine/_filtering/_validation", {"validation": RULES["validation"]}),
    ("PUT", "/_connector/mine/_index_name", {"index_name": "content-new"}),
    (
        "PUT",
        "/_connector/mine/_last_sync",
        {
            "last_synced": DATE,
            "last_sync_status": "completed",
            "last_sync_error": "x",
            "last_indexed_document_count": 1,
            "sync_cursor": {"a": {"b": 1}},
        },
    ),
    ("PUT", "/_connector/mine/_name", {"name": "n", "description": "d"}),
    ("PUT", "/_connector/mine/_native", {"is_native": False}),
    (
        "PUT",
        "/_connector/mine/_pipeline",
        {
            "pipeline": {
                "name": "p",
                "extract_binary_content": True,
                "reduce_whitespace": True,
                "run_ml_inference": True,
            }
        },
    ),
    ("PUT", "/_connector/mine/_scheduling", {"scheduling": {"full": SCHEDULE, "access_control": SCHEDULE}}),
    ("PUT", "/_connector/mine/_service_type", {"service_type": "s"}),
    ("PUT", "/_connector/mine/_status", {"status": "error"}),
    ("PUT", "/_connector/mine/_api_key_id", {"api_key_id": "a", "api_key_secret_id": "b"}),
    ("POST", "/_connector/_sync_job", {"id": "mine", "job_type": "full", "trigger_method": "scheduled"}),
    (
        "PUT",
        "/_connector/_sync_job/JOB/_claim",
        {"worker_hostname": "host", "sync_cursor": {"a": {"b": 1}}},
    ),
    ("PUT", "/_connector/_sync_job/JOB/_error", {"error": "oh no"}),
    (
        "PUT",
        "/_connector/_sync_job/JOB/_stats",
        {
            "deleted_document_count": 1,
            "indexed_document_count": 2,
            "indexed_document_volume": 3,
            "total_document_count": 4,
            "last_seen": DATE,
            "metadata": {"a": {"b": 1}},
        },
    ),
    ("POST", "/_connector/_secret", {"value": "x"}),
    ("PUT", "/_connector/_secret/mine", {"value": "x"}),
]
NAMES = [f"{number}-{method}-{path.rpartition('/')[2]}" for number, (method, path, _) in enumerate(CALLS)]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([DATE, "full", "true", "1e400", "-", "0 0 0 * * ?", "content-x", "_x", "error"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def world() -> tuple[Calls, str]:
    calls = Calls()
    calls.call("PUT", "/_connector/mine", {"index_name": "content-mine", "service_type": "s"})
    calls.call("PUT", "/_connector/mine/_configuration", {"configuration": {"host": FIELD}})
    _, job = calls.call("POST", "/_connector/_sync_job", {"id": "mine"})
    return calls, job["id"]


def places(value: Any, so_far: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    children: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [so_far, *(found for step, child in children for found in places(child, (*so_far, step)))]


def replaced(body: Any, place: tuple[str | int, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.deepcopy(body)
    container = changed
    for step in place[:-1]:
        container = container[step]
    container[place[-1]] = value
    return changed


def check(method: str, path: str, body: Any) -> None:
    calls, job_id = world()
    before = calls.documents()

    status, answer = calls.call(method, path.replace("JOB", job_id), body)

    if status >= 400:
        error = answer["error"]
        assert answer["status"] == status
        assert set(error["root_cause"][0]) >= {"type", "reason"}
        assert calls.documents() == before
    if status >= 500:
        # The two the real server has as well: a null among the values, features without features.
        assert error["type"] == "null_pointer_exception"
        assert path.endswith(("_configuration", "_features"))


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=NAMES)
def test_the_bodies_to_be_spoilt_are_good_ones(method: str, path: str, body: Any) -> None:
    calls, job_id = world()
    calls.call("PUT", f"/_connector/_sync_job/{job_id}/_claim", {"worker_hostname": "host"})

    assert calls.call(method, path.replace("JOB", job_id), body)[0] in (200, 201)


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=NAMES)
@given(data=st.data())
@settings(max_examples=examples_divided_by(4))
def test_a_wrong_value_anywhere_is_answered(method: str, path: str, body: Any, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(body)))
    value = data.draw(ANYTHING)

    check(method, path, replaced(body, place, value))


@pytest.mark.parametrize(("method", "path"), sorted({(method, path) for method, path, _ in CALLS}))
@given(body=st.binary(min_size=1, max_size=20) | st.text(alphabet='{}[]",:0a\\ ', min_size=1).map(str.encode))
@settings(max_examples=examples_divided_by(4))
def test_what_is_not_even_json_is_answered(method: str, path: str, body: bytes) -> None:
    check(method, path, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b'{"error":"x","error":"y"}',
        b'{"error":"x"',
        b'{"error":NaN}',
        b'{"error":"\\ud800"}',
        b'\xff{"error":"x"}',
        b'{"error":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"error":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"error":' + b"9" * 5000 + b"}",
    ],
)
def test_notorious_bodies_are_refused(body: bytes) -> None:
    calls, _ = world()
    before = calls.documents()

    status, answer = calls.call("PUT", "/_connector/mine/_error", body)

    assert (status, answer["status"]) == (400, 400)
    assert calls.documents() == before


@pytest.mark.parametrize("depth", [190, 210, 900, 1010, 5000])
def test_a_deep_body_is_kept_or_refused(depth: int) -> None:
    calls, _ = world()
    body = b'{"sync_cursor":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"

    statuses = [calls.call("PUT", "/_connector/mine/_last_sync", body)[0] for _ in range(2)]

    assert statuses == ([200, 200] if depth < 200 else [400, 400])


def test_an_id_may_be_512_bytes_long() -> None:
    calls, _ = world()

    longest = calls.call("PUT", f"/_connector/{'x' * 512}")
    status, answer = calls.call("PUT", f"/_connector/{'x' * 513}")

    assert longest[0] == 201
    assert (status, answer["error"]["type"]) == (400, "action_request_validation_exception")
    assert answer["error"]["reason"].endswith("must be no longer than 512 bytes but was: 513;")


def test_the_two_internal_errors_of_the_real_server_are_kept() -> None:
    calls, _ = world()

    null_value = calls.call("PUT", "/_connector/mine/_configuration", {"values": {"host": None}})
    no_features = calls.call("PUT", "/_connector/mine/_features", {})

    assert [null_value[0], no_features[0]] == [500, 500]
