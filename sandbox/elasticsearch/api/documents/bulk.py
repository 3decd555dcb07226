"""`_bulk`: many writes in one request, each with a verdict of its own.

The whole body is read first (`bulk_lines`): a malformed line refuses the request and nothing is executed.
Then each operation runs by itself, and its failure concerns no other.
"""

import time
from collections.abc import Iterable
from typing import Any

import orjson

from sandbox.elasticsearch import errors, pipelines
from sandbox.elasticsearch.api import targets
from sandbox.elasticsearch.api.documents import single, updates
from sandbox.elasticsearch.documents import EMPTY_ID, ItemFilter, Operation, UpdateBody, operations
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Index, Write
from sandbox.elasticsearch.security import IndexPrivilege

PARAMETERS = frozenset(
    {
        "_source",
        "_source_excludes",
        "_source_includes",
        "include_source_on_error",
        "list_executed_pipelines",
        "pipeline",
        "refresh",
        "require_alias",
        "require_data_stream",
        "routing",
        "timeout",
        "type",
        "wait_for_active_shards",
    }
)
SHARD_ACTION = "indices:data/write/bulk[s]"
PRIVILEGES = {
    "index": IndexPrivilege("index", SHARD_ACTION),
    "create": IndexPrivilege("create_doc", SHARD_ACTION),
    "update": IndexPrivilege("index", SHARD_ACTION),
    "delete": IndexPrivilege("delete", SHARD_ACTION),
}
STATUS = {"created": 201, "updated": 200, "deleted": 200, "noop": 200, "not_found": 404}

Item = dict[str, Any]


def bulk(request: Request) -> Answer:
    """Carry out every operation of the body, in order."""
    began = time.perf_counter()
    request.principal.demand_any_index(PRIVILEGES.values(), "indices:data/write/bulk")
    refresh = single.refresh_policy(request)
    run = _Run(request, forced_refresh=refresh in ("", "true"))
    default_index = request.parameter("index") or None
    asked = operations(request.body, default_index, request.query.get("pipeline"))
    run.spare(asked)
    items = [run.item(operation) for operation in asked]
    if refresh in ("", "true", "wait_for"):
        for index in run.written.values():
            index.refresh()
    head: dict[str, Any] = {"errors": run.has_errors, "took": int((time.perf_counter() - began) * 1000)}
    if run.ran_pipeline:
        head["ingest_took"] = head["took"]
    return Answer(run.filter.rendered(head, items, pretty=request.query.get("pretty", "false") != "false"))


