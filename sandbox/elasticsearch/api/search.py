"""Searching: `_search`, `_count`, points in time and scrolls."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.api import parameters, targets
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Index, duration_seconds
from sandbox.elasticsearch.search import (
    Contexts,
    Hit,
    Scroll,
    SearchBody,
    Selection,
    Sort,
    View,
    aggregations,
    check_window,
    hits,
    is_positional,
    queries,
    select,
    select_all,
)
from sandbox.elasticsearch.search.search_body import ALL
from sandbox.elasticsearch.security import IndexPrivilege


def search(request: Request) -> Answer:
    """One search, over indices or over a point in time."""
    began = time.perf_counter()
    body = parameters.search_of(request)
    if body.pit is not None:
        return _search_point(request, body, began)
    request.principal.demand_index(SEARCH, _plain_names(request))
    views = _views(targets.searchable(request))
    if "scroll" in request.query:
        return _open_scroll(request, body, views, began)
    selection = select(views, body, _context(request))
    return Answer(_answer(request, body, views, selection, began))


def count(request: Request) -> Answer:
    """How many documents match."""
    body = request.json_object(required=False)
    unknown = next((name for name in body if name != "query"), None)
    if unknown is not None:
        raise errors.query_parsing(f"request does not support [{unknown}]")
    query = parameters.query_line(request) if "q" in request.query else body.get("query")
    score = request.query.get("min_score")
    wanted = SearchBody(
        query=query,
        size=0,
        tracked_total=ALL,
        min_score=None if score is None else _number("min_score", score),
    )
    views = _views(targets.searchable(request))
    selection = select(views, wanted, _context(request))
    return Answer({"count": selection.total, "_shards": _shards(views)})


def open_point(request: Request) -> Answer:
    """Freeze the named indices as searches see them now."""
    if "keep_alive" not in request.query:
        raise errors.validation("[keep_alive] is not specified")
    keep_alive = duration_seconds(request.query["keep_alive"], "keep_alive")
    request.json_object(required=False)
    views = [replace(view, is_live=False) for view in _views(targets.searchable(request))]
    point = _contexts(request).open_point(views, keep_alive)
    return Answer({"id": point.id, "_shards": _shards(views)})


def close_point(request: Request) -> Answer:
    """Close a point in time."""
    body = request.json_object()
    if not isinstance(body.get("id"), str):
        raise errors.illegal_argument("Required [id]")
    freed = _contexts(request).points.pop(body["id"], None) is not None
    return Answer({"succeeded": True, "num_freed": int(freed)}, 200 if freed else 404)


def next_page(request: Request) -> Answer:
    """The next page of a scroll."""
    began = time.perf_counter()
    body = request.json_object(required=False)
    scroll_id = body.get("scroll_id") or request.query.get("scroll_id") or request.parameter("scroll_id")
    if not isinstance(scroll_id, str) or not scroll_id:
        raise errors.validation("scrollId is missing")
    keep_alive = body.get("scroll", request.query.get("scroll"))
    seconds = None if keep_alive is None else duration_seconds(str(keep_alive), "scroll")
    scroll = _contexts(request).scroll(scroll_id, seconds)
    return Answer(_scroll_page(request, scroll, began))


def clear_scroll(request: Request) -> Answer:
    """Close scrolls."""
    body = request.json_object(required=False)
    wanted = body.get("scroll_id") or request.names("scroll_id") or request.parameter("scroll_id")
    ids = [wanted] if isinstance(wanted, str) else list(wanted or ())
    scrolls = _contexts(request).scrolls
    if ids == ["_all"]:
        ids = list(scrolls)
    elif not ids:
        raise errors.validation("no scroll ids specified")
    freed = sum(scrolls.pop(str(scroll_id), None) is not None for scroll_id in ids)
    return Answer({"succeeded": True, "num_freed": freed}, 200 if freed or not ids else 404)


def _search_point(request: Request, body: SearchBody, began: float) -> Answer:
    if request.parameter("index"):
        raise errors.validation(
            "[indices] cannot be used with point in time. Do not specify any index with point in time."
        )
    if "scroll" in request.query:
        raise errors.validation("using [point in time] is not allowed in a scroll context")
    pit = body.pit or {}
    keep_alive = pit.get("keep_alive")
    seconds = None if keep_alive is None else duration_seconds(str(keep_alive), "keep_alive")
    point = _contexts(request).point(pit["id"], seconds)
    request.principal.demand_index(SEARCH, [view.index.name for view in point.views])
    body = _with_tie_break(body)
    selection = select(point.views, body, _context(request))
    return Answer({"pit_id": point.id, **_answer(request, body, point.views, selection, began)})


def _with_tie_break(body: SearchBody) -> SearchBody:
    """End every sort of a point in time in the order of documents, so that pages neither overlap nor gap."""
    if not body.sorts or body.sorts[-1].path == "_shard_doc":
        return body
    if [sort.path for sort in body.sorts] == ["_doc"]:
        return replace(body, sorts=(Sort(path="_shard_doc"),))
    is_complete = body.after is None or len(body.after) == len(body.sorts) + 1
    after = body.after if is_complete or body.after is None else (*body.after, 2**63 - 1)
    return replace(body, sorts=(*body.sorts, Sort(path="_shard_doc")), after=after)


def _open_scroll(request: Request, body: SearchBody, views: Sequence[View], began: float) -> Answer:
    if body.offset:
        raise errors.validation("using [from] is not allowed in a scroll context")
    if not body.size:
        raise errors.validation("[size] cannot be [0] in a scroll context")
    keep_alive = duration_seconds(request.query["scroll"], "scroll")
    contexts = _contexts(request)
    views = [replace(view, is_live=False) for view in views]
    scroll = Scroll(
        secrets.token_urlsafe(32), views, body, contexts.deadline(keep_alive), total=0, max_score=None
    )
    if is_positional(body) and body.query in (None, {"match_all": {}}) and body.slice_count == 1:
        scroll.total = sum(len(view.documents) for view in views)
    else:
        check_window(views, body)
        everything = _everything(views, body, _context(request))
        scroll.remaining, scroll.total, scroll.max_score = (
            everything.hits,
            everything.total,
            everything.max_score,
        )
    contexts.open_scroll(scroll)
    return Answer(_scroll_page(request, scroll, began))


def _everything(views: Sequence[View], body: SearchBody, context: queries.Context) -> Selection:
    """All hits of a search in order, without regard to the window of results."""
    size = sum(len(view.documents) for view in views)
    return select_all(views, replace(body, size=size, tracked_total=ALL), context)


def _scroll_page(request: Request, scroll: Scroll, began: float) -> dict[str, Any]:
    size = scroll.search.size
    if scroll.remaining is None:
        after = (scroll.position,) if scroll.position else None
        page = replace(
            scroll.search, sorts=(Sort(path="_doc"),), after=None if after is None else (after[0] - 1,)
        )
        selection = select(scroll.views, page, _context(request))
        if selection.hits:
            scroll.position = selection.hits[-1].candidate.position + 1
        if not scroll.search.sorts:
            selection = Selection([Hit(hit.candidate, 1.0) for hit in selection.hits], scroll.total, 1.0)
    else:
        selection = Selection(scroll.remaining[:size], scroll.total, scroll.max_score)
        scroll.remaining = scroll.remaining[size:]
    answer = _answer(request, replace(scroll.search, tracked_total=ALL), scroll.views, selection, began)
    return {"_scroll_id": scroll.id, **answer}


def _answer(
    request: Request, body: SearchBody, views: Sequence[View], selection: Selection, began: float
) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if request.flag("rest_total_hits_as_int"):
        shown["total"] = -1 if body.tracked_total is None else selection.total
    elif body.tracked_total is not None:
        is_exact = selection.total <= body.tracked_total and body.tracked_total > 0
        value = selection.total if is_exact else body.tracked_total
        shown["total"] = {"value": value, "relation": "eq" if is_exact else "gte"}
    shown["max_score"] = selection.max_score if body.size else None
    shown["hits"] = hits.to_wire(selection.hits, body)
    answer: dict[str, Any] = {
        "took": int((time.perf_counter() - began) * 1000),
        "timed_out": False,
        "_shards": _shards(views),
        "hits": shown,
    }
    if body.aggregations is not None:
        matched = selection.matched or []
        candidates = [hit.candidate for hit in matched]
        asked = aggregations.Asked(
            context=_context(request),
            indices=[view.index for view in views],
            is_typed=request.flag("typed_keys"),
        )
        answer["aggregations"] = aggregations.computed(body.aggregations, candidates, asked)
    return answer


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise errors.illegal_argument(
            f"Failed to parse float parameter [{name}] with value [{text}]"
        ) from None


def _views(indices: Sequence[Index]) -> list[View]:
    return [View(index, index.snapshot()) for index in indices]


def _shards(views: Sequence[View]) -> dict[str, int]:
    return {"total": len(views), "successful": len(views), "skipped": 0, "failed": 0}


def _context(request: Request) -> queries.Context:
    return queries.Context(request.state.clock.now())


def _contexts(request: Request) -> Contexts:
    return request.state.contexts


def _plain_names(request: Request) -> list[str]:
    names = request.parameter("index").split(",")
    return [name for name in names if name and name != "_all" and "*" not in name]


SEARCH = IndexPrivilege("read", "indices:data/read/search")
OPEN_POINT = IndexPrivilege("read", "indices:data/read/open_point_in_time")

PARAMETERS = targets.READ_PARAMETERS | {
    "_source",
    "_source_excludes",
    "_source_includes",
    "allow_partial_search_results",
    "batched_reduce_size",
    "ccs_minimize_roundtrips",
    "default_operator",
    "df",
    "docvalue_fields",
    "from",
    "lenient",
    "max_concurrent_shard_requests",
    "preference",
    "q",
    "request_cache",
    "rest_total_hits_as_int",
    "routing",
    "scroll",
    "search_type",
    "seq_no_primary_term",
    "size",
    "sort",
    "timeout",
    "track_scores",
    "track_total_hits",
    "typed_keys",
    "version",
}
COUNT_PARAMETERS = targets.READ_PARAMETERS | {
    "default_operator",
    "df",
    "lenient",
    "min_score",
    "preference",
    "q",
    "routing",
}
POINT_PARAMETERS = targets.READ_PARAMETERS | {
    "keep_alive",
    "preference",
    "routing",
    "allow_partial_search_results",
}
SCROLL_PARAMETERS = frozenset({"scroll", "scroll_id", "rest_total_hits_as_int"})

ROUTES = [
    *(
        Route(method, path, handler, parameters, Body.OPTIONAL, privilege)
        for method in ("GET", "POST")
        for path, handler, parameters, privilege in (
            # A search demands its privilege itself: over a point in time the path names no index.
            ("/_search", search, PARAMETERS, None),
            ("/{index}/_search", search, PARAMETERS, SEARCH),
            ("/_count", count, COUNT_PARAMETERS, SEARCH),
            ("/{index}/_count", count, COUNT_PARAMETERS, SEARCH),
            ("/_search/scroll", next_page, SCROLL_PARAMETERS, None),
            ("/_search/scroll/{scroll_id}", next_page, SCROLL_PARAMETERS, None),
        )
    ),
    Route("POST", "/{index}/_pit", open_point, POINT_PARAMETERS, Body.OPTIONAL, OPEN_POINT),
    Route("DELETE", "/_pit", close_point, frozenset(), Body.REQUIRED, None),
    Route("DELETE", "/_search/scroll", clear_scroll, SCROLL_PARAMETERS, Body.OPTIONAL, None),
    Route("DELETE", "/_search/scroll/{scroll_id}", clear_scroll, SCROLL_PARAMETERS, Body.OPTIONAL, None),
]
