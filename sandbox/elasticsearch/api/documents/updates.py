"""`_update`: a partial document merged into one, or what is written where there is none."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from sandbox.elasticsearch import errors, pipelines
from sandbox.elasticsearch.api import parameters, targets
from sandbox.elasticsearch.api.documents import single
from sandbox.elasticsearch.documents import SourceFilter, UpdateBody, check_id
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Index, Write
from sandbox.elasticsearch.security import IndexPrivilege
from sandbox.elasticsearch.state import State

Ingest = Callable[[Mapping[str, Any]], dict[str, Any] | None]


def update(request: Request) -> Answer:
    """Merge a partial document, or run an upsert."""
    refresh = single.refresh_policy(request)
    body = UpdateBody.from_wire(request.json())
    versions = single.versioning(request, "update")
    if versions.if_seq_no is not None and request.integer("retry_on_conflict", 0):
        raise errors.validation("compare and write operations can not be used with upsert")
    name, document_id = request.parameter("index"), request.parameter("id")
    index = targets.writable(request, name, require_alias=request.flag("require_alias"))
    check_id(document_id)
    write = body.apply(
        index,
        document_id,
        if_seq_no=versions.if_seq_no,
        if_primary_term=versions.if_primary_term,
        now_milliseconds=request.state.clock.milliseconds(),
        ingest=ingestion(request.state, index, document_id),
    )
    request.effect.note(write)
    answer = single.written(index, write, refresh)
    answer.update(shown(index, write, chosen(request, body)))
    return Answer(answer, write.status)


def chosen(request: Request, body: UpdateBody, option: Any = None) -> SourceFilter | None:
    """What of the document to show: the body says so, or the action's line, or the request's parameters."""
    if body.source is not None:
        return body.source
    if option is not None:
        return SourceFilter.from_wire(option)
    if request.query.keys() & {"_source", "_source_includes", "_source_excludes"}:
        return parameters.source_of(request, default=False)
    return None


def shown(index: Index, write: Write, choice: SourceFilter | None) -> dict[str, Any]:
    """The member `get` of the answer, if the document is to be shown."""
    document = index.get(write.id)
    if choice is None or not choice.wants_any or document is None:
        return {}
    return {
        "get": {
            "_seq_no": document.seq_no,
            "_primary_term": document.primary_term,
            "found": True,
            "_source": choice.apply(document),
        }
    }


def ingestion(state: State, index: Index, document_id: str) -> Ingest | None:
    """What the index's own pipelines make of a source, None where they drop it; None without pipelines.

    An update has no pipeline of its own: the one a bulk request names is passed over.
    """
    if not (index.keeps_sources and index.settings.has_pipeline):
        return None

    def ingest(source: Mapping[str, Any]) -> dict[str, Any] | None:
        incoming = pipelines.Incoming(index.name, document_id, orjson.dumps(source))
        outcome = pipelines.run(state.pipelines, index, incoming, None, clock=state.clock)
        return None if outcome is None else outcome.parsed or dict(source)

    return ingest


UPDATE = IndexPrivilege("index", "indices:data/write/update")
NOT_FOR_UPDATES = frozenset({"op_type", "pipeline", "version", "version_type"})
PARAMETERS = (single.WRITE_PARAMETERS - NOT_FOR_UPDATES) | {
    "_source",
    "_source_excludes",
    "_source_includes",
    "lang",
    "retry_on_conflict",
}

ROUTES = [Route("POST", "/{index}/_update/{id}", update, PARAMETERS, Body.REQUIRED, UPDATE)]
