"""The cluster as a whole: who the server is, its license, its health, the list of its indices."""

from datetime import timedelta
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.api import targets
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Expansion, Index, duration_seconds
from sandbox.elasticsearch.mapping import dates
from sandbox.elasticsearch.security import ClusterPrivilege, IndexPrivilege

STATUSES = ("green", "yellow", "red")
TRIAL = timedelta(days=30)
CAT_COLUMNS = (
    "health",
    "status",
    "index",
    "uuid",
    "pri",
    "rep",
    "docs.count",
    "docs.deleted",
    "store.size",
    "pri.store.size",
)


def root(request: Request) -> Answer:
    """`GET /`: name and version."""
    state = request.state
    major = state.version.partition(".")[0]
    return Answer(
        {
            "name": "sandbox",
            "cluster_name": state.cluster_name,
            "cluster_uuid": state.cluster_uuid,
            "version": {
                "number": state.version,
                "build_flavor": state.build_flavor,
                "build_type": "docker",
                "build_hash": "0" * 40,
                "build_date": "2025-07-09T22:10:13.578182715Z",
                "build_snapshot": False,
                "lucene_version": "10.2.2",
                "minimum_wire_compatibility_version": "8.19.0" if major == "9" else "7.17.0",
                "minimum_index_compatibility_version": "8.0.0" if major == "9" else "7.0.0",
            },
            "tagline": "You Know, for Search",
        }
    )


def license_(request: Request) -> Answer:
    """A trial license, which allows everything."""
    _not_on_serverless(request)
    issued = request.state.clock.milliseconds()
    expires = issued + int(TRIAL.total_seconds() * 1000)
    return Answer(
        {
            "license": {
                "status": "active",
                "uid": request.state.cluster_uuid,
                "type": "trial",
                "issue_date": dates.iso(issued),
                "issue_date_in_millis": issued,
                "expiry_date": dates.iso(expires),
                "expiry_date_in_millis": expires,
                "max_nodes": 1000,
                "max_resource_units": None,
                "issued_to": request.state.cluster_name,
                "issuer": "elasticsearch",
                "start_date_in_millis": -1,
            }
        }
    )


def health(request: Request) -> Answer:
    """The state of the cluster or of some indices; waiting for what will not come ends at once, in 408."""
    wanted = request.query.get("wait_for_status", "red").lower()
    if wanted not in STATUSES:
        raise errors.illegal_argument(f"unknown cluster health status [{wanted}]")
    if "timeout" in request.query:
        duration_seconds(request.query["timeout"], "timeout")
    expression = request.parameter("index")
    status = "green"
    indices = list(request.state.indices.values())
    if expression:
        indices = request.state.resolve(expression, Expansion.of("all", ignore_unavailable=True))
        missing = [
            name for name in expression.split(",") if "*" not in name and not request.state.named(name)
        ]
        status = "red" if missing else "green"
    is_reached = STATUSES.index(status) <= STATUSES.index(wanted)
    body = _health(request, status, len(indices), timed_out=not is_reached)
    return Answer(body, 200 if is_reached else 408)


