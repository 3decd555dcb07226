"""What the real Elasticsearch consists of, for tests that need a part of it.

@pytest.mark.needs("ingest-common", "version 9")
"""

import functools
import os

from tests.cluster.connection import Connection

URL = os.environ.get("ELASTICSEARCH_URL", "")


@functools.cache
def available() -> frozenset[str]:
    """The modules and plugins of the server at ELASTICSEARCH_URL, and its major version, as `version 8`."""
    connection = Connection(URL)
    try:
        nodes = connection.call("GET", "/_nodes/plugins")["nodes"].values()
    finally:
        connection.close()
    parts = {part["name"] for node in nodes for kind in ("modules", "plugins") for part in node[kind]}
    versions = {f"version {node['version'].partition('.')[0]}" for node in nodes}
    return frozenset(parts | versions)
