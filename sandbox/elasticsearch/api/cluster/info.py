"""The cluster as a whole: its name and version, license, nodes and features."""

from datetime import timedelta

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.mapping import dates
from sandbox.elasticsearch.security import ClusterPrivilege

TRIAL = timedelta(days=30)


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


def nodes(request: Request) -> Answer:
    """The one node there is; refuses what `_nodes` says of more than its description."""
    if request.path_parameters.get("metric") in LEFT_OUT:
        text = f"no handler found for uri [{request.path}] and method [{request.method}]"
        raise errors.PlainError(400, text, with_status=False)
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


LEFT_OUT = ("hot_threads", "stats", "usage")
MAIN = ClusterPrivilege("monitor", "cluster:monitor/main")
LICENSE = ClusterPrivilege("monitor", "cluster:monitor/xpack/license/get")
NODES = ClusterPrivilege("monitor", "cluster:monitor/nodes/info")
XPACK = ClusterPrivilege("monitor", "cluster:monitor/xpack/info")

ROUTES = [
    Route("GET", "/", root, privilege=MAIN),
    Route("HEAD", "/", root, privilege=MAIN),
    Route("GET", "/_license", license_, frozenset({"local", "accept_enterprise"}), Body.NONE, LICENSE),
    Route("GET", "/_nodes", nodes, frozenset({"timeout", "flat_settings"}), Body.NONE, NODES),
    Route("GET", "/_nodes/{metric}", nodes, frozenset({"timeout", "flat_settings"}), Body.NONE, NODES),
    Route("GET", "/_xpack", xpack, frozenset({"categories", "accept_enterprise"}), Body.NONE, XPACK),
]
