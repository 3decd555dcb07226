"""A small shop, whole: the real service in this process, the embedded Elasticsearch, and tables to read.

The tables are in a real database, or in memory where many rounds are played and the database is not what is
tested. Between two rounds one row of each table is added, one changed and one deleted.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Protocol

import aiohttp

from ingest.config import Bulk, Config, ConnectorEntry, Elasticsearch
from ingest.elasticsearch.client import connect
from ingest.elasticsearch.retry import Backoff
from ingest.elasticsearch.transport import Request, Response, Transport
from ingest.service.process import Service
from sandbox.elasticsearch import Server
from sandbox.postgresql import Cluster
from sources.contract import Source
from sources.registry import SOURCES
from tests.cluster.relay import serving
from tests.support.database import Database, database_on
from tests.support.fault_proxy import FaultProxy
from tests.support.memory_source import Document, MemorySlice, MemorySource
from tests.support.service_harness import CONNECTOR, ServiceHarness, config_for, until
from tests.support.shelf_source import SERVICE_TYPE, Shelf, ShelfSource, source_over

INDEX = "music"
IDLE_LIMIT_SECONDS = 5.0
FIRST_KEYS: Mapping[str, list[tuple[int, ...]]] = {
    "album": [(1,), (2,), (3,)],
    "artist": [(1,), (2,)],
    "track": [(1, 1), (1, 2)],
}
_CREATE = """
CREATE TABLE album (id int PRIMARY KEY, title text);
CREATE TABLE artist (id int PRIMARY KEY, title text);
CREATE TABLE track (album int, number int, title text, PRIMARY KEY (album, number));
"""
_END_BACKENDS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = $1 AND application_name = 'elastic-ingest'"
)


class Tables(Protocol):
    """Where the rows are."""

    @property
    def name(self) -> str:
        """The database's name."""

    @property
    def sources(self) -> Mapping[str, type[Source]]:
        """What reads them."""

    @property
    def values(self) -> Mapping[str, Any]:
        """What the connector is configured with."""

    async def put(self, document: Document) -> None:
        """Insert or update the row behind a document."""

    async def delete(self, document: Document) -> None:
        """Delete the row behind a document."""


class TablesInMemory:
    """Dictionaries behind a fake source."""

    name = "shop"
    values: Mapping[str, Any] = MappingProxyType({})

    def __init__(self) -> None:
        tables = MemorySource()
        self.tables = tables

        class Bound(ShelfSource):
            """Asks for what the shelf asks for, and reads these tables."""

            scope = tables.scope

            async def slices(self, advanced_rules: Any, seed: int) -> Sequence[MemorySlice]:
                """Return a slice a table."""
                return await tables.slices(advanced_rules, seed)

        self.sources = {SERVICE_TYPE: source_over(Shelf(), base=Bound)}

    async def put(self, document: Document) -> None:
        members = {name: value for name, value in document.items() if name not in ("id", "database", "table")}
        self.tables.put(document["table"], [(document["id"], members)])

    async def delete(self, document: Document) -> None:
        del self.tables.tables[document["table"]][document["id"]]


class TablesInPostgreSQL:
    """A database and the source that is made for it."""

    sources = SOURCES

    def __init__(self, database: Database, proxy: FaultProxy) -> None:
        """Let the service reach the database through the proxy."""
        self.database = database
        self.proxy = proxy
        self.name = database.name
        self.values = database.configuration(port=str(proxy.port))

    async def put(self, document: Document) -> None:
        columns = _columns_of(document)
        names, values = ", ".join(columns), ", ".join(f"'{value}'" for value in columns.values())
        keys = ", ".join(name for name in columns if name != "title")
        await self.database.execute(
            f"INSERT INTO {document['table']} ({names}) VALUES ({values}) "
            f"ON CONFLICT ({keys}) DO UPDATE SET title = excluded.title"
        )

    async def delete(self, document: Document) -> None:
        condition = " AND ".join(f"{name} = '{value}'" for name, value in _columns_of(document).items())
        await self.database.execute(f"DELETE FROM {document['table']} WHERE {condition}")

    async def end_backends(self) -> int:
        """Terminate every connection of the service; return how many there were."""
        return int(await self.database.value(_END_BACKENDS, self.name))


def _columns_of(document: Document) -> dict[str, Any]:
    prefix = f"public_{document['table']}_"
    return {name.removeprefix(prefix): value for name, value in document.items() if name.startswith(prefix)}


class KilledError(BaseException):
    """The worker was killed: none of its further requests is sent."""


class KillableTransport:
    """A transport whose worker can be killed, and whose timeout can be short."""

    def __init__(self, transport: Transport, patience_seconds: float | None = None) -> None:
        self._transport = transport
        self._patience_seconds = patience_seconds
        self.is_dead = False

    async def __call__(self, request: Request) -> Response:
        """Make one attempt; raise KilledError once the worker was killed."""
        if self.is_dead:
            raise KilledError
        if self._patience_seconds is not None:
            request = replace(request, timeout_seconds=self._patience_seconds)
        response = await self._transport(request)
        if self.is_dead:
            raise KilledError
        return response


def brief(budget_seconds: float) -> Backoff:
    """Return a retry policy that hardly waits. The policy itself is tested elsewhere."""
    return Backoff(budget_seconds=min(budget_seconds, 5.0), initial_seconds=0.002, ceiling_seconds=0.02)


