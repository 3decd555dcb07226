"""A small harness for tests of the service: an embedded Elasticsearch, a fake source, and services.

Users act through HTTP as they would with curl; the service under test is the real one, in this process.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType, TracebackType
from typing import Any, ClassVar, Self, TypeVar

import aiohttp

from ingest.config import Config, ConnectorEntry, Elasticsearch
from ingest.config import Service as ServiceSettings
from ingest.elasticsearch.client import connect
from ingest.service.process import Service
from sandbox.elasticsearch import Server
from sources.contract import (
    HASH_END,
    ID_END,
    Batch,
    Features,
    Finding,
    IsUnchanged,
    Preferences,
    RowTest,
    RuleProblem,
    Slice,
    Snapshot,
    Source,
)
from sources.errors import SourceConfigurationError
from sources.network import Network
from sources.unversioned import unversioned

T = TypeVar("T")
SERVICE_TYPE = "postgresql"
CONNECTOR = "my-connector-id"
WRONG_PASSWORD = "wrong-secret"


class Shelf:
    """What the fake source reads, and how it behaves."""

    def __init__(self, rows: Mapping[str, Any] | None = None) -> None:
        self.rows = dict(rows if rows is not None else {"1": {"title": "one"}, "2": {"title": "two"}})
        self.ping_error: Exception | None = None
        self.read_error: Exception | None = None
        self.ping_gate: asyncio.Event | None = None
        """If set, a ping waits for it."""
        self.gate: asyncio.Event | None = None
        """If set, reading waits for it after the first row."""
        self.is_reading = asyncio.Event()
        self.pings = 0
        self.reads = 0
        self.rule_problems: list[RuleProblem] = []


class ShelfSlice:
    """The one slice of the fake source."""

    name = "shelf"
    estimated_rows = None
    mapping: ClassVar[Mapping[str, Any]] = {}
    scope = None

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def narrowed(self, tests: Sequence[RowTest]) -> Slice | None:
        """Leave every rule to the service."""
        return None

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Nothing is known of the past."""
        return unversioned(self, "A shelf remembers nothing.")

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Read the rows one by one, pausing or failing after the first if the shelf says so."""
        self.shelf.reads += 1
        for number, (key, row) in enumerate(list(self.shelf.rows.items())):
            line = line_of(key, row)
            known = is_unchanged is not None and bool(is_unchanged(line)[0])
            yield Batch(lines=b"" if known else line, count=0 if known else 1, unchanged=int(known))
            if number == 0:
                await self._after_the_first_row()

    async def _after_the_first_row(self) -> None:
        self.shelf.is_reading.set()
        if self.shelf.gate is not None:
            await self.shelf.gate.wait()
        if self.shelf.read_error is not None:
            raise self.shelf.read_error


class ShelfSource:
    """A source made of a dictionary; subclasses are bound to a shelf."""

    shelf: ClassVar[Shelf]
    service_type: ClassVar[str] = SERVICE_TYPE
    name: ClassVar[str] = "Shelf"
    fields: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "host": {"label": "Host", "order": 1, "type": "str", "value": ""},
        "password": {"label": "Password", "order": 2, "type": "str", "sensitive": True, "value": ""},
        "port": {"label": "Port", "order": 3, "type": "int", "display": "numeric", "value": 5432},
    }
    features: ClassVar[Features] = Features(advanced_sync_rules=True)
    network: ClassVar[Network] = Network()
    members: ClassVar[Mapping[str, Any]] = {"database": {"type": "keyword"}}
    scope: Mapping[str, str] = MappingProxyType({"database": "shelf"})
    preferences: Preferences = Preferences()

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        if not configuration.get("host"):
            raise SourceConfigurationError("Host is empty.")
        self.password = configuration.get("password")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def ping(self) -> None:
        """Refuse one password, or fail as the shelf says."""
        self.shelf.pings += 1
        if self.shelf.ping_gate is not None:
            await self.shelf.ping_gate.wait()
        if self.password == WRONG_PASSWORD:
            raise SourceConfigurationError(f"The password {WRONG_PASSWORD!r} was refused; check Password.")
        if self.shelf.ping_error is not None:
            raise self.shelf.ping_error

    async def check(self, advanced_rules: Any) -> Sequence[Finding]:
        """Find nothing."""
        return []

    async def validate(self, advanced_rules: Any) -> Sequence[RuleProblem]:
        """Find what the shelf says."""
        return self.shelf.rule_problems if advanced_rules else []

    async def slices(self, advanced_rules: Any, seed: int) -> Sequence[Slice]:
        """Return the one slice."""
        return [ShelfSlice(self.shelf)]


def source_over(
    shelf: Shelf, features: Features | None = None, base: type[ShelfSource] = ShelfSource
) -> type[Source]:
    """Return a source class whose rows are those of the shelf."""
    members = {"shelf": shelf, "features": features or base.features}
    return type("BoundShelfSource", (base,), members)


def line_of(key: str, row: Mapping[str, Any]) -> bytes:
    """Render a row as a line of a batch."""
    members = json.dumps({"id": key, "database": "shelf", **row})[1:].encode()
    content = str(hash(members) >> 1).encode()
    return json.dumps(key).encode() + ID_END + content + HASH_END + members + b"\n"


def config_for(server: Server, *connector_ids: str, **service: Any) -> Config:
    """Return a configuration with intervals a test can wait for."""
    fast: dict[str, Any] = {
        "idling_seconds": 0.1,
        "job_poll_interval_seconds": 0.05,
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
        """Return the connector as a user sees it."""
        return dict(await self.ok("GET", f"/_connector/{connector_id}"))

    async def job(self, job_id: str) -> dict[str, Any]:
        """Return the job as a user sees it."""
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
        """Change a protocol document behind the API's back."""
        await self.ok("POST", f"/{index}/_update/{document_id}", {"doc": members}, refresh="true")

    async def titles(self, index: str = "music") -> set[str]:
        """Return what is searchable."""
        answer = await self.ok("POST", f"/{index}/_search", {"size": 1000, "query": {"match_all": {}}})
        return {hit["_source"]["title"] for hit in answer["hits"]["hits"]}

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


async def until(
    look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], *, within_seconds: float = 15.0
) -> T:
    """Look again and again until it holds; fail with what was seen last."""
    deadline = time.monotonic() + within_seconds
    while True:
        seen = await look()
        if holds(seen):
            return seen
        assert time.monotonic() < deadline, seen
        await asyncio.sleep(0.02)