def cat_indices(request: Request) -> Answer:
    """The list of indices, as text or as JSON."""
    indices = targets.named(request, expand_wildcards="open,closed")
    rows = [_cat_row(index) for index in sorted(indices, key=lambda index: index.name)]
    columns = request.names("h") or list(CAT_COLUMNS)
    if request.query.get("format") == "json":
        return Answer([{name: row.get(name, "") for name in columns} for row in rows])
    shown = [columns, *[[str(row.get(name, "")) for name in columns] for row in rows]]
    lines = shown if request.flag("v") else shown[1:]
    widths = [max((len(line[number]) for line in lines), default=0) for number in range(len(columns))]
    text = "".join(
        " ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )
    return Answer(text.encode(), headers={"Content-Type": "text/plain; charset=UTF-8"})


def nodes(request: Request) -> Answer:
    """The one node there is."""
    node = {
        "name": "sandbox",
        "version": request.state.version,
        "roles": ["data", "ingest", "master"],
        "attributes": {},
        "http": {"max_content_length_in_bytes": request.state.max_content_bytes},
    }
    return Answer(
        {
            "_nodes": {"total": 1, "successful": 1, "failed": 0},
            "cluster_name": request.state.cluster_name,
            "nodes": {"sandbox": node},
        }
    )


def xpack(request: Request) -> Answer:
    """The features a client may ask about."""
    available = {"available": True, "enabled": True}
    return Answer(
        {
            "build": {"hash": "0" * 40, "date": "2025-07-09T22:10:13.578Z"},
            "license": {
                "uid": request.state.cluster_uuid,
                "type": "trial",
                "mode": "trial",
                "status": "active",
            },
            "features": {
                "enterprise_search": available,
                "security": available,
                "ml": {**available, "enabled": False},
            },
            "tagline": "You know, for X",
        }
    )


def _not_on_serverless(request: Request) -> None:
    if request.state.build_flavor == "serverless":
        raise errors.ElasticsearchError(
            410,
            "api_not_available_exception",
            f"Request for uri [{request.path}] with method [{request.method}] exists but is not "
            "available when running "
            "in serverless mode",
        )


def _health(request: Request, status: str, shards: int, *, timed_out: bool) -> dict[str, Any]:
    return {
        "cluster_name": request.state.cluster_name,
        "status": status,
        "timed_out": timed_out,
        "number_of_nodes": 1,
        "number_of_data_nodes": 1,
        "active_primary_shards": shards,
        "active_shards": shards,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": 0,
        "unassigned_primary_shards": 0,
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": 100.0,
    }


def _cat_row(index: Index) -> dict[str, str]:
    size = f"{index.stored_bytes()}b"
    return {
        "health": "green",
        "status": "close" if index.is_closed else "open",
        "index": index.name,
        "uuid": index.uuid,
        "pri": str(index.settings.values.get("number_of_shards", "1")),
        "rep": str(index.settings.values.get("number_of_replicas", "1")),
        "docs.count": str(len(index)),
        "docs.deleted": "0",
        "store.size": size,
        "pri.store.size": size,
    }


MAIN = ClusterPrivilege("monitor", "cluster:monitor/main")
LICENSE = ClusterPrivilege("monitor", "cluster:monitor/xpack/license/get")
HEALTH = ClusterPrivilege("monitor", "cluster:monitor/health")
NODES = ClusterPrivilege("monitor", "cluster:monitor/nodes/info")
XPACK = ClusterPrivilege("monitor", "cluster:monitor/xpack/info")
CAT = IndexPrivilege("monitor", "indices:monitor/stats")

HEALTH_PARAMETERS = frozenset(
    {
        "expand_wildcards",
        "level",
        "local",
        "master_timeout",
        "timeout",
        "wait_for_active_shards",
        "wait_for_events",
        "wait_for_no_initializing_shards",
        "wait_for_no_relocating_shards",
        "wait_for_nodes",
        "wait_for_status",
    }
)
CAT_PARAMETERS = targets.READ_PARAMETERS | {
    "v",
    "h",
    "s",
    "help",
    "bytes",
    "health",
    "time",
    "pri",
    "master_timeout",
}

ROUTES = [
    Route("GET", "/", root, privilege=MAIN),
    Route("HEAD", "/", root, privilege=MAIN),
    Route("GET", "/_license", license_, frozenset({"local", "accept_enterprise"}), Body.NONE, LICENSE),
    Route("GET", "/_cluster/health", health, HEALTH_PARAMETERS, Body.NONE, HEALTH),
    Route("GET", "/_cluster/health/{index}", health, HEALTH_PARAMETERS, Body.NONE, HEALTH),
    Route("GET", "/_nodes", nodes, frozenset({"timeout", "flat_settings"}), Body.NONE, NODES),
    Route("GET", "/_nodes/{metric}", nodes, frozenset({"timeout", "flat_settings"}), Body.NONE, NODES),
    Route("GET", "/_xpack", xpack, frozenset({"categories", "accept_enterprise"}), Body.NONE, XPACK),
    Route("GET", "/_cat/indices", cat_indices, CAT_PARAMETERS, Body.NONE, CAT),
    Route("GET", "/_cat/indices/{index}", cat_indices, CAT_PARAMETERS, Body.NONE, CAT),
]