@dataclass(slots=True)
class Shop:
    """The shop's rows as they should be in the index, and everything around them."""

    server: Server
    tables: Tables
    harness: ServiceHarness
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The documents the rows should become, for each table, oldest first."""
    changes: int = 0
    timer_seconds: float = 0.5
    """How often a job is looked at and reported on."""
    idle_limit_seconds: float = IDLE_LIMIT_SECONDS
    is_served: bool = False

    async def fill(self) -> None:
        """Put the first rows into the tables."""
        for table, keys in FIRST_KEYS.items():
            self.rows[table] = [self._document(table, key, f"title of {key}") for key in keys]
            for document in self.rows[table]:
                await self.tables.put(document)

    async def change(self) -> frozenset[str]:
        """Add, change and delete a row of each table; return the ids of the rows that are there all along."""
        self.changes += 1
        kept = []
        for table, (first, second, *others) in self.rows.items():
            new = self._document(table, (*FIRST_KEYS[table][0][:-1], 100 + self.changes), "new")
            changed = second | {f"public_{table}_title": f"changed by change {self.changes}"}
            await self.tables.delete(first)
            await self.tables.put(changed)
            await self.tables.put(new)
            self.rows[table] = [changed, *others, new]
            kept += [changed, *others]
        return frozenset(document["id"] for document in kept)

    def expected(self) -> dict[str, dict[str, Any]]:
        """Return what the index must hold."""
        return {document["id"]: document for documents in self.rows.values() for document in documents}

    def _document(self, table: str, key: tuple[int, ...], title: str) -> dict[str, Any]:
        names = ("album", "number") if table == "track" else ("id",)
        return {
            "id": f"{self.tables.name}_public_{table}_{','.join(map(str, key))}",
            "database": self.tables.name,
            "schema": "public",
            "table": table,
            **{f"public_{table}_{name}": value for name, value in zip(names, key, strict=True)},
            f"public_{table}_title": title,
        }

    async def content(self) -> dict[str, dict[str, Any]]:
        """Return what the index holds, without the members every document is given."""
        return await self.harness.content(INDEX)

    async def quiet(self, job_id: str) -> Mapping[str, Any]:
        """Wait until the job has ended and its connector says so; return the job."""
        job = await self.harness.until_job(job_id, "completed", "error", "canceled")
        await until(self.harness.connector, lambda one: one["last_sync_status"] != "in_progress")
        return job

    async def problems(self, living: frozenset[str], *job_ids: str) -> list[str]:
        """Check what is in the journal."""
        return await self.harness.problems(living, *job_ids)

    def let_time_pass(self) -> None:
        """Let the server's clock pass the idle limit."""
        self.server.state.clock.offset += timedelta(seconds=2 * self.idle_limit_seconds)

    def config(self) -> Config:
        """Return a configuration with which a round takes a fraction of a second."""
        config = config_for(
            self.server,
            job_poll_interval_seconds=0.02,
            job_check_interval_seconds=self.timer_seconds,
            job_report_interval_seconds=self.timer_seconds,
            job_cleanup_interval_seconds=0.1,
            idle_limit_seconds=self.idle_limit_seconds,
            fencing_limit_seconds=self.idle_limit_seconds - 1,
        )
        bulk = replace(Bulk(), chunk_size=2, max_concurrency=2)
        return replace(config, elasticsearch=replace(Elasticsearch(), hosts=(self.server.url,), bulk=bulk))

    @asynccontextmanager
    async def serving(
        self, *more: ConnectorEntry, patience_seconds: float | None = None
    ) -> AsyncIterator[KillableTransport]:
        """Run a worker that can be killed through its transport; if it lives it is stopped in order.

        `more` are connectors it serves besides the shop's.
        """
        config = self.config()
        config = replace(config, connectors=(*config.connectors, *more))
        async with connect(config.elasticsearch, make_backoff=brief) as client:
            transport = KillableTransport(client.transport, patience_seconds)
            service = Service(
                config=config, client=replace(client, transport=transport), sources=self.tables.sources
            )
            running = asyncio.create_task(service.run())
            self.is_served = True
            try:
                yield transport
            finally:
                self.is_served = False
                service.stop()
                await asyncio.wait({running})
                if (error := running.exception()) is not None and not transport.is_dead:
                    raise error


@asynccontextmanager
async def shop(tables: Tables) -> AsyncIterator[Shop]:
    """Open a shop whose rows have been synced once; no service runs on it."""
    async with serving() as server, aiohttp.ClientSession() as session:
        opened = Shop(server, tables, ServiceHarness(server, session))
        await opened.fill()
        await opened.harness.create_connector(CONNECTOR, INDEX)
        async with opened.serving():
            await opened.harness.until_connector("needs_configuration")
            await opened.harness.configure(**tables.values)
            await opened.harness.until_connector("connected")
            assert (await opened.quiet(await opened.harness.create_job()))["status"] == "completed"
        assert await opened.content() == opened.expected()
        yield opened


@asynccontextmanager
async def tables_in_postgresql(cluster: Cluster) -> AsyncIterator[TablesInPostgreSQL]:
    """Create the tables in a database of their own."""
    async with database_on(cluster) as database, FaultProxy(cluster.host, cluster.port) as proxy:
        await database.execute(_CREATE)
        yield TablesInPostgreSQL(database, proxy)
