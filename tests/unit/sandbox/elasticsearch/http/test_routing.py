"""Which route a path finds."""

import pytest

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.http import Answer, Body, Request, Route, Router, check_call


def _handler(request: Request) -> Answer:
    return Answer()


ROUTER = Router(
    [
        Route("GET", "/", _handler),
        Route("GET", "/_search", _handler),
        Route("PUT", "/{index}", _handler),
        Route("GET", "/{index}", _handler),
        Route("GET", "/{index}/_doc/{id}", _handler),
        Route("PUT", "/_connector/{connector_id}/_error", _handler),
        Route("GET", "/_connector/_sync_job", _handler),
        Route("GET", "/_connector/{connector_id}", _handler),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "route", "parameters"),
    [
        ("GET", "/", "/", {}),
        ("GET", "", "/", {}),
        ("GET", "/_search", "/_search", {}),
        ("GET", "/_search/", "/_search", {}),
        ("GET", "/a%2Fb", "/{index}", {"index": "a/b"}),
        ("GET", "/a+b/_doc/%C3%A9", "/{index}/_doc/{id}", {"index": "a+b", "id": "é"}),
        ("GET", "/_connector/_sync_job", "/_connector/_sync_job", {}),
        ("GET", "/_connector/_sync", "/_connector/{connector_id}", {"connector_id": "_sync"}),
        ("PUT", "/_connector//_error", "/_connector/{connector_id}/_error", {"connector_id": ""}),
    ],
)
def test_a_path_finds_its_route(method: str, path: str, route: str, parameters: dict[str, str]) -> None:
    match = ROUTER.find(method, path)

    assert (match.route.path, match.path_parameters) == (route, parameters)


def test_a_wrong_method_is_refused_with_those_there_are() -> None:
    with pytest.raises(errors.PlainError) as refused:
        ROUTER.find("DELETE", "/music")

    assert (refused.value.status, refused.value.headers) == (405, {"Allow": "GET,PUT"})


@pytest.mark.parametrize("path", ["/a/b/c/d", "/_msearch", "/_tasks"])
def test_an_unknown_path_is_refused_by_its_name(path: str) -> None:
    router = Router([Route("GET", "/{index}", _handler), Route("GET", "/_tasks/{task_id}", _handler)])

    with pytest.raises(errors.PlainError) as refused:
        router.find("GET", path)

    assert refused.value.status == 400
    assert path in refused.value.text


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(errors.ElasticsearchError, match="unable to decode path"):
        ROUTER.find("GET", "/%ff")


def test_the_same_route_twice_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="two routes"):
        Router([Route("GET", "/{index}", _handler), Route("GET", "/{name}", _handler)])


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"refersh": ""}, "unrecognized parameter: [refersh] -> did you mean [refresh]?"),
        ({"zzz": "", "aaa": ""}, "unrecognized parameters: [aaa], [zzz]"),
    ],
)
def test_unknown_parameters_are_refused(query: dict[str, str], reason: str) -> None:
    route = Route("GET", "/x", _handler, frozenset({"refresh"}))

    with pytest.raises(errors.ElasticsearchError) as refused:
        check_call(route, path="/x", query=query, body=b"")
    assert refused.value.reason == f"request [/x] contains {reason}"


@pytest.mark.parametrize(("takes", "body"), [(Body.NONE, b"{}"), (Body.REQUIRED, b"")])
def test_a_body_too_many_or_too_few_is_refused(takes: Body, body: bytes) -> None:
    with pytest.raises(errors.ElasticsearchError):
        check_call(Route("GET", "/x", _handler, body=takes), path="/x", query={}, body=body)
