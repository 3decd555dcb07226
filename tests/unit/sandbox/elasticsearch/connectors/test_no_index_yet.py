"""Before the first connector there is no index, and each route answers that in its own way.

Not part of the contract suite: on a shared cluster the indices exist.
"""

from typing import Any

import pytest

from tests.unit.sandbox.elasticsearch.connectors.calls import Calls


@pytest.mark.parametrize(
    ("method", "route", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("DELETE", "?hard=true", None),
        ("PUT", "/_check_in", None),
        ("PUT", "/_error", {"error": "oh no"}),
        ("PUT", "/_status", {"status": "error"}),
        ("PUT", "/_filtering", {"rules": []}),
    ],
)
def test_a_connector_is_not_found(method: str, route: str, body: Any) -> None:
    status, answer = Calls().call(method, f"/_connector/nobody{route}", body)

    assert (status, answer["error"]["type"]) == (404, "resource_not_found_exception")
    assert answer["error"]["reason"] == "connector [nobody] not found"


@pytest.mark.parametrize(
    ("method", "route", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("PUT", "/_cancel", None),
        ("PUT", "/_check_in", None),
        ("PUT", "/_claim", {"worker_hostname": "host"}),
        ("PUT", "/_error", {"error": "oh no"}),
    ],
)
def test_a_sync_job_is_not_found(method: str, route: str, body: Any) -> None:
    status, answer = Calls().call(method, f"/_connector/_sync_job/nothing{route}", body)

    assert (status, answer["error"]["reason"]) == (404, "connector sync job [nothing] not found")


def test_a_sync_job_cannot_be_created() -> None:
    status, answer = Calls().call("POST", "/_connector/_sync_job", {"id": "nobody"})

    assert (status, answer["error"]["type"]) == (404, "index_not_found_exception")


@pytest.mark.parametrize("path", ["/_connector", "/_connector/_sync_job"])
def test_a_list_is_empty(path: str) -> None:
    assert Calls().call("GET", path) == (200, {"count": 0, "results": []})


def test_reading_creates_no_index() -> None:
    calls = Calls()

    for path in ("/_connector", "/_connector/nobody", "/_connector/_sync_job", "/_connector/_secret/nothing"):
        calls.call("GET", path)

    assert calls.documents() == {}


def test_the_first_connector_creates_the_index_with_its_alias() -> None:
    calls = Calls()

    calls.call("PUT", "/_connector/mine")

    index = calls.state.index(".elastic-connectors")
    assert index.name == ".elastic-connectors-v1"
    assert index.is_hidden
