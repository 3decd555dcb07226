"""One Elasticsearch to hold to its contract: the embedded one, or the cluster that ELASTICSEARCH_URL names.

A `ConnectorApi` gives every test names of its own and removes what the test created, so that a shared cluster
stays as it was. The URL may carry `user:password@`; the user must be allowed to create API keys.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp

from tests.contract.elasticsearch.api import basic

READ_ONLY = {
    "reader": {"cluster": ["monitor_connector", "read_connector_secrets", "write_connector_secrets"]}
}
UNPRIVILEGED = {"nobody": {"cluster": ["read_pipeline"]}}


class Reply(NamedTuple):
    """A status and the JSON that came with it."""

    status: int
    body: Any

    @property
    def reason(self) -> str:
        """The reason of an error."""
        return str(self.body["error"]["reason"])

    @property
    def error_type(self) -> str:
        """The type of an error."""
        return str(self.body["error"]["type"])

    @property
    def cause(self) -> Any:
        """What caused the error."""
        return self.body["error"].get("caused_by")

    @property
    def innermost_reason(self) -> str:
        """The reason at the end of the chain of causes."""
        error = self.body["error"]
        while "caused_by" in error:
            error = error["caused_by"]
        return str(error["reason"])


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls the server."""

    session: aiohttp.ClientSession
    url: str
    authorization: str | None = None

    async def call(self, method: str, path: str, body: Any = None) -> Reply:
        """Send one request; a body that is not text is sent as JSON."""
        headers = {"Authorization": self.authorization} if self.authorization else {}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = body if isinstance(body, str) else json.dumps(body)
        async with self.session.request(method, self.url + path, data=content, headers=headers) as response:
            text = await response.text()
        return Reply(response.status, json.loads(text) if text else None)

    async def get(self, path: str) -> Reply:
        """GET."""
        return await self.call("GET", path)

    async def put(self, path: str, body: Any = None) -> Reply:
        """PUT."""
        return await self.call("PUT", path, body)

    async def post(self, path: str, body: Any = None) -> Reply:
        """POST."""
        return await self.call("POST", path, body)

    async def delete(self, path: str) -> Reply:
        """DELETE."""
        return await self.call("DELETE", path)


@dataclass(slots=True)
class ConnectorApi:
    """An Elasticsearch with the names and the callers of one test."""

    admin: Caller
    token: str = field(default_factory=lambda: uuid.uuid4().hex[:10])
    _connectors: list[str] = field(default_factory=list)
    _secrets: list[str] = field(default_factory=list)
    _api_keys: list[str] = field(default_factory=list)

    def unique(self, name: str) -> str:
        """A name no other test uses."""
        return f"{name}-{self.token}"

    async def connector(self, name: str = "test-connector", **members: Any) -> str:
        """Create the connector most tests start from; return its id."""
        defaults = {
            "index_name": self.unique("search-1-test"),
            "name": "my-connector",
            "language": "pl",
            "is_native": False,
            "service_type": "super-connector",
        }
        return await self.create(name, {**defaults, **members})

    async def create(self, name: str, body: Mapping[str, Any] | None = None) -> str:
        """Create a connector from exactly this body; return its id."""
        connector_id = self.unique(name)
        reply = await self.put_connector(connector_id, body)
        assert reply.status == 201, reply
        return connector_id

    async def put_connector(
        self, connector_id: str, body: Any = None, *, caller: Caller | None = None
    ) -> Reply:
        """PUT a connector and remember to remove it."""
        self._connectors.append(connector_id)
        return await (caller or self.admin).put(f"/_connector/{connector_id}", body)

    async def post_connector(self, body: Any = None, *, caller: Caller | None = None) -> Reply:
        """POST a connector and remember to remove it."""
        return self._remembered(await (caller or self.admin).post("/_connector", body))

    async def put_connector_without_id(self, body: Any = None) -> Reply:
        """PUT a connector under a generated id and remember to remove it."""
        return self._remembered(await self.admin.put("/_connector", body))

    async def read(self, connector_id: str) -> Any:
        """The connector as GET shows it."""
        reply = await self.admin.get(f"/_connector/{connector_id}")
        assert reply.status == 200, reply
        return reply.body

    async def update(self, connector_id: str, route: str, body: Any = None) -> Reply:
        """PUT to one of the connector's routes."""
        return await self.admin.put(f"/_connector/{connector_id}/{route}", body)

    async def updated(self, connector_id: str, route: str, body: Any = None) -> None:
        """PUT to one of the connector's routes, which must report an update."""
        assert await self.update(connector_id, route, body) == (200, {"result": "updated"})

    async def sync_job(self, connector_id: str, **members: Any) -> str:
        """Create a sync job; return its id."""
        reply = await self.admin.post("/_connector/_sync_job", {"id": connector_id, **members})
        assert reply.status == 201, reply
        assert list(reply.body) == ["id"]
        return str(reply.body["id"])

    async def read_job(self, job_id: str) -> Any:
        """The job as GET shows it."""
        reply = await self.admin.get(f"/_connector/_sync_job/{job_id}")
        assert reply.status == 200, reply
        return reply.body

    async def update_job(self, job_id: str, route: str, body: Any = None) -> Reply:
        """PUT to one of the job's routes."""
        return await self.admin.put(f"/_connector/_sync_job/{job_id}/{route}", body)

    async def updated_job(self, job_id: str, route: str, body: Any = None) -> None:
        """PUT to one of the job's routes, which must report an update."""
        assert await self.update_job(job_id, route, body) == (200, {"result": "updated"})

    async def put_secret(self, name: str, value: str, *, caller: Caller | None = None) -> Reply:
        """PUT a secret and remember to remove it."""
        self._secrets.append(self.unique(name))
        return await (caller or self.admin).put(f"/_connector/_secret/{self.unique(name)}", {"value": value})

    async def post_secret(self, value: str | None, *, caller: Caller | None = None) -> Reply:
        """POST a secret and remember to remove it."""
        reply = await (caller or self.admin).post("/_connector/_secret", {"value": value})
        if reply.status == 200:
            self._secrets.append(reply.body["id"])
        return reply

    async def restricted(self, role_descriptors: Mapping[str, Any]) -> Caller:
        """A caller who may do no more than these roles allow."""
        body = {"name": self.unique("contract"), "role_descriptors": role_descriptors}
        reply = await self.admin.post("/_security/api_key", body)
        assert reply.status == 200, reply
        self._api_keys.append(reply.body["id"])
        return Caller(self.admin.session, self.admin.url, f"ApiKey {reply.body['encoded']}")

    async def read_only(self) -> Caller:
        """A caller who may read connectors and jobs (and use secrets)."""
        return await self.restricted(READ_ONLY)

    async def unprivileged(self) -> Caller:
        """A caller who may do nothing with connectors."""
        return await self.restricted(UNPRIVILEGED)

    def stranger(self) -> Caller:
        """A caller the server does not know."""
        return Caller(self.admin.session, self.admin.url, basic("entsearch-unprivileged", "a-wrong-password"))

    async def clean_up(self) -> None:
        """Remove everything the test created."""
        for connector_id in self._connectors:
            if connector_id:
                path = f"/_connector/{quote(connector_id)}"
                await self.admin.delete(f"{path}?hard=true&delete_sync_jobs=true")
        for secret_id in self._secrets:
            await self.admin.delete(f"/_connector/_secret/{secret_id}")
        if self._api_keys:
            await self.admin.call("DELETE", "/_security/api_key", {"ids": self._api_keys})

    def _remembered(self, reply: Reply) -> Reply:
        if reply.status == 201:
            self._connectors.append(reply.body["id"])
        return reply
