"""Routes of ingest pipelines: put, get, delete, simulate."""

import fnmatch
from typing import Any

from sandbox.elasticsearch import errors, pipelines
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.pipelines import DroppedError, Ingested
from sandbox.elasticsearch.security import ClusterPrivilege

TIMEOUTS = frozenset({"master_timeout", "timeout"})


def put(request: Request) -> Answer:
    """Store a pipeline."""
    name = request.parameter("id")
    body = request.json_object()
    pipeline = pipelines.Pipeline.from_wire(body, name)
    _check_version(request, name, body)
    request.state.pipelines[name] = pipeline
    return Answer({"acknowledged": True})


def get(request: Request) -> Answer:
    """The pipelines of these names; 404 with an empty object if there are none."""
    names = request.parameter("id") or "*"
    found = {
        name: {} if request.flag("summary") else pipeline.body
        for name, pipeline in request.state.pipelines.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in names.split(","))
    }
    is_missing = not found and "*" not in names
    return Answer(found, 404 if is_missing else 200)


def delete(request: Request) -> Answer:
    """Remove the pipelines of these names."""
    name = request.parameter("id")
    matching = [known for known in request.state.pipelines if fnmatch.fnmatchcase(known, name)]
    if not matching and name != "*":
        raise errors.not_found(f"pipeline [{name}] is missing")
    for known in matching:
        _check_unused(request, known)
    for known in matching:
        del request.state.pipelines[known]
    return Answer({"acknowledged": True})


def simulate(request: Request) -> Answer:
    """Run a pipeline, stored or given, on the documents of the body."""
    body = request.json_object()
    name = request.path_parameters.get("id", pipelines.SIMULATED)
    if "id" in request.path_parameters:
        if name not in request.state.pipelines:
            raise errors.illegal_argument(f"pipeline [{name}] does not exist")
        pipeline = request.state.pipelines[name]
    else:
        if "pipeline" not in body:
            raise errors.ElasticsearchError(
                400,
                "parse_exception",
                "[pipeline] required property is missing",
                members={"property_name": "pipeline"},
            )
        pipeline = pipelines.Pipeline.from_wire(body["pipeline"])
    entries = body.get("docs")
    if not isinstance(entries, list) or not entries:
        raise errors.illegal_argument("must specify at least one document in [docs]")
    is_verbose = request.flag("verbose")
    documents = [_document(request, entry) for entry in entries]
    if is_verbose:
        known = request.state.pipelines
        traces = [pipelines.traced(known, pipeline, document, name) for document in documents]
        return Answer({"docs": [{"processor_results": results} for results in traces]})
    return Answer({"docs": [_simulated(request, pipeline, document) for document in documents]})


def _check_version(request: Request, name: str, body: dict[str, Any]) -> None:
    version = body.get("version")
    if version is not None and not (isinstance(version, int) or str(version).isdigit()):
        raise errors.ElasticsearchError(
            400,
            "parse_exception",
            f"[version] property cannot be converted to an int [{version}]",
            members={"property_name": "version"},
        )
    required = request.optional_integer("if_version")
    if required is None:
        return
    present = request.state.pipelines.get(name)
    current = present.body.get("version") if present is not None else None
    if current != required:
        found = f"current version is [{current}]" if present is not None else "no pipeline was found"
        raise errors.illegal_argument(
            f"version conflict, required version [{required}] for pipeline [{name}] but {found}"
        )


def _check_unused(request: Request, name: str) -> None:
    """Refuse to delete a pipeline that documents of an index go through."""
    uses = []
    for kind in ("default", "final"):
        indices = [
            index.name
            for index in request.state.indices.values()
            if index.settings.values.get(f"{kind}_pipeline") == name
        ]
        if indices:
            shown = ",".join(indices[:3])
            uses.append(f"the {kind} pipeline for {len(indices)} index(es) including [{shown}]")
    if uses:
        raise errors.illegal_argument(
            f"pipeline [{name}] cannot be deleted because it is {' and '.join(uses)}"
        )


def _document(request: Request, entry: Any) -> Ingested:
    if not isinstance(entry, dict) or not isinstance(entry.get("_source"), dict):
        raise errors.ElasticsearchError(
            400,
            "parse_exception",
            "[_source] required property is missing",
            members={"property_name": "_source"},
        )
    return Ingested(
        str(entry.get("_index", "_index")),
        str(entry.get("_id", "_id")),
        entry["_source"],
        request.state.clock,
    )


def _simulated(request: Request, pipeline: pipelines.Pipeline, document: Ingested) -> Any:
    try:
        pipelines.execute(request.state.pipelines, pipeline, document)
    except DroppedError:
        return None
    except errors.ElasticsearchError as error:
        return {"error": error.body()["error"]}
    return {"doc": pipelines.shown(document)}


MANAGE_PUT = ClusterPrivilege("manage_pipeline", "cluster:admin/ingest/pipeline/put")
MANAGE_DELETE = ClusterPrivilege("manage_pipeline", "cluster:admin/ingest/pipeline/delete")
SIMULATE = ClusterPrivilege("read_pipeline", "cluster:admin/ingest/pipeline/simulate")
READ = ClusterPrivilege("read_pipeline", "cluster:admin/ingest/pipeline/get")

ROUTES = [
    Route("PUT", "/_ingest/pipeline/{id}", put, TIMEOUTS | {"if_version"}, Body.REQUIRED, MANAGE_PUT),
    Route("GET", "/_ingest/pipeline/{id}", get, TIMEOUTS | {"summary"}, Body.NONE, READ),
    Route("GET", "/_ingest/pipeline", get, TIMEOUTS | {"summary"}, Body.NONE, READ),
    Route("DELETE", "/_ingest/pipeline/{id}", delete, TIMEOUTS, Body.NONE, MANAGE_DELETE),
    *(
        Route(method, path, simulate, frozenset({"verbose"}), Body.REQUIRED, SIMULATE)
        for method in ("GET", "POST")
        for path in ("/_ingest/pipeline/_simulate", "/_ingest/pipeline/{id}/_simulate")
    ),
]