class _Run:
    """One bulk request under way."""

    def __init__(self, request: Request, *, forced_refresh: bool) -> None:
        self.request = request
        self.filter = ItemFilter.of(request.query.get("filter_path"))
        self.written: dict[str, Index] = {}
        self.has_errors = False
        self.ran_pipeline = False
        self._forced_refresh = forced_refresh
        self._require_alias = request.flag("require_alias")
        self._pipeline = request.query.get("pipeline")
        self._targets: dict[tuple[str, str, bool], Index | errors.ElasticsearchError] = {}
        self._spared: set[str] = set()

    def spare(self, asked: Iterable[Operation]) -> None:
        """Create no missing index of which one operation requires that it is an alias."""
        self._spared = {
            operation.index_name
            for operation in asked
            if self._requires_alias(operation) and not self.request.state.named(operation.index_name)
        }

    def item(self, operation: Operation) -> Item:
        """Carry out one operation; its item of the answer."""
        action = operation.action
        try:
            index = self._target(operation)
            if isinstance(index, errors.ElasticsearchError):
                return self._failed(operation, index)
            if action == "delete":
                write = self._delete(index, operation)
            elif action == "update":
                return self._update(index, operation)
            else:
                outcome = self._index(index, operation)
                if outcome is None:
                    return {action: {**single.dropped(index, operation.id), "status": 200}}
                index, write = outcome
        except errors.ElasticsearchError as error:
            return self._failed(operation, error)
        except RecursionError:
            return self._failed(
                operation, errors.parsing("Document nesting depth exceeds the maximum allowed")
            )
        return {action: self._succeeded(index, write)}

    def _target(self, operation: Operation) -> Index | errors.ElasticsearchError:
        """Return the index to write to, or why there is none.

        Without its trace: that holds this request, which holds the error, until somebody looks for cycles.
        """
        key = (operation.index_name, operation.action, self._requires_alias(operation))
        found = self._targets.get(key)
        if found is None:
            try:
                found = self._find(operation)
            except errors.ElasticsearchError as error:
                found = error.with_traceback(None)
            self._targets[key] = found
        return found

    def _find(self, operation: Operation) -> Index:
        self.request.principal.demand_index(PRIVILEGES[operation.action], [operation.index_name])
        requires_alias = self._requires_alias(operation)
        if operation.index_name in self._spared and not requires_alias:
            raise errors.index_not_found(operation.index_name)
        index = targets.writable(
            self.request,
            operation.index_name,
            kind="delete" if operation.action == "delete" else "write",
            require_alias=requires_alias,
        )
        self.written[index.name] = index
        return index

    def _requires_alias(self, operation: Operation) -> bool:
        """Deletes require nothing, whatever they say."""
        return operation.action != "delete" and bool(
            operation.options.get("require_alias", self._require_alias)
        )

    def _index(self, index: Index, operation: Operation) -> tuple[Index, Write] | None:
        options = operation.options
        document_id, source, parsed = operation.id, operation.source, None
        pipeline = options.get("pipeline", self._pipeline) if options else self._pipeline
        if index.keeps_sources and (pipeline or index.settings.has_pipeline):
            incoming = pipelines.Incoming(operation.index_name, document_id, source)
            state = self.request.state
            outcome = pipelines.run(state.pipelines, index, incoming, pipeline, clock=state.clock)
            self.ran_pipeline = True
            if outcome is None:
                return None
            _, document_id, source, parsed = outcome
            if outcome.index_name != operation.index_name:
                index = targets.writable(self.request, outcome.index_name)
                self.written[index.name] = index
        if document_id == "":
            raise errors.illegal_argument(EMPTY_ID)
        if options:
            write = index.index(
                document_id,
                source,
                parsed=parsed,
                op_type=operation.op_type,
                if_seq_no=options.get("if_seq_no"),
                if_primary_term=options.get("if_primary_term"),
                external_version=options.get("version"),
                version_type=options.get("version_type", "internal"),
            )
        else:
            write = index.index(document_id, source, parsed=parsed, op_type=operation.op_type)
        self.request.effect.indexed.append(write.id)
        return index, write

    def _update(self, index: Index, operation: Operation) -> Item:
        document_id = operation.id or ""
        asked = UpdateBody.from_wire(orjson.loads(operation.source))
        ingest = updates.ingestion(self.request.state, index, document_id)
        self.ran_pipeline |= ingest is not None and (asked.doc_as_upsert or asked.upsert is not None)
        body = asked.ingested(ingest)
        if body is None:
            return {"update": {**single.dropped(index, document_id), "status": 200}}
        write = body.apply(
            index,
            document_id,
            if_seq_no=operation.options.get("if_seq_no"),
            if_primary_term=operation.options.get("if_primary_term"),
            now_milliseconds=self.request.state.clock.milliseconds(),
        )
        self.request.effect.note(write)
        choice = updates.chosen(self.request, asked, operation.options.get("_source"))
        item = self._succeeded(index, write)
        status = item.pop("status")
        return {"update": {**item, **updates.shown(index, write, choice), "status": status}}

    def _delete(self, index: Index, operation: Operation) -> Write:
        write = index.delete(
            operation.id or "",
            if_seq_no=operation.options.get("if_seq_no"),
            if_primary_term=operation.options.get("if_primary_term"),
            external_version=operation.options.get("version"),
            version_type=operation.options.get("version_type", "internal"),
        )
        if write.result == "deleted":
            self.request.effect.deleted.append(write.id)
        return write

    def _succeeded(self, index: Index, write: Write) -> Item:
        result, document_id, version, seq_no, primary_term = write
        item: Item = {"_index": index.name, "_id": document_id, "_version": version, "result": result}
        if self._forced_refresh and result != "noop":
            item["forced_refresh"] = True
        item["_shards"] = single.SHARDS_NONE if result == "noop" else single.SHARDS_ONE
        item["_seq_no"] = seq_no
        item["_primary_term"] = primary_term
        item["status"] = STATUS[result]
        return item

    def _failed(self, operation: Operation, error: errors.ElasticsearchError) -> Item:
        self.has_errors = True
        self.request.effect.failed.append(operation.id or "")
        named = self.request.state.named(operation.index_name)
        return {
            operation.action: {
                "_index": named[0].name if len(named) == 1 else operation.index_name,
                "_id": operation.id,
                "status": error.status,
                "error": error.cause(),
            }
        }


ROUTES = [
    Route(method, path, bulk, PARAMETERS, Body.REQUIRED, None)
    for method in ("POST", "PUT")
    for path in ("/_bulk", "/{index}/_bulk")
]
