"""A small harness for tests of the service: an embedded Elasticsearch, a fake source, and services.

Users act through HTTP as they would with curl; the service is the real one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import aiohttp

from ingest.config import Config, ConnectorEntry, Elasticsearch
from ingest.config import Service as ServiceSettings
from ingest.elasticsearch.client import connect
from ingest.service.process import Service
from sandbox.elasticsearch import Server
from sources.contract import ADDED_MEMBERS, Source
from tests.support.history.events import events_of
from tests.support.history.promises import Circumstances, problems
from tests.support.shelf_source import SERVICE_TYPE, Shelf, source_over

T = TypeVar("T")
CONNECTOR = "my-connector-id"
LONGEST_PAUSE_SECONDS = 0.1
"""Between two looks: each is a request to a server of this process, which takes time from the rest of it."""
PATIENCE_SECONDS = 180.0
"""More than the minute for which the service tries one request again before its job is in error."""


def config_for(server: Server, *connector_ids: str, **service: Any) -> Config:
    """Return a configuration with intervals a test can wait for."""
    fast: dict[str, Any] = {
        "idling_seconds": 0.1,
        "job_poll_interval_seconds": 0.1,
        "job_check_interval_seconds": 0.1,
        "job_report_interval_seconds": 0.1,
        "shutdown_timeout_seconds": 5,
        "max_concurrent_content_syncs": 4,
    }
    return Config(
        elasticsearch=replace(Elasticsearch(), hosts=(server.url,)),
        service=replace(ServiceSettings(), **{**fast, **service}),
        connectors=tuple(entry_of(connector_id) for connector_id in connector_ids or (CONNECTOR,)),
    )


def entry_of(connector_id: str, **members: Any) -> ConnectorEntry:
    """Return an entry of `connectors` in `config.yml`."""
    return ConnectorEntry(connector_id=connector_id, service_type=SERVICE_TYPE, **members)


@dataclass(slots=True)
class ServiceHarness:
    """A user's view of Elasticsearch, and the services that run against it."""

    server: Server
    session: aiohttp.ClientSession
    shelf: Shelf = field(default_factory=Shelf)

    async def request(self, method: str, path: str, body: Any = None, **params: str) -> tuple[int, Any]:
        """Send JSON, return status and JSON."""
        async with self.session.request(method, self.server.url + path, json=body, params=params) as answer:
            return answer.status, await answer.json(content_type=None)

    async def ok(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        """Send JSON that must be accepted."""
        status, answer = await self.request(method, path, body, **params)
        assert status < 300, (method, path, status, answer)
        return answer

    async def connector(self, connector_id: str = CONNECTOR) -> dict[str, Any]:
        """Return the connector as the API answers it."""
        return dict(await self.ok("GET", f"/_connector/{connector_id}"))

    async def job(self, job_id: str) -> dict[str, Any]:
        """Return the job as the API answers it."""
        return dict(await self.ok("GET", f"/_connector/_sync_job/{job_id}"))

    async def create_connector(self, connector_id: str = CONNECTOR, index_name: str = "music") -> None:
        """Create a connector nobody has configured."""
        body = {"index_name": index_name, "service_type": SERVICE_TYPE, "name": connector_id}
        await self.ok("PUT", f"/_connector/{connector_id}", body)

    async def configure(self, connector_id: str = CONNECTOR, **values: Any) -> None:
        """Give the connector's configuration values, as a user does once the schema is there."""
        await self.ok(
            "PUT", f"/_connector/{connector_id}/_configuration", {"values": {"host": "shelf", **values}}
        )

    async def create_job(self, connector_id: str = CONNECTOR, job_type: str = "full") -> str:
        """Ask for a sync."""
        answer = await self.ok("POST", "/_connector/_sync_job", {"id": connector_id, "job_type": job_type})
        return str(answer["id"])

    async def write(self, index: str, document_id: str, members: Mapping[str, Any]) -> None:
        """Change a protocol document directly, not through its API."""
        await self.ok("POST", f"/{index}/_update/{document_id}", {"doc": members}, refresh="true")

    async def titles(self, index: str = "music") -> set[str]:
        """Return what is searchable."""
        answer = await self.ok("POST", f"/{index}/_search", {"size": 1000, "query": {"match_all": {}}})
        return {hit["_source"]["title"] for hit in answer["hits"]["hits"]}

    async def content(self, index: str = "music") -> dict[str, dict[str, Any]]:
        """Return what the index holds by id, without the members the service adds."""
        await self.ok("POST", f"/{index}/_refresh")
        answer = await self.ok("POST", f"/{index}/_search", {"size": 1000, "query": {"match_all": {}}})
        return {hit["_id"]: without_added(hit["_source"]) for hit in answer["hits"]["hits"]}

    async def problems(self, living: frozenset[str], *job_ids: str) -> list[str]:
        """Return every promise that a request in the journal breaks, for one connector and its jobs."""
        circumstances = Circumstances(
            connector_of=dict.fromkeys(job_ids, CONNECTOR),
            living=living,
            jobs={job_id: await self.job(job_id) for job_id in job_ids},
            connectors={CONNECTOR: await self.connector()},
        )
        return problems(events_of(self.server.journal), circumstances)

    async def until_connector(self, status: str, connector_id: str = CONNECTOR) -> dict[str, Any]:
        """Wait until the connector has the status."""
        return await until(lambda: self.connector(connector_id), lambda one: one["status"] == status)

    async def until_job(self, job_id: str, *statuses: str) -> dict[str, Any]:
        """Wait until the job has one of the statuses."""
        return await until(lambda: self.job(job_id), lambda one: one["status"] in statuses)

    @asynccontextmanager
    async def serving(
        self, config: Config | None = None, sources: Mapping[str, type[Source]] | None = None
    ) -> AsyncIterator[Service]:
        """Run a service; it is stopped gracefully at the end."""
        config = config or config_for(self.server)
        async with connect(config.elasticsearch) as client, asyncio.TaskGroup() as group:
            service = Service(
                config=config, client=client, sources=sources or {SERVICE_TYPE: source_over(self.shelf)}
            )
            group.create_task(service.run())
            try:
                yield service
            finally:
                service.stop()

    @asynccontextmanager
    async def ready(self, config: Config | None = None, **values: Any) -> AsyncIterator[Service]:
        """Run a service whose connector is created, configured and connected."""
        await self.create_connector()
        async with self.serving(config) as service:
            await self.until_connector("needs_configuration")
            await self.configure(**values)
            await self.until_connector("connected")
            yield service


def without_added(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document without the members the service adds."""
    return {name: value for name, value in document.items() if name not in ADDED_MEMBERS}


async def until(
    look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], *, within_seconds: float = PATIENCE_SECONDS
) -> T:
    """Poll until it holds; fail with the last value."""
    deadline = time.monotonic() + within_seconds
    pause = 0.02
    while True:
        seen = await look()
        if holds(seen):
            return seen
        assert time.monotonic() < deadline, seen
        await asyncio.sleep(pause)
        pause = min(1.3 * pause, LONGEST_PAUSE_SECONDS)
