"""Everything in one place: tables, Elasticsearch, two connectors, workers, and a judge of what they did."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from ingest.config import Bulk, Config, Elasticsearch
from ingest.elasticsearch.client import Client, connect
from sandbox.elasticsearch import Server
from sandbox.elasticsearch.server.journal import Entry
from sources.contract import ADDED_MEMBERS
from tests.cluster.relay import serving
from tests.faults.machine.direct import Direct, People
from tests.faults.machine.stepping import SteppingLoop
from tests.faults.machine.tables import NAMES, Documents, Tables
from tests.faults.machine.worker import Worker, brief
from tests.support.service_harness import config_for
from tests.support.shelf_source import SERVICE_TYPE

CONNECTORS = ("one", "two")
TERMINAL = ("completed", "error", "canceled")
IDLE_LIMIT_SECONDS = 300.0
WORKERS = 2
CHUNK_SIZE = 2


@dataclass(slots=True, kw_only=True)
class House:
    """Everything of one example."""

    server: Server
    people: People
    tables: Tables
    client: Client
    config: Config
    workers: list[Worker] = field(default_factory=list)
    connector_of: dict[str, str] = field(default_factory=dict)
    """Every job that was created, and whose it is."""
    to_turn_away: Counter[str] = field(default_factory=Counter)
    """Of how many bulk requests for a connector, from the next on, the first document is turned away."""
    tampered: set[str] = field(default_factory=set)
    """Connectors whose index somebody else has written to since their last full job that completed."""
    trouble_at_creation: dict[str, int] = field(default_factory=dict)
    """Of jobs that were created when all was well, how much trouble there had been until then."""
    meddling: Counter[str] = field(default_factory=Counter)
    """How often somebody did something to a connector's index or documents that shows in it until later."""
    meddling_before_step: Counter[str] = field(default_factory=Counter)
    """The same, when the step began that is being taken."""
    trouble: Counter[str] = field(default_factory=Counter)
    """How often something happened to a connector or its jobs after which a job of it may fail."""

    def __post_init__(self) -> None:
        self.workers = [self.hire() for _ in range(WORKERS)]

    def hire(self) -> Worker:
        """Start another worker."""
        return Worker(
            client=self.client,
            config=self.config,
            connector_ids=CONNECTORS,
            pass_time=self.pass_time,
            turns_away=self._turns_away,
            sources=self.tables.sources,
        )

    def _turns_away(self, connector: str) -> bool:
        is_one = self.to_turn_away[connector] > 0
        self.to_turn_away[connector] -= is_one
        return is_one

    def disturb(self, *connectors: str) -> None:
        """Note that something happens after which jobs may fail: of these connectors, or of all."""
        self.trouble.update(connectors or CONNECTORS)

    def pass_time(self, seconds: float) -> None:
        """Let time pass here and on the server, without anything being done meanwhile."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SteppingLoop)
        loop.skipped_seconds += seconds
        self.server.state.clock.offset += timedelta(seconds=seconds)

    async def create_connector(self, connector: str) -> None:
        """Create it, unless it exists."""
        status, _ = await self.people.request("GET", f"/_connector/{connector}")
        if status == 404:
            body = {"index_name": index_of(connector), "service_type": SERVICE_TYPE, "name": connector}
            await self.people.ok("PUT", f"/_connector/{connector}", body)

    async def configure(self, connector: str, **values: Any) -> None:
        """Give it the right values, but for those changed; nothing if it is not there or not registered."""
        body = {"values": {**self.tables.configuration(), **values}}
        await self.people.request("PUT", f"/_connector/{connector}/_configuration", body)

    async def create_job(self, connector: str, job_type: str) -> None:
        """Ask for a sync; nothing if there is no such connector."""
        there = (await self.connectors()).get(connector)
        body = {"id": connector, "job_type": job_type}
        status, answer = await self.people.request("POST", "/_connector/_sync_job", body)
        if status < 300:
            self.connector_of[answer["id"]] = connector
            if there is not None and there["status"] == "connected" and not self.tables.unjudged_changes:
                self.trouble_at_creation[answer["id"]] = self.trouble[connector]

    async def jobs(self) -> dict[str, Mapping[str, Any]]:
        """Return every job there is."""
        answer = await self.people.ok("GET", "/_connector/_sync_job", size="1000")
        return {job["id"]: job for job in answer["results"]}

    async def connectors(self) -> dict[str, Mapping[str, Any]]:
        """Return every connector there is."""
        answer = await self.people.ok("GET", "/_connector")
        return {connector["id"]: connector for connector in answer["results"]}

    async def content(self, connector: str) -> Documents:
        """Return what the connector's index holds, without the members every document is given."""
        index = index_of(connector)
        status, _ = await self.people.request("POST", f"/{index}/_refresh")
        if status == 404:
            return {}
        body = {"size": 1000, "query": {"match_all": {}}}
        hits = (await self.people.ok("POST", f"/{index}/_search", body))["hits"]["hits"]
        return {
            hit["_id"]: {name: value for name, value in hit["_source"].items() if name not in ADDED_MEMBERS}
            for hit in hits
        }

    def expected(self, job: Mapping[str, Any], documents: Documents) -> Documents:
        """Return which of these documents should be there after a job, by its snapshot of its connector."""
        selection = job["connector"]["configuration"]["tables"]["value"]
        chosen = NAMES if selection == "*" else tuple(selection.split(","))
        return {
            id_: one for id_, one in documents.items() if one["table"] in chosen and not is_excluded(one, job)
        }

    # What people do: to a connector, in one of some ways

    async def cancel(self, _connector: str, number: int) -> None:
        """Cancel one of the latest jobs, whatever it is at."""
        for job_id in list(self.connector_of)[::-1][number : number + 1]:
            self.disturb(self.connector_of[job_id])
            await self.people.request("PUT", f"/_connector/_sync_job/{job_id}/_cancel")

    async def configure_some(self, connector: str, number: int) -> None:
        """Configure the connector to read some tables or all."""
        await self.configure(connector, tables=("*", "a", "a,b")[number % 3])

    async def exclude(self, connector: str, number: int) -> None:
        """Leave out rows by a sync rule, or none."""
        rules = [exclusion("out"), DEFAULT_RULE] if number % 2 else [DEFAULT_RULE]
        await self.people.request("PUT", f"/_connector/{connector}/_filtering", {"rules": rules})

    async def delete_connector(self, connector: str, _number: int) -> None:
        """Delete the connector, but not its jobs."""
        self.disturb(connector)
        await self.people.request("DELETE", f"/_connector/{connector}")

    async def create_connector_again(self, connector: str, _number: int) -> None:
        """Create the connector if it is gone."""
        await self.create_connector(connector)

    async def tamper(self, connector: str, number: int) -> None:
        """Delete a document as somebody else."""
        ids = sorted(await self.content(connector))
        if ids:
            self.tampered.add(connector)
            self.meddling[connector] += 1
            self.disturb(connector)
            await self.people.ok("DELETE", f"/{index_of(connector)}/_doc/{ids[number % len(ids)]}")

    async def delete_index(self, connector: str, _number: int) -> None:
        """Delete the connector's index, if it is there."""
        self.meddling[connector] += 1
        self.disturb(connector)
        await self.people.request("DELETE", f"/{index_of(connector)}")


