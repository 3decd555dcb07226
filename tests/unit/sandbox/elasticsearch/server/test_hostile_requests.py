"""No request brings the server down: every answer is one of the server's, and none is a 500."""

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.elasticsearch.http import Body, Route, Router
from sandbox.elasticsearch.pipelines import PROCESSORS
from sandbox.elasticsearch.search.aggregations import BUCKETS, METRICS
from sandbox.elasticsearch.search.queries import BUILDERS
from sandbox.elasticsearch.search.search_body import MEMBERS
from sandbox.elasticsearch.server import registry
from sandbox.elasticsearch.server.dispatch import Call, Dispatcher
from sandbox.elasticsearch.state import State

ROUTES = registry.ROUTES
# The Connector API answers some bodies with 500 as the server does; its own tests say which.
OWN = [route for route in ROUTES if not route.path.startswith("/_connector")]
ROUTER = Router(ROUTES)
EVERY = settings(suppress_health_check=[HealthCheck.too_slow])

WORDS = st.sampled_from(
    ["", "m", "*", "_all", "-", "a,b", "m*", ".elastic-connectors", "%2F", "é", "x" * 600, "..", "_bulk", "1"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65).filter(lambda n: -(2**63) <= n < 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["now-1d", "2024-01-01", "true", "-1", "title", "m", "*", "1s", "_doc", "desc"]),
)
KEY_NAMES = """
    query bool must filter should term terms range gte lt match match_all ids values exists field
    fields sort size from search_after pit id keep_alive slice max aggs terms stats _source includes
    doc upsert script source params doc_as_upsert settings mappings properties type dynamic aliases
    index alias add remove actions processors set value docs _index _id pipeline conflicts
    query_string wildcard regexp multi_match order missing format title minimum_should_match
    track_total_hits docvalue_fields number name role_descriptors cluster indices names privileges
    index_patterns template priority date_detection dynamic_templates number_of_replicas
    max_result_window refresh_interval mapping.total_fields.limit
"""
KEYS = st.sampled_from(KEY_NAMES.split())
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)


@st.composite
def paths(draw: st.DrawFn) -> tuple[Route, str]:
    """A route and a path that leads to it."""
    route = draw(st.sampled_from(OWN))
    segments = [draw(WORDS) if part.startswith("{") else part for part in route.path.split("/")]
    return route, "/".join(segments)


@st.composite
def queries(draw: st.DrawFn, route: Route) -> dict[str, str]:
    """Parameters the route knows, with values it may not."""
    known = sorted(route.parameters | {"pretty", "filter_path"})
    values = st.sampled_from(
        ["", "true", "false", "-1", "0", "5", "x", "1m", "*", "a,b", "9" * 30, "wait_for", "-a.*"]
    )
    return draw(st.dictionaries(st.sampled_from(known), values, max_size=3))


def _answer(
    dispatcher: Dispatcher, method: str, path: str, query: dict[str, str], body: bytes
) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"}
    answer = dispatcher.answer(Call(method=method, path=path, query=query, headers=headers, body=body))
    content = answer.rendered()
    is_json = "text/plain" not in (answer.headers.get("Content-Type") or "")
    return answer.status, orjson.loads(content) if content and is_json else None


def _dispatcher() -> Dispatcher:
    state = State()
    index = state.create(
        "m", mappings={"properties": {"title": {"type": "text"}, "number": {"type": "long"}}}
    )
    index.index("1", {"title": "a b", "number": 1, "day": "2024-01-01"})
    index.refresh()
    return Dispatcher(state, ROUTER, requires_authentication=False)


@EVERY
@given(st.data())
def test_any_json_on_any_route_is_answered(data: st.DataObject) -> None:
    route, path = data.draw(paths())
    query = data.draw(queries(route))
    body = b"" if route.body is Body.NONE else orjson.dumps(data.draw(JSON))

    status, answer = _answer(_dispatcher(), route.method, path, query, body)

    assert status < 500, answer
    if status >= 400 and answer and "error" in answer and not query.get("filter_path"):
        assert isinstance(answer["error"], str) or answer["error"]["root_cause"]


@EVERY
@given(body=st.binary(max_size=60), position=st.integers(0, len(OWN) - 1))
def test_any_bytes_on_any_route_are_answered(body: bytes, position: int) -> None:
    route = OWN[position]
    path = route.path.replace("{index}", "m").replace("{", "").replace("}", "")

    status, answer = _answer(_dispatcher(), route.method, path, {}, body)

    assert status < 500, answer


