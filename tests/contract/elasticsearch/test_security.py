"""Authentication, API keys and privileges."""

import base64
from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api

CONNECTORS = pytest.mark.needs("x-pack-ent-search")


async def test_a_request_without_credentials_is_refused(api: Api) -> None:
    answer = await api("GET", "/", authorization=None)

    assert answer.status == 401
    assert answer.error[0] == "security_exception"
    assert "missing authentication credentials for REST request" in answer.error[1]
    assert "WWW-Authenticate" in answer.headers
    assert "X-elastic-product" not in answer.headers


async def test_a_wrong_password_is_refused(api: Api) -> None:
    wrong = base64.b64encode(b"elastic:certainly-wrong").decode()

    answer = await api("GET", "/", authorization=f"Basic {wrong}")

    assert answer.status == 401
    assert answer.error[1].startswith("unable to authenticate user [elastic] for REST request")


async def test_a_key_authenticates_in_its_encoded_form(api: Api) -> None:
    key = await api.api_key({})

    answer = await api("GET", "/_security/_authenticate", authorization=key)

    assert answer.body["authentication_type"] == "api_key"
    assert answer.body["api_key"]["name"].startswith("contract-")


async def test_an_invalidated_key_is_refused(api: Api) -> None:
    key = await api.api_key({})
    key_id = (await api("GET", "/_security/_authenticate", authorization=key)).body["api_key"]["id"]

    first = await api("DELETE", "/_security/api_key", {"ids": [key_id]})
    second = await api("DELETE", "/_security/api_key", {"ids": [key_id]})

    assert first.body["invalidated_api_keys"] == [key_id]
    assert second.body["invalidated_api_keys"] == []
    assert second.body["previously_invalidated_api_keys"] == []
    assert (await api("GET", "/_security/_authenticate", authorization=key)).status == 401


async def test_a_basic_user_is_described(api: Api) -> None:
    answer = await api("GET", "/_security/_authenticate")

    assert answer.body["authentication_type"] == "realm"
    assert answer.body["enabled"] is True


async def test_a_key_may_do_only_what_its_roles_say(api: Api) -> None:
    allowed, forbidden = await api.created(), await api.created()
    role = {"indices": [{"names": [allowed], "privileges": ["read", "index"]}]}
    key = await api.api_key({"role": role})

    assert (await api("PUT", f"/{allowed}/_doc/1", {"a": 1}, authorization=key)).status == 201
    assert (await api("GET", f"/{allowed}/_search", authorization=key)).status == 200
    refused = await api("GET", f"/{forbidden}/_search", authorization=key)
    assert refused.status == 403
    kind, reason = refused.error
    assert kind == "security_exception"
    assert reason.startswith("action [indices:data/read/search] is unauthorized for API key id [")
    assert f"on indices [{forbidden}]" in reason
    assert "X-elastic-product" not in refused.headers


@pytest.mark.parametrize(
    ("method", "path", "body", "privilege"),
    [
        pytest.param("GET", "/", None, "cluster:monitor/main", marks=pytest.mark.needs("rest-root")),
        ("GET", "/_license", None, "cluster:monitor/xpack/license/get"),
        pytest.param("GET", "/_connector", None, "cluster:admin/xpack/connector/list", marks=CONNECTORS),
        pytest.param(
            "PUT", "/_connector/contract-forbidden", {}, "cluster:admin/xpack/connector/put", marks=CONNECTORS
        ),
        ("PUT", "/_ingest/pipeline/contract-x", {"processors": []}, "cluster:admin/ingest/pipeline/put"),
    ],
)
async def test_a_key_without_cluster_privileges_is_forbidden(
    api: Api, method: str, path: str, body: Any, privilege: str
) -> None:
    key = await api.api_key({"role": {"indices": [{"names": ["contract-*"], "privileges": ["read"]}]}})

    answer = await api(method, path, body, authorization=key)

    assert answer.status == 403
    assert answer.error[1].startswith(f"action [{privilege}")


