"""Every call, given its right answer with any one member missing or of another type, ends as it may.

The calls are found, not listed: a new one fails here until its parameters are known.
"""

import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.elasticsearch import indices, pipelines
from ingest.elasticsearch.client import Client
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.scan import ScanRequest, hits_of, scan
from ingest.elasticsearch.transport import Request, Response
from ingest.errors import IngestError
from ingest.protocol import (
    Connector,
    JobStatus,
    JobType,
    SyncJob,
    TriggerMethod,
    ValidationState,
    Verified,
    Version,
    connectors,
    edits,
    jobs,
)
from tests.support.fake_transport import client_over, response

VERSION = {"_seq_no": 3, "_primary_term": 1}
SOURCE = {
    "status": "in_progress",
    "worker_hostname": "worker",
    "connector": {"id": "c"},
    "filtering": [{"draft": {}}],
}
HIT = {"_id": "x", **VERSION, "_source": SOURCE, "fields": {"hash": [7]}, "sort": [3]}
WHOLE = {"timed_out": False, "_shards": {"failed": 0}}
DESCRIBED = {"settings": {"index": {"uuid": "u1"}}, "mappings": {"properties": {"a": {"type": "long"}}}}

ARGUMENTS: dict[str, Any] = {
    "advanced_snippet": {"a": 1},
    "connector": Connector(id="c", version=Version(3, 1)),
    "connector_id": "c",
    "connector_ids": ["c"],
    "cursor": {"format": 1},
    "delete_sync_jobs": True,
    "error": "wrong",
    "idle_seconds": 5.0,
    "ids": ["c"],
    "index": ContentIndex(name="music", concrete_name="music", uuid="u1", mapping={}, settings={}),
    "index_name": "music",
    "job": SyncJob(id="j", version=Version(3, 1), connector_id="c", status=JobStatus.PENDING),
    "job_id": "j",
    "job_type": JobType.FULL,
    "language": None,
    "members": {"name": "new"},
    "metadata": {},
    "moment": datetime(2026, 1, 1, tzinfo=UTC),
    "most": 3,
    "name": "music",
    "properties": {},
    "rewrites": False,
    "rules": [],
    "scheduling": {},
    "service_type": "postgresql",
    "service_types": ["postgresql"],
    "state": ValidationState.VALID,
    "stats": {},
    "trigger": TriggerMethod.ON_DEMAND,
    "values": {},
    "verified": Verified(moment=datetime(2026, 1, 1, tzinfo=UTC), differing=3),
    "worker": "worker",
}

Call = Callable[..., Coroutine[Any, Any, Any]]
CALLS: dict[str, Call] = {
    f"{module.__name__}.{name}": function
    for module in (connectors, jobs, edits, indices, pipelines)
    for name, function in inspect.getmembers(module, inspect.iscoroutinefunction)
    if not name.startswith("_") and function.__module__ == module.__name__
}


async def scanned(client: Client) -> None:
    """Read one page and the end of a scan."""
    request = ScanRequest(query={}, fields=("hash",), wants_version=True)
    pages: AsyncGenerator[bytes, None] = scan(client, "music", request)
    async with aclosing(pages):
        async for page in pages:
            assert hits_of(page, request)


CALLS["scan"] = scanned


def found(search: bytes) -> Any:
    """Answer a search: with a page of a scan, with buckets, or with hits."""
    if b'"pit"' in search:
        hits = {"max_score": None} if b'"search_after"' in search else {"max_score": None, "hits": [HIT]}
        return {"pit_id": "p", **WHOLE, "hits": hits}
    if b'"aggs"' in search:
        buckets = [{"key": "c", "doc_count": 2, "largest": {"value": 1.8e12}}]
        return {**WHOLE, "hits": {"hits": []}, "aggregations": {"by_keyword": {"buckets": buckets}}}
    return {**WHOLE, "hits": {"hits": [HIT]}}


def right_answer(request: Request) -> Any:
    """Answer as Elasticsearch does."""
    match request.path.rsplit("/", 1)[-1], request.method:
        case "_search", _:
            return found(bytes(request.body or b""))  # type: ignore[arg-type]  # never in pieces
        case "_pit", _:
            return {"id": "p"}
        case "_count", _:
            return {"count": 7, "_shards": {"failed": 0}}
        case "_refresh", _:
            return {"_shards": {"failed": 0}}
        case "docs", "GET":
            copy = {
                "routing": {"primary": True},
                "commit": {"user_data": {"history_uuid": "h"}},
                "seq_no": {"max_seq_no": 7},
            }
            return {"indices": {"music": {"shards": {"0": [copy]}}}}
        case "_settings", "GET":
            return {"music": {"settings": {"index.uuid": "u1"}}}
        case "_connector" | "_sync_job", "GET":
            return {"count": 1, "results": [{"id": "x"}]}
        case "x", "GET":  # what was created a moment ago
            return {**HIT, "_source": {**SOURCE, "status": "pending"}}
        case _, "GET" if "/_doc/" in request.path:
            return HIT
        case "music", "GET":
            return {"music": {"processors": []}} if "pipeline" in request.path else {"music": DESCRIBED}
        case _:
            return {**VERSION, "id": "x", "result": "updated", "acknowledged": True}


def spoilt(value: Any) -> Iterator[Any]:
    """Yield the value with one part of it missing or of another type, for each part and type."""
    yield from (None, {}, [], "text", 1.5, True)
    if isinstance(value, dict):
        for name, member in value.items():
            yield {kept: value[kept] for kept in value if kept != name}
            for changed in spoilt(member):
                yield {**value, name: changed}
    elif isinstance(value, list):
        for place, member in enumerate(value):
            for changed in spoilt(member):
                yield [*value[:place], changed, *value[place + 1 :]]


def arguments_of(call: Call) -> dict[str, Any]:
    parameters = inspect.signature(call).parameters.values()
    return {
        one.name: ARGUMENTS[one.name]
        for one in parameters
        if one.name != "client" and (one.default is one.empty or one.name in ("stats",))
    }


async def run(call: Call, nth: int, answer: Any) -> int:
    """Make a call whose nth request is answered with this, the others rightly; return how many it made."""
    requests = 0

    async def transport(request: Request) -> Response:
        nonlocal requests
        requests += 1
        return response(200, answer if requests == nth else right_answer(request))

    await call(client=client_over(transport), **arguments_of(call))
    return requests


@pytest.mark.parametrize("name", CALLS)
async def test_no_answer_is_taken_apart_blindly(name: str) -> None:
    """Whatever is wrong with an answer, it is asked for again, or an error of ours says what is wrong."""
    call = CALLS[name]
    right: list[Any] = []

    async def record(request: Request) -> Response:
        right.append(right_answer(request))
        return response(200, right[-1])

    await call(client=client_over(record), **arguments_of(call))
    assert right

    for nth, answer in enumerate(right, 1):
        for changed in spoilt(answer):
            with suppress(IngestError):
                assert await run(call, nth, changed) >= nth