def is_of_a_worker(entry: Entry) -> bool:
    """Say whether the product sent this request."""
    return entry.headers.get("User-Agent", "").startswith("elastic-ingest")


def index_of(connector: str) -> str:
    """Return the name of the connector's index."""
    return f"search-{connector}"


def exclusion(value: str) -> dict[str, Any]:
    """Return the sync rule that leaves out rows of `a` with a value."""
    return {
        "id": "out", "field": "public_a_v", "policy": "exclude", "rule": "equals", "value": value, "order": 0,
    }  # fmt: skip


DEFAULT_RULE = {
    "id": "DEFAULT", "field": "_", "policy": "include", "rule": "regex", "value": ".*", "order": 1,
}  # fmt: skip


def is_excluded(document: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    """Say whether the job's sync rules leave a document out."""
    filtering = job["connector"]["filtering"]
    active = filtering[0]["active"] if isinstance(filtering, list) else filtering
    return any(
        rule["policy"] == "exclude" and document.get(rule["field"]) == rule["value"]
        for rule in active["rules"]
    )


@asynccontextmanager
async def house(tables: Tables) -> AsyncIterator[House]:
    """Open a house with two connectors that are set up."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving())
        config = config_for(
            server,
            idle_limit_seconds=IDLE_LIMIT_SECONDS,
            fencing_limit_seconds=240.0,
            job_check_interval_seconds=3.0,
            job_report_interval_seconds=10.0,
        )
        bulk = replace(Bulk(), chunk_size=CHUNK_SIZE, max_concurrency=2)
        config = replace(config, elasticsearch=replace(Elasticsearch(), hosts=(server.url,), bulk=bulk))
        client = await stack.enter_async_context(connect(config.elasticsearch, make_backoff=brief))
        opened = House(
            server=server,
            people=People(server),
            tables=tables,
            client=replace(client, transport=Direct(server)),
            config=config,
        )
        for connector in CONNECTORS:
            await opened.create_connector(connector)
        await opened.workers[0].tick()
        for connector in CONNECTORS:
            await opened.configure(connector)
        await opened.workers[0].tick()
        try:
            yield opened
        finally:
            for worker in opened.workers:
                await worker.crash()