async def test_a_key_makes_only_keys_without_privileges(api: Api) -> None:
    key = await api.api_key({"role": {"cluster": ["manage_own_api_key"]}})
    body = {"name": "contract-derived", "role_descriptors": {"role": {"cluster": ["monitor"]}}}

    answer = await api("POST", "/_security/api_key", body, authorization=key)

    assert answer.error == (
        "illegal_argument_exception",
        "creating derived api keys requires an explicit role descriptor that is empty (has no privileges)",
    )


async def test_a_bulk_item_on_a_forbidden_index_fails_alone(api: Api) -> None:
    allowed, forbidden = await api.created(), await api.created()
    key = await api.api_key({"role": {"indices": [{"names": [allowed], "privileges": ["write"]}]}})
    lines = [
        {"index": {"_index": allowed, "_id": "1"}},
        {"a": 1},
        {"index": {"_index": forbidden, "_id": "1"}},
        {"a": 1},
    ]

    answer = await api("POST", "/_bulk", lines, authorization=key)

    good, bad = (item["index"] for item in answer.body["items"])
    assert good["status"] == 201
    assert (bad["status"], bad["error"]["type"]) == (403, "security_exception")
    assert bad["error"]["reason"].startswith(
        "action [indices:data/write/bulk[s]] is unauthorized for API key id ["
    )


async def test_creating_an_index_by_writing_needs_its_privilege(api: Api) -> None:
    index = api.index()
    key = await api.api_key({"role": {"indices": [{"names": [index], "privileges": ["index"]}]}})

    answer = await api("POST", f"/{index}/_bulk", [{"index": {"_id": "1"}}, {"a": 1}], authorization=key)

    item = answer.body["items"][0]["index"]
    assert item["status"] == 403
    assert "action [indices:admin/auto_create] is unauthorized" in item["error"]["reason"]


async def test_a_pattern_stands_for_what_the_caller_may_read(api: Api) -> None:
    allowed = await api.filled({"1": {"a": 1}})
    await api.filled({"1": {"a": 1}})
    key = await api.api_key({"role": {"indices": [{"names": [allowed], "privileges": ["read"]}]}})

    answer = await api("GET", "/contract-*/_search", authorization=key)

    assert {hit["_index"] for hit in answer.body["hits"]["hits"]} == {allowed}


async def test_has_privileges_answers_each(api: Api) -> None:
    role = {"cluster": ["monitor"], "indices": [{"names": ["contract-*"], "privileges": ["write"]}]}
    key = await api.api_key({"role": role})
    asked = {
        "cluster": ["monitor", "manage"],
        "index": [{"names": ["contract-a"], "privileges": ["index", "delete", "read"]}],
    }

    answer = await api("POST", "/_security/user/_has_privileges", asked, authorization=key)

    assert answer.body["has_all_requested"] is False
    assert answer.body["cluster"] == {"monitor": True, "manage": False}
    assert answer.body["index"] == {"contract-a": {"index": True, "delete": True, "read": False}}


@pytest.mark.needs("rest-root", "x-pack-ent-search")
async def test_the_documented_least_privilege_key_runs_a_connector(api: Api) -> None:
    index = api.index()
    connector = index
    role = {
        "cluster": ["monitor", "manage_connector"],
        "indices": [
            {"names": [index, f".search-acl-filter-{index}", ".elastic-connectors*"], "privileges": ["all"]}
        ],
    }
    key = await api.api_key({"connector-role": role})

    statuses = [
        (await api("GET", "/", authorization=key)).status,
        (await api("PUT", f"/_connector/{connector}", {"index_name": index}, authorization=key)).status,
        (await api("PUT", f"/_connector/{connector}/_check_in", authorization=key)).status,
        (await api("POST", "/.elastic-connectors/_search", {"size": 0}, authorization=key)).status,
        (await api("PUT", f"/{index}", authorization=key)).status,
        (await api("POST", f"/{index}/_bulk", [{"index": {"_id": "1"}}, {"a": 1}], authorization=key)).status,
        (await api("POST", f"/{index}/_pit", authorization=key, keep_alive="1m")).status,
        (await api("DELETE", f"/_connector/{connector}", authorization=key, hard=True)).status,
    ]
    other = await api("PUT", f"/{index}-other", authorization=key)

    assert statuses == [200, 201, 200, 200, 200, 200, 200, 200]
    assert other.status == 403
