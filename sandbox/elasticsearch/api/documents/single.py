"""Single documents: index, create, get, delete, and several at once with `_mget`."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.elasticsearch import errors, pipelines
from sandbox.elasticsearch.api import parameters, targets
from sandbox.elasticsearch.documents import EMPTY_PIPELINE, SourceFilter, Versioning, check_id
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Document, Index, Write
from sandbox.elasticsearch.security import IndexPrivilege

REFRESH_VALUES = frozenset({"", "true", "false", "wait_for"})
SHARDS_NONE = {"total": 0, "successful": 0, "failed": 0}
SHARDS_ONE = {"total": 2, "successful": 1, "failed": 0}


def put(request: Request) -> Answer:
    """Index a document under the id of the path, or a generated one."""
    return _index(request, request.query.get("op_type", "index"))


def post(request: Request) -> Answer:
    """Index a document under a generated id."""
    return _index(request, request.query.get("op_type", "create"))


def create(request: Request) -> Answer:
    """Index a document unless its id is taken."""
    return _index(request, "create")


def get(request: Request) -> Answer:
    """The document of this id, as last written."""
    index = targets.readable(request)
    document_id = request.parameter("id")
    document = _read(request, index, document_id)
    if document is None:
        return Answer({"_index": index.name, "_id": document_id, "found": False}, 404)
    return Answer(found(index, document, parameters.source_of(request)))


def exists(request: Request) -> Answer:
    """Whether there is a document of this id."""
    document = _read(request, targets.readable(request), request.parameter("id"))
    return Answer(b"", 404 if document is None else 200)


def get_source(request: Request) -> Answer:
    """Only the source of a document."""
    index = targets.readable(request)
    document = _read(request, index, request.parameter("id"))
    if document is None:
        raise errors.not_found(f"Document not found [{index.name}]/[{request.parameter('id')}]")
    return Answer(parameters.source_of(request).apply(document))


def delete(request: Request) -> Answer:
    """Remove the document of this id."""
    refresh = refresh_policy(request)
    versions = versioning(request, "delete")
    index = targets.writable(request, request.parameter("index"), kind="delete")
    write = index.delete(
        request.parameter("id"),
        if_seq_no=versions.if_seq_no,
        if_primary_term=versions.if_primary_term,
        external_version=versions.version,
        version_type=versions.version_type,
    )
    if write.result == "deleted":
        request.effect.deleted.append(write.id)
    return Answer(written(index, write, refresh), write.status)


def mget(request: Request) -> Answer:
    """Several documents at once."""
    body = request.json_object()
    default = request.parameter("index") or None
    choice = parameters.source_of(request)
    entries = list(_mget_entries(body, default))
    if not entries:
        raise errors.validation("no documents to get")
    return Answer({"docs": [_mget_one(request, entry, choice) for entry in entries]})


# the parts other modules use, too


def found(index: Index, document: Document, choice: SourceFilter) -> dict[str, Any]:
    """A document as a get answers it."""
    answer = {
        "_index": index.name,
        "_id": document.id,
        "_version": document.version,
        "_seq_no": document.seq_no,
        "_primary_term": document.primary_term,
        "found": True,
    }
    if choice.wants_any:
        answer["_source"] = choice.apply(document)
    return answer


def written(index: Index, write: Write, refresh: str) -> dict[str, Any]:
    """A write as it is answered, after the refresh that was asked for."""
    answer: dict[str, Any] = {
        "_index": index.name,
        "_id": write.id,
        "_version": write.version,
        "result": write.result,
    }
    if refresh in ("", "true", "wait_for") and write.result != "noop":
        index.refresh()
        if refresh != "wait_for":
            answer["forced_refresh"] = True
    answer["_shards"] = SHARDS_NONE if write.result == "noop" else SHARDS_ONE
    answer["_seq_no"] = write.seq_no
    answer["_primary_term"] = write.primary_term
    return answer


def refresh_policy(request: Request) -> str:
    """The `refresh` parameter: "" and true refresh at once, `wait_for` too (sooner than the server need)."""
    value = request.query.get("refresh", "false")
    if value not in REFRESH_VALUES:
        raise errors.illegal_argument(f"Unknown value for refresh: [{value}].")
    return value


def versioning(request: Request, op_type: str, *, has_id: bool = True) -> Versioning:
    """The parameters that concern versions; refuses those that a write of this kind does not take."""
    numbers = ("version", "if_seq_no", "if_primary_term")
    options: dict[str, Any] = {name: request.optional_integer(name) for name in numbers}
    if "version_type" in request.query:
        options["version_type"] = request.query["version_type"]
    asked = Versioning.of(options)
    if problems := list(asked.problems(op_type, has_id=has_id)):
        raise errors.validation(*problems)
    return asked


def _read(request: Request, index: Index, document_id: str) -> Document | None:
    """The document as last written or, not in real time, as searches see it."""
    if request.flag("refresh"):
        index.refresh()
    if request.flag("realtime", default=True):
        return index.get(document_id)
    return index.searchable().get(document_id)


def _index(request: Request, op_type: str) -> Answer:
    if op_type not in ("index", "create"):
        raise errors.illegal_argument(f"opType must be 'create' or 'index', found: [{op_type}]")
    refresh = refresh_policy(request)
    document_id = request.path_parameters.get("id")
    if not request.body:
        raise errors.validation("source is missing")
    if request.query.get("pipeline") == "":
        raise errors.validation(EMPTY_PIPELINE)
    check_id(document_id)
    versions = versioning(request, op_type, has_id=document_id is not None)
    processed = pipelines.Incoming(request.parameter("index"), document_id, request.body)
    index = targets.writable(request, request.parameter("index"), require_alias=request.flag("require_alias"))
    state = request.state
    outcome = pipelines.run(
        state.pipelines, index, processed, request.query.get("pipeline"), clock=state.clock
    )
    if outcome is None:
        return Answer(dropped(index, document_id), 200)
    if outcome.index_name != request.parameter("index"):
        index = targets.writable(request, outcome.index_name)
    write = index.index(
        outcome.id,
        outcome.source,
        parsed=outcome.parsed,
        op_type=op_type,
        if_seq_no=versions.if_seq_no,
        if_primary_term=versions.if_primary_term,
        external_version=versions.version,
        version_type=versions.version_type,
    )
    request.effect.note(write)
    answer = Answer(written(index, write, refresh), write.status)
    if write.result == "created":
        return Answer(answer.body, answer.status, {"Location": f"/{index.name}/_doc/{write.id}"})
    return answer


def dropped(index: Index, document_id: str | None) -> dict[str, Any]:
    """The answer for a document that its pipeline dropped."""
    return {
        "_index": index.name,
        "_id": document_id,
        "_version": -3,
        "result": "noop",
        "_shards": SHARDS_NONE,
    }


def _mget_entries(body: Mapping[str, Any], default: str | None) -> Iterator[dict[str, Any]]:
    entries = body.get("docs")
    if entries is None:
        entries = [{"_id": document_id} for document_id in body.get("ids") or ()]
    if not isinstance(entries, list):
        raise errors.query_parsing("unexpected token [VALUE_STRING], expected [START_ARRAY]")
    for entry in entries:
        if not isinstance(entry, dict):
            raise errors.illegal_argument("docs array element should include an object")
        entry = {"_index": default, **entry}
        if entry.get("_index") is None:
            raise errors.validation("index is missing for doc 0")
        if entry.get("_id") is None:
            raise errors.validation("id is missing for doc 0")
        yield entry


def _mget_one(request: Request, entry: Mapping[str, Any], choice: SourceFilter) -> dict[str, Any]:
    name, document_id = str(entry["_index"]), str(entry["_id"])
    if "_source" in entry:
        choice = SourceFilter.from_wire(entry["_source"])
    try:
        request.principal.demand_index(MGET_READ, [name])
        index = request.state.index(name)
        targets.check_open(index)
    except errors.ElasticsearchError as error:
        return {
            "_index": name,
            "_id": document_id,
            "error": {"root_cause": [error.cause()], **error.cause()},
        }
    document = _read(request, index, document_id)
    if document is None:
        return {"_index": index.name, "_id": document_id, "found": False}
    return found(index, document, choice)


MGET_READ = IndexPrivilege("read", "indices:data/read/mget[shard]")
INDEX = IndexPrivilege("index", "indices:data/write/index")
CREATE = IndexPrivilege("create_doc", "indices:data/write/index:op_type/create")
DELETE = IndexPrivilege("delete", "indices:data/write/delete")
READ = IndexPrivilege("read", "indices:data/read/get")

WRITE_PARAMETERS = frozenset(
    {
        "if_primary_term",
        "if_seq_no",
        "include_source_on_error",
        "op_type",
        "pipeline",
        "refresh",
        "require_alias",
        "require_data_stream",
        "routing",
        "timeout",
        "version",
        "version_type",
        "wait_for_active_shards",
    }
)
GET_PARAMETERS = frozenset(
    {
        "_source",
        "_source_excludes",
        "_source_includes",
        "preference",
        "realtime",
        "refresh",
        "routing",
        "stored_fields",
        "version",
        "version_type",
    }
)

ROUTES = [
    Route("PUT", "/{index}/_doc/{id}", put, WRITE_PARAMETERS, Body.OPTIONAL, INDEX),
    Route("POST", "/{index}/_doc/{id}", put, WRITE_PARAMETERS, Body.OPTIONAL, INDEX),
    Route("POST", "/{index}/_doc", post, WRITE_PARAMETERS, Body.OPTIONAL, CREATE),
    Route("PUT", "/{index}/_create/{id}", create, WRITE_PARAMETERS, Body.OPTIONAL, CREATE),
    Route("POST", "/{index}/_create/{id}", create, WRITE_PARAMETERS, Body.OPTIONAL, CREATE),
    Route("GET", "/{index}/_doc/{id}", get, GET_PARAMETERS, Body.NONE, READ),
    Route("HEAD", "/{index}/_doc/{id}", exists, GET_PARAMETERS, Body.NONE, READ),
    Route("GET", "/{index}/_source/{id}", get_source, GET_PARAMETERS, Body.NONE, READ),
    Route("HEAD", "/{index}/_source/{id}", exists, GET_PARAMETERS, Body.NONE, READ),
    Route("DELETE", "/{index}/_doc/{id}", delete, WRITE_PARAMETERS, Body.NONE, DELETE),
    *(
        Route(method, path, mget, GET_PARAMETERS, Body.REQUIRED, None)
        for method in ("GET", "POST")
        for path in ("/_mget", "/{index}/_mget")
    ),
]
