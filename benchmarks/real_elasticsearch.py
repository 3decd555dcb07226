"""A real Elasticsearch to measure: the index of a benchmark in it, and what filling that costs the server.

The one that ELASTICSEARCH_URL names, or the one that Maven fetches.
"""

import base64
import json
import os
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from benchmarks.tasks import INDEX, MEBIBYTE
from tests.cluster.server import running

PAGE_DOCUMENTS = 1000
BODY_BYTES = 5 * MEBIBYTE
SETTLE_SECONDS = 0.2
EMPTY_PIPELINE = "benchmark-empty"


@dataclass(frozen=True, slots=True)
class RealElasticsearch:
    """One cluster, by its URL with user and password in it."""

    url: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON, return the JSON of the answer; raises for an error."""
        address, headers = without_credentials(self.url)
        request = urllib.request.Request(
            address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def remove_index(self) -> None:
        """Remove the index of the benchmark, if it is there."""
        self.call("DELETE", f"/{INDEX}?ignore_unavailable=true")

    def cpu_seconds(self) -> float:
        """Return the processor time of all nodes, once they merge no more."""
        while True:
            nodes = self.call("GET", "/_nodes/stats/process,indices")["nodes"].values()
            if not any(node["indices"]["merges"]["current"] for node in nodes):
                return float(sum(node["process"]["cpu"]["total_in_millis"] for node in nodes) / 1000)
            time.sleep(SETTLE_SECONDS)

    def stored_bytes(self) -> int:
        """Return the size of the index on disk."""
        self.call("POST", f"/{INDEX}/_flush")
        stats = self.call("GET", f"/{INDEX}/_stats/store")
        return int(stats["_all"]["total"]["store"]["size_in_bytes"])

    def definition(self) -> dict[str, Any]:
        """Return what the index can be created with again."""
        found = self.call("GET", f"/{INDEX}")[INDEX]
        limit = found["settings"]["index"]["mapping"]["total_fields"]["limit"]
        settings = {
            "index.mapping.total_fields.limit": limit,
            "index.store.stats_refresh_interval": "0s",  # or a size is as old as ten seconds
        }
        return {"mappings": found["mappings"], "settings": settings}

    def write_bodies(self, folder: Path) -> None:
        """Write every document of the index as bulk bodies, a file each."""
        lines, size, count = [], 0, 0
        for hit in self._hits():
            action = _compact({"index": {"_id": hit["_id"]}})
            lines.append(f"{action}\n{_compact(hit['_source'])}\n".encode())
            size += len(lines[-1])
            if size > BODY_BYTES:
                (folder / f"{count:06}").write_bytes(b"".join(lines[:-1]))
                lines, size, count = lines[-1:], len(lines[-1]), count + 1
        (folder / f"{count:06}").write_bytes(b"".join(lines))

    def _hits(self) -> Iterator[Mapping[str, Any]]:
        pit = self.call("POST", f"/{INDEX}/_pit?keep_alive=5m")["id"]
        body = {"size": PAGE_DOCUMENTS, "sort": ["_shard_doc"], "pit": {"id": pit, "keep_alive": "5m"}}
        while hits := self.call("POST", "/_search", body)["hits"]["hits"]:
            yield from hits
            body["search_after"] = hits[-1]["sort"]
        self.call("DELETE", "/_pit", {"id": pit})


@contextmanager
def real_elasticsearch() -> Iterator[RealElasticsearch]:
    """Give the cluster of the environment, or start one. Raises UnavailableError if there is none."""
    named = os.environ.get("ELASTICSEARCH_URL")
    if named:
        yield _prepared(named)
        return
    with running() as url:
        yield _prepared(url)


def without_credentials(url: str) -> tuple[str, dict[str, str]]:
    """Return a URL without user and password, and the header they stand for."""
    parts = urlsplit(url)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    if parts.username is None:
        return bare, {}
    pair = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    return bare, {"Authorization": f"Basic {pair}"}


def _compact(value: Any) -> str:
    """Write JSON as the service does: without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _prepared(url: str) -> RealElasticsearch:
    server = RealElasticsearch(url)
    server.call("PUT", f"/_ingest/pipeline/{EMPTY_PIPELINE}", {"processors": []})
    return server
