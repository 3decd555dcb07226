"""A connection to the real Elasticsearch, for requests that are sent one after the other."""

import base64
import http.client
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

TIMEOUT_SECONDS = 60


class Connection:
    """Sends a request as it is and waits for the answer."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._http = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        pair = f"{parts.username}:{parts.password}".encode()
        self._authorization = f"Basic {base64.b64encode(pair).decode()}"

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Return response and body; sent as the user of the URL unless the headers say who."""
        self._http.request(method, target, body or None, {"Authorization": self._authorization, **headers})
        response = self._http.getresponse()
        return response, response.read()

    def call(self, method: str, target: str, body: Any = None) -> Any:
        """Send JSON and return the JSON that answers it, whatever its status."""
        content = b"" if body is None else orjson.dumps(body)
        _, answer = self.send(method, target, {"Content-Type": "application/json"}, content)
        return orjson.loads(answer) if answer else None

    def clean_up(self) -> None:
        """Remove every index and pipeline, whatever its indices are protected from."""
        for index in self.call("GET", "/_cat/indices?h=index&format=json&expand_wildcards=open,closed"):
            path = f"/{index['index']}"
            if "error" in self.call("DELETE", path):
                self.call("PUT", f"{path}/_settings", {"index.blocks.read_only": None})
                self.call("DELETE", path)
        for pipeline in self.call("GET", "/_ingest/pipeline"):
            self.call("DELETE", f"/_ingest/pipeline/{pipeline}")

    def close(self) -> None:
        """Close it."""
        self._http.close()
