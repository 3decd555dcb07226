"""`_update_by_query` and `_delete_by_query`: what a search finds, written or removed.

The search sees refreshed documents, the write the live ones. A document that changed in between is a
version conflict, which ends the request unless it was told to proceed.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.elasticsearch import errors, pipelines
from sandbox.elasticsearch.api import parameters, targets
from sandbox.elasticsearch.documents import scripts
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Document, Index, duration_seconds
from sandbox.elasticsearch.search import SearchBody, View, queries, select_all
from sandbox.elasticsearch.security import IndexPrivilege

DELETE_MEMBERS = frozenset({"query", "slice", "max_docs"})
UPDATE_MEMBERS = DELETE_MEMBERS | {"script", "conflicts"}

Change = Callable[[Index, Document], str]


def delete_by_query(request: Request) -> Answer:
    """Remove every document a query finds."""
    body = _body(request, DELETE_MEMBERS)
    if body.get("query") is None:
        raise errors.validation("query is missing")

    def remove(index: Index, document: Document) -> str:
        index.delete(document.id, if_seq_no=document.seq_no, if_primary_term=document.primary_term)
        request.effect.deleted.append(document.id)
        return "deleted"

    return _run(request, body, remove, "delete")


def update_by_query(request: Request) -> Answer:
    """Write every document a query finds again, after a script or a pipeline if there is one."""
    body = _body(request, UPDATE_MEMBERS)
    script = scripts.Script.from_wire(body["script"]) if body.get("script") is not None else None
    pipeline = request.query.get("pipeline")
    now = request.state.clock.milliseconds()

    def rewrite(index: Index, document: Document) -> str:
        guard: dict[str, Any] = {"if_seq_no": document.seq_no, "if_primary_term": document.primary_term}
        source, operation = document.source, "index"
        if script is not None:
            changed, operation = script.run(document.parsed(), now)
            if operation in ("none", "noop"):
                return "noops"
            if operation == "delete":
                index.delete(document.id, **guard)
                request.effect.deleted.append(document.id)
                return "deleted"
            index.index(document.id, changed, **guard)
        else:
            incoming = pipelines.Incoming(index.name, document.id, source)
            state = request.state
            outcome = pipelines.run(state.pipelines, index, incoming, pipeline, clock=state.clock)
            if outcome is None:
                return "noops"
            index.index(document.id, outcome.source, parsed=outcome.parsed, **guard)
        request.effect.indexed.append(document.id)
        return "updated"

    return _run(request, body, rewrite, "write")


def task(request: Request) -> Answer:
    """What became of a request that was not waited for."""
    found = request.state.tasks.get(request.parameter("task_id"))
    if found is None:
        raise errors.not_found(
            f"task [{request.parameter('task_id')}] isn't running and hasn't stored its results"
        )
    return Answer({"completed": True, "task": {"cancellable": True}, "response": found})


def _body(request: Request, members: frozenset[str]) -> Mapping[str, Any]:
    body = request.json_object(required=False)
    unknown = next((name for name in body if name not in members), None)
    if unknown is not None:
        raise errors.illegal_argument(f"request does not support [{unknown}]")
    _check_parameters(request)
    if "q" in request.query:
        body["query"] = parameters.query_line(request)
    return body


def _check_parameters(request: Request) -> None:
    """Refuse invalid values, also of parameters that have no effect here."""
    query = request.query
    for name in ("refresh", "wait_for_completion"):
        request.flag(name)
    if query.get("conflicts", "abort") not in ("abort", "proceed"):
        raise errors.illegal_argument(
            f'conflicts may only be "proceed" or "abort" but was [{query["conflicts"]}]'
        )
    if request.integer("scroll_size", 1000) < 1:
        raise errors.illegal_argument("[scroll_size] must be greater than 0")
    if query.get("slices") != "auto" and request.integer("slices", 1) < 1:
        raise errors.illegal_argument("Slice count must be at least 1")
    for name in ("scroll", "search_timeout", "timeout"):
        if name in query:
            duration_seconds(query[name], name)
    try:
        is_rate = float(query.get("requests_per_second", -1)) != 0
    except ValueError:
        is_rate = False
    if not is_rate:
        raise errors.illegal_argument(
            "[requests_per_second] must be a float greater than 0. Use -1 to disable throttling."
        )


def _run(request: Request, body: Mapping[str, Any], change: Change, kind: str) -> Answer:
    began = time.perf_counter()
    proceeds = request.query.get("conflicts", body.get("conflicts", "abort")) == "proceed"
    indices = targets.named(request)
    for index in indices:
        targets.check_open(index)
        if (block := index.settings.block("write")) is not None:
            raise targets.blocked(block, index)
    counts = dict.fromkeys(("updated", "deleted", "noops", "version_conflicts"), 0)
    failures: list[dict[str, Any]] = []
    hits = _hits(request, body, indices)
    for index, document in hits:
        try:
            counts[change(index, document)] += 1
        except errors.ElasticsearchError as error:
            counts["version_conflicts"] += error.status == 409
            if error.status == 409 and proceeds:
                continue
            failures.append(
                {"index": index.name, "id": document.id, "cause": error.cause(), "status": error.status}
            )
            break
    if request.flag("refresh"):
        for index in indices:
            index.refresh()
    answer = _answer(kind, len(hits), counts, failures, int((time.perf_counter() - began) * 1000))
    if not request.flag("wait_for_completion", default=True):
        task_id = f"sandbox:{len(request.state.tasks) + 1}"
        request.state.tasks[task_id] = answer
        return Answer({"task": task_id})
    return Answer(answer, max((failure["status"] for failure in failures), default=200))


def _hits(request: Request, body: Mapping[str, Any], indices: list[Index]) -> list[tuple[Index, Document]]:
    views = [View(index, index.snapshot()) for index in indices]
    size = sum(len(view.documents) for view in views)
    limit = body.get("max_docs", request.integer("max_docs", size))
    if not isinstance(limit, int) or limit < 0:
        raise errors.illegal_argument(f"[max_docs] should be >= 0 but was [{limit}]")
    search = SearchBody(query=body.get("query"), size=min(size, limit))
    selection = select_all(views, search, queries.Context(request.state.clock.now()))
    return [(hit.candidate.index, hit.candidate.document) for hit in selection.hits]


def _answer(
    kind: str, total: int, counts: Mapping[str, int], failures: list[dict[str, Any]], took: int
) -> dict[str, Any]:
    answer: dict[str, Any] = {"took": took, "timed_out": False, "total": total}
    if kind == "write":
        answer["updated"] = counts["updated"]
    return {
        **answer,
        "deleted": counts["deleted"],
        "batches": 1 if total else 0,
        "version_conflicts": counts["version_conflicts"],
        "noops": counts["noops"],
        "retries": {"bulk": 0, "search": 0},
        "throttled_millis": 0,
        "requests_per_second": -1.0,
        "throttled_until_millis": 0,
        "failures": failures,
    }


PARAMETERS = targets.READ_PARAMETERS | {
    "_source",
    "analyze_wildcard",
    "analyzer",
    "conflicts",
    "default_operator",
    "df",
    "from",
    "lenient",
    "max_docs",
    "preference",
    "q",
    "refresh",
    "request_cache",
    "requests_per_second",
    "routing",
    "scroll",
    "scroll_size",
    "search_timeout",
    "slices",
    "sort",
    "stats",
    "timeout",
    "version",
    "wait_for_active_shards",
    "wait_for_completion",
}
UPDATE_PARAMETERS = PARAMETERS | {"pipeline"}
DELETE = IndexPrivilege("delete", "indices:data/write/delete/byquery")
UPDATE = IndexPrivilege("index", "indices:data/write/update/byquery")

ROUTES = [
    Route("POST", "/{index}/_delete_by_query", delete_by_query, PARAMETERS, Body.OPTIONAL, DELETE),
    Route("POST", "/{index}/_update_by_query", update_by_query, UPDATE_PARAMETERS, Body.OPTIONAL, UPDATE),
    Route("GET", "/_tasks/{task_id}", task, frozenset({"timeout", "wait_for_completion"})),
]
