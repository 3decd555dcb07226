"""What the real Elasticsearch consists of, for tests that need a part of it.

@pytest.mark.needs("ingest-common", "version 9")
"""

import functools
import os
from typing import Any

from tests.cluster.connection import Connection

URL = os.environ.get("ELASTICSEARCH_URL", "")


@functools.cache
def available() -> frozenset[str]:
    """The modules and plugins of the server at ELASTICSEARCH_URL, and its major version, as `version 8`."""
    parts = {part["name"] for node in _nodes() for kind in ("modules", "plugins") for part in node[kind]}
    return frozenset(parts | {f"version {version().partition('.')[0]}"})


def version() -> str:
    """The version of that server."""
    return str(_nodes()[0]["version"])


@functools.cache
def _nodes() -> list[dict[str, Any]]:
    connection = Connection(URL)
    try:
        return list(connection.call("GET", "/_nodes/plugins")["nodes"].values())
    finally:
        connection.close()
