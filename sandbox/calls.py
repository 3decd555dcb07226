"""What a person sends to Elasticsearch to set a connector up: calls as data, to be sent or shown as curl."""

import base64
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

CONNECTOR_ID = "my-connector-id"
INDEX = "music"
TIMEOUT_SECONDS = 30

API_KEY: Mapping[str, Any] = {
    "name": "elastic-ingest",
    "role_descriptors": {
        "elastic-ingest": {
            "cluster": ["monitor", "manage_connector", "read_pipeline"],
            "indices": [
                {"names": [INDEX], "privileges": ["manage", "read", "write"]},
                {
                    "names": [".elastic-connectors*"],
                    "privileges": ["read", "write"],
                },
            ],
        }
    },
}
"""The least that the service needs (deploy/api-key.json)."""


class RefusedError(Exception):
    """Elasticsearch answered with an error."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and what a person does with it."""

    purpose: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None


CREATE_CONNECTOR = Call(
    "Create a connector for the index",
    "PUT",
    f"/_connector/{CONNECTOR_ID}",
    {"name": "Music catalogue", "index_name": INDEX, "service_type": "postgresql"},
)
READ_CONNECTOR = Call(
    "Look at it; a second later the service has registered what it needs to know, and it needs_configuration",
    "GET",
    f"/_connector/{CONNECTOR_ID}",
)
START_SYNC = Call(
    "Ask for a full sync",
    "POST",
    "/_connector/_sync_job",
    {"id": CONNECTOR_ID, "job_type": "full"},
)
START_INCREMENTAL_SYNC = Call(
    "Ask for what changed since",
    "POST",
    "/_connector/_sync_job",
    {"id": CONNECTOR_ID, "job_type": "incremental"},
)
READ_JOBS = Call(
    "See how it went",
    "GET",
    f"/_connector/_sync_job?connector_id={CONNECTOR_ID}&size=1",
)
CREATE_API_KEY = Call("Create the key that the service works with", "POST", "/_security/api_key", API_KEY)


def configure(values: Mapping[str, Any]) -> Call:
    """Return the call that tells the connector where its database is."""
    path = f"/_connector/{CONNECTOR_ID}/_configuration"
    return Call("Tell it where the database is and what to read", "PUT", path, {"values": values})


def find(field: str, text: str) -> Call:
    """Return the call that finds documents by a word in a field."""
    body = {"query": {"match": {field: text}}, "size": 1}
    return Call("Find a document", "POST", f"/{INDEX}/_search", body)


@dataclass(frozen=True, slots=True)
class Elasticsearch:
    """Where the calls go, and as whom."""

    url: str
    username: str
    password: str

    def send(self, call: Call) -> Any:
        """Send a call and return the answer, numbers exact. Raises RefusedError unless it is a success."""
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)
        credentials = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        body = None if call.body is None else json.dumps(call.body)
        try:
            connection.request(call.method, call.path, body, headers)
            response = connection.getresponse()
            content = response.read().decode()
        finally:
            connection.close()
        if response.status >= 300:
            raise RefusedError(f"{call.method} {call.path} was answered with {response.status}: {content}")
        return json.loads(content, parse_float=Decimal)

    def as_curl(self, call: Call) -> str:
        """Return the call as a command for a shell."""
        pretty = "&pretty" if "?" in call.path else "?pretty"
        words = ["curl", "-sS", "-u", f"{self.username}:{self.password}", "-X", call.method]
        command = shlex.join([*words, f"{self.url}{call.path}{pretty}"])
        if call.body is None:
            return command
        body = shlex.quote(json.dumps(call.body, indent=2, ensure_ascii=False))
        return f"{command} \\\n  -H 'Content-Type: application/json' -d {body}"