@EVERY
@given(
    lines=st.lists(
        st.dictionaries(st.sampled_from(["index", "create", "update", "delete", "x"]), JSON, max_size=2)
    )
)
def test_any_bulk_lines_are_answered(lines: list[Any]) -> None:
    body = b"".join(orjson.dumps(line) + b"\n" for line in lines)

    status, answer = _answer(_dispatcher(), "POST", "/m/_bulk", {}, body)

    assert status in (200, 400), answer


@EVERY
@given(source=JSON, second=JSON)
def test_any_document_is_indexed_or_refused_and_then_searched(source: Any, second: Any) -> None:
    dispatcher = _dispatcher()
    for document_id, body in (("2", source), ("3", second)):
        status, answer = _answer(
            dispatcher, "PUT", f"/m/_doc/{document_id}", {"refresh": "true"}, orjson.dumps(body)
        )
        assert status in (200, 201, 400), answer

    queries: list[Any] = [
        {"match_all": {}},
        {"query_string": {"query": "a OR 1"}},
        {"exists": {"field": "title"}},
    ]
    for query in queries:
        status, answer = _answer(dispatcher, "POST", "/m/_search", {}, orjson.dumps({"query": query}))
        assert status == 200, answer


@EVERY
@given(
    name=st.sampled_from(sorted(BUILDERS)),
    field=st.sampled_from(["title", "number", "day", "_id", "x"]),
    inner=JSON,
)
def test_any_query_is_answered(name: str, field: str, inner: Any) -> None:
    for options in (inner, {field: inner}, {"field": field, "query": inner}):
        body = orjson.dumps({"query": {"bool": {"should": [{name: options}, {"match_all": {}}]}}})
        status, answer = _answer(_dispatcher(), "POST", "/m/_search", {}, body)
        assert status in (200, 400), answer


@EVERY
@given(body=st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(MEMBERS - {"pit"}), JSON)))
def test_any_search_body_is_answered(body: Any) -> None:
    status, answer = _answer(_dispatcher(), "POST", "/m/_search", {}, orjson.dumps(body))

    assert status in (200, 400), answer


@EVERY
@given(
    kind=st.sampled_from([*METRICS, *BUCKETS]),
    options=JSON,
    field=st.sampled_from(["number", "day", "title", "x"]),
)
def test_any_aggregation_is_answered(kind: str, options: Any, field: str) -> None:
    for inner in (options, {"field": field}, {"field": field, "missing": options}):
        body = orjson.dumps({"aggs": {"a": {kind: inner}}})
        status, answer = _answer(_dispatcher(), "POST", "/m/_search", {}, body)
        assert status in (200, 400), answer


@EVERY
@given(name=st.sampled_from(sorted(PROCESSORS)), options=JSON, source=JSON)
def test_any_processor_is_answered(name: str, options: Any, source: Any) -> None:
    for inner in (options, {"field": "a", "value": options, "target_field": "b.c", "type": "long"}):
        body = orjson.dumps(
            {"pipeline": {"processors": [{name: inner}]}, "docs": [{"_source": {"a": source}}]}
        )
        status, answer = _answer(_dispatcher(), "POST", "/_ingest/pipeline/_simulate", {}, body)
        assert status in (200, 400), answer


@EVERY
@given(text=st.text(st.sampled_from('ab:()"[]{}*?\\ ANDORTO<>=+-!|&~^'), max_size=30))
def test_any_query_string_is_answered(text: str) -> None:
    body = orjson.dumps({"query": {"query_string": {"query": text, "fields": ["title", "number"]}}})

    status, answer = _answer(_dispatcher(), "POST", "/m/_search", {}, body)

    assert status in (200, 400), answer


@EVERY
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS"]), path=st.lists(WORDS)
)
def test_any_path_is_answered(method: str, path: list[str]) -> None:
    status, answer = _answer(_dispatcher(), method, "/" + "/".join(path), {}, b"")

    assert status < 500, answer


@pytest.mark.parametrize("depth", [200, 1_000, 100_000])
@pytest.mark.parametrize("path", ["/m/_doc/1", "/m/_search", "/m/_update/1", "/_ingest/pipeline/x", "/y"])
def test_deep_nesting_is_refused(path: str, depth: int) -> None:
    body = b'{"query":' * depth + b"1" + b"}" * depth

    status, answer = _answer(
        _dispatcher(), "POST" if "_search" in path or "_update" in path else "PUT", path, {}, body
    )

    assert status == 400, answer
