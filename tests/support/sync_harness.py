"""A memory source, a real client and the embedded Elasticsearch, with one call to sync."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import structlog
from structlog.testing import LogCapture

from ingest import config
from ingest.elasticsearch.answers import an_object
from ingest.elasticsearch.client import Client, connect
from ingest.elasticsearch.transport import Request, Response, Transport
from ingest.protocol import Pipeline
from ingest.protocol.lease import Lease
from ingest.sync.kinds.full import full_sync
from ingest.sync.progress.stats import Stats
from ingest.sync.request import SyncContext, SyncOptions, SyncRequest
from ingest.sync.rules import BasicRules
from sandbox.elasticsearch import Server
from sources.contract import Source
from tests.support.fake_transport import FakeTime, lasting_lease, whole
from tests.support.memory_source import MemorySource
from tests.support.service_harness import without_added

INDEX = "search-shop"
PLAIN = Pipeline(name="_none")


Interference = Callable[[str, str, bytes], Awaitable[None]]
"""Awaited with method, path and body of a request; raise to make it fail."""


async def nothing(_method: str, _path: str, _body: bytes) -> None:
    """Do not interfere."""


class Interfering:
    """A transport whose requests a test can watch or break, before or after they were applied."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.before: Interference = nothing
        self.after: Interference = nothing
        self.bulk_bodies: list[bytes] = []
        """The body of every bulk request, whole."""

    async def __call__(self, request: Request) -> Response:
        """Make one attempt, as the real transport does."""
        body = whole(request.body)
        if request.path.endswith("/_bulk"):
            self.bulk_bodies.append(body)
        await self.before(request.method, request.path, body)
        response = await self._transport(request)
        await self.after(request.method, request.path, body)
        return response


@dataclass(slots=True, kw_only=True)
class SyncHarness:
    """What a test changes between two syncs."""

    server: Server
    client: Client
    wire: Interfering
    source: MemorySource = field(default_factory=MemorySource)
    pipeline: Pipeline = PLAIN
    rules: BasicRules = field(default_factory=BasicRules)
    options: SyncOptions = field(default_factory=SyncOptions)
    lease: Lease = field(default_factory=lasting_lease)
    stats: Stats = field(default_factory=Stats)
    page_size: int = 1_000
    log: LogCapture = field(default_factory=LogCapture)

    def put(self, *ids: str, table: str = "album", **members: Any) -> None:
        """Insert or update rows with these ids and members."""
        self.source.put(table, [(id_, members or {"title": f"title of {id_}"}) for id_ in ids])

    async def sync(self) -> Stats:
        """Run one full sync to its end, with fresh counts."""
        self.stats = Stats()
        await full_sync(self.request(self.source), self.context(self.stats))
        return self.stats

    def request(self, source: Source) -> SyncRequest:
        """Ask for a sync of this source as the test has set it up."""
        return SyncRequest(
            source=source,
            index_name=INDEX,
            pipeline=self.pipeline,
            rules=self.rules,
            advanced_rules={},
            options=self.options,
        )

    def context(self, stats: Stats) -> SyncContext:
        """Give a sync what it needs."""
        log = structlog.wrap_logger(None, processors=[self.log])
        return SyncContext(client=self.client, lease=self.lease, stats=stats, log=log)

    def watch_paths(self) -> list[str]:
        """Return a list to which the path of every request from now on is added."""
        paths: list[str] = []

        async def note(_method: str, path: str, _body: bytes) -> None:
            paths.append(path)

        self.wire.before = note
        return paths

    def with_bulk(self, **settings: Any) -> None:
        """Change settings of `elasticsearch.bulk`."""
        self.options = replace(self.options, bulk=replace(self.options.bulk, **settings))

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the server as any client can."""
        return await self.client.call(method, path, an_object, body=body)

    async def documents(self) -> dict[str, dict[str, Any]]:
        """Return everything in the index by id, in pages that any index allows."""
        await self.call("POST", f"/{INDEX}/_refresh")
        opened = await self.client.call("POST", f"/{INDEX}/_pit", an_object, params={"keep_alive": "1m"})
        pit = opened["id"]
        found: dict[str, dict[str, Any]] = {}
        search: dict[str, Any] = {"size": self.page_size, "pit": {"id": pit}, "sort": [{"_shard_doc": "asc"}]}
        while hits := (await self.call("POST", "/_search", search))["hits"]["hits"]:
            found |= {hit["_id"]: hit["_source"] for hit in hits}
            search["search_after"] = hits[-1]["sort"]
        await self.call("DELETE", "/_pit", {"id": pit})
        return found

    async def content(self) -> dict[str, dict[str, Any]]:
        """Return the documents without the members that the service adds."""
        return {id_: without_added(document) for id_, document in (await self.documents()).items()}

    def expected(self) -> dict[str, dict[str, Any]]:
        """Return what the index must say: every row of the source, exactly."""
        return {
            id_: {"id": id_, **self.source.scope, "table": table, **members}
            for table, rows in self.source.tables.items()
            for id_, members in rows.items()
        }

    async def index_document(self, id_: str, document: Mapping[str, Any]) -> None:
        """Write as another tool would."""
        await self.client.call(
            "PUT", f"/{INDEX}/_doc/{id_}", an_object, params={"refresh": True}, body=document
        )

    def deletes(self) -> list[str]:
        """Return the id of every delete that was sent."""
        return [id_ for action, id_ in self.actions() if action == "delete"]

    def actions(self) -> list[tuple[str, str]]:
        """Return every bulk action that was sent, as (action, id)."""
        return [action for body in self.wire.bulk_bodies for action in actions_in(body)]


def actions_in(body: bytes) -> list[tuple[str, str]]:
    """Return the actions of a bulk body, as (action, id)."""
    lines = [orjson.loads(line) for line in body.splitlines()]
    found: list[tuple[str, str]] = []
    while lines:
        ((action, target),) = lines.pop(0).items()
        if action != "delete":
            lines.pop(0)
        if action != "update":  # a guard
            found.append((action, target["_id"]))
    return found


@asynccontextmanager
async def sync_harness(
    server: Server, headers: Mapping[str, str] | None = None, *, url: str | None = None
) -> AsyncIterator[SyncHarness]:
    """Open a client whose waits take no time, on the server or on the URL given for it."""
    settings = config.Elasticsearch(hosts=(url or server.url,), headers=headers or {})
    async with connect(settings, make_backoff=FakeTime().backoff) as client:
        wire = Interfering(client.transport)
        yield SyncHarness(server=server, client=replace(client, transport=wire), wire=wire)
