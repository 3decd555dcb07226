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
    request.state.pipelines[name] = pipelines.Pipeline.from_wire(request.json_object())
    return Answer({"acknowledged": True})


def get(request: Request) -> Answer:
    """The pipelines of these names; 404 with an empty object if there are none."""
    names = request.parameter("id") or "*"
    found = {
        name: pipeline.body
        for name, pipeline in request.state.pipelines.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in names.split(","))
    }
    is_missing = not found and "*" not in names
    return Answer(found, 404 if is_missing else 200)


def delete(request: Request) -> Answer:
    """Remove the pipelines of these names."""
    name = request.parameter("id")
    matching = [known for known in request.state.pipelines if fnmatch.fnmatchcase(known, name)]
    if not matching and "*" not in name:
        raise errors.not_found(f"pipeline [{name}] is missing")
    for known in matching:
        del request.state.pipelines[known]
    return Answer({"acknowledged": True})


def simulate(request: Request) -> Answer:
    """Run a pipeline, stored or given, on the documents of the body."""
    body = request.json_object()
    if "id" in request.path_parameters:
        name = request.parameter("id")
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
    return Answer({"docs": [_simulated(request, pipeline, entry) for entry in entries]})


def _simulated(request: Request, pipeline: pipelines.Pipeline, entry: Any) -> Any:
    if not isinstance(entry, dict) or not isinstance(entry.get("_source"), dict):
        raise errors.ElasticsearchError(
            400,
            "parse_exception",
            "[_source] required property is missing",
            members={"property_name": "_source"},
        )
    document = Ingested(
        str(entry.get("_index", "_index")),
        str(entry.get("_id", "_id")),
        entry["_source"],
        request.state.clock,
    )
    try:
        pipelines.execute(request.state.pipelines, pipeline, document)
    except DroppedError:
        return None
    except errors.ElasticsearchError as error:
        return {"error": error.body()["error"]}
    return {
        "doc": {
            "_index": document.index,
            "_version": "-3",
            "_id": document.id,
            "_source": document.body,
            "_ingest": {"timestamp": document.clock.timestamp()},
        }
    }


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
