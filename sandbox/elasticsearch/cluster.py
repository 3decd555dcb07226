"""The cluster as a whole: who the server is, its license, its health."""

from sandbox.elasticsearch.privileges import ClusterPrivilege
from sandbox.elasticsearch.request import Answer, Request
from sandbox.elasticsearch.routing import Route

MONITOR_MAIN = ClusterPrivilege("monitor", "cluster:monitor/main")


def root(request: Request) -> Answer:
    """`GET /`: name and version."""
    state = request.state
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
                "minimum_wire_compatibility_version": "8.19.0",
                "minimum_index_compatibility_version": "8.0.0",
            },
            "tagline": "You Know, for Search",
        }
    )


ROUTES = [
    Route("GET", "/", root, privilege=MONITOR_MAIN),
    Route("HEAD", "/", root, privilege=MONITOR_MAIN),
]
