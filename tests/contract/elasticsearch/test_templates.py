"""Index templates: as they come back, what they refuse, and what they give an index."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api


@pytest.fixture
async def name(api: Api) -> AsyncIterator[str]:
    """A name that is also how the indices it is for begin."""
    chosen = f"contract-{secrets.token_hex(6)}"
    yield chosen
    await api("DELETE", f"/_index_template/{chosen}*")


def _without_times(template: dict[str, Any]) -> dict[str, Any]:
    """Take out when it was written, which 9.3 tells and others do not."""
    for name in ("created_date_millis", "modified_date_millis"):
        template.pop(name, None)
    return template


async def test_a_template_comes_back_in_the_servers_form(api: Api, name: str) -> None:
    body = {
        "index_patterns": f"{name}-*",
        "template": {
            "settings": {"number_of_replicas": 0, "index": {"refresh_interval": "5s"}},
            "mappings": {"_doc": {"properties": {"a": {"type": "long"}}}},
            "aliases": {f"{name}-alias": {"routing": "x"}},
        },
        "priority": "7",
        "version": 3,
        "_meta": {"x": 1},
    }

    put = await api("PUT", f"/_index_template/{name}", body)
    nested = (await api("GET", f"/_index_template/{name}")).body["index_templates"][0]
    flat = (await api("GET", f"/_index_template/{name}", flat_settings=True)).body["index_templates"][0]

    assert put.body == {"acknowledged": True}
    template = _without_times(nested["index_template"]).pop("template")
    assert nested == {
        "name": name,
        "index_template": {
            "index_patterns": [f"{name}-*"],
            "composed_of": [],
            "priority": 7,
            "version": 3,
            "_meta": {"x": 1},
        },
    }
    assert template["settings"] == {"index": {"number_of_replicas": "0", "refresh_interval": "5s"}}
    assert template["aliases"] == {f"{name}-alias": {"index_routing": "x", "search_routing": "x"}}
    assert flat["index_template"]["template"]["settings"] == {
        "index.number_of_replicas": "0",
        "index.refresh_interval": "5s",
    }


async def test_what_was_not_given_does_not_come_back(api: Api, name: str) -> None:
    await api("PUT", f"/_index_template/{name}", {"index_patterns": [f"{name}-*"]})

    answer = await api("GET", f"/_index_template/{name}")

    shown = _without_times(answer.body["index_templates"][0]["index_template"])
    assert shown == {"index_patterns": [f"{name}-*"], "composed_of": []}


async def test_missing_templates_are_not_found(api: Api, name: str) -> None:
    named = await api("GET", f"/_index_template/{name}")
    pattern = await api("GET", f"/_index_template/{name}*")
    several = await api("GET", f"/_index_template/{name},{name}-2")

    assert (named.status, pattern.status, pattern.body) == (404, 404, {"index_templates": []})
    assert several.error[1] == "template name may not contain ','"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"index_patterns": []}, "illegal_argument_exception"),
        ({"template": {}}, "illegal_argument_exception"),
        ({"index_patterns": ["contract-x"], "nonsense": 1}, "x_content_parse_exception"),
        ({"index_patterns": ["contract-x"], "priority": "high"}, "x_content_parse_exception"),
        ({"index_patterns": ["contract-x"], "template": {"nonsense": 1}}, "x_content_parse_exception"),
    ],
)
async def test_what_is_no_template_is_refused(api: Api, name: str, body: Any, kind: str) -> None:
    answer = await api("PUT", f"/_index_template/{name}", body)

    assert (answer.status, answer.error[0]) == (400, kind)
    assert (await api("HEAD", f"/_index_template/{name}")).status == 404


async def test_a_template_is_not_created_twice(api: Api, name: str) -> None:
    body = {"index_patterns": [f"{name}-*"]}
    await api("PUT", f"/_index_template/{name}", body)

    answer = await api("PUT", f"/_index_template/{name}", body, create=True)

    assert answer.error[1] == f"index template [{name}] already exists"


async def test_a_template_may_forbid_that_writes_create_an_index(api: Api, name: str) -> None:
    body = {"index_patterns": [f"{name}-*"], "allow_auto_create": False}
    await api("PUT", f"/_index_template/{name}", body)
    index = f"{name}-1"
    api.claim(index)

    single = await api("PUT", f"/{index}/_doc/1", {"a": 1})
    bulk = await api("POST", f"/{index}/_bulk", [{"index": {"_id": "1"}}, {"a": 1}])

    assert single.error[0] == "index_not_found_exception"
    item = bulk.body["items"][0]["index"]
    assert (item["status"], item["error"]["type"]) == (404, "index_not_found_exception")
    assert (await api("PUT", f"/{index}")).status == 200


@pytest.mark.parametrize("kind", ["_doc", "page"])
async def test_mappings_are_not_nested_under_a_type(api: Api, kind: str) -> None:
    index, typed = api.index(), {kind: {"properties": {"a": {"type": "long"}}}}

    created = await api("PUT", f"/{index}", {"mappings": typed})
    await api("PUT", f"/{index}")
    put = await api("PUT", f"/{index}/_mapping", typed)

    if kind == "_doc":
        assert created.error[1].startswith("The mapping definition cannot be nested under a type [_doc]")
        assert put.error[1] == "Types cannot be provided in put mapping requests"
    else:
        unsupported = f"[{kind} : {{properties={{a={{type=long}}}}}}]"
        for answer in (created, put):
            assert answer.error[0] == "mapper_parsing_exception"
            assert answer.error[1].endswith(unsupported)
    assert (await api("GET", f"/{index}/_mapping")).body == {index: {"mappings": {}}}
