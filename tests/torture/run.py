"""A run: storms, in which everything happens at once, and calm points, at which everything must be right."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from sandbox.postgresql import Cluster
from tests.support.history.events import StatusWritten
from tests.support.history.promises import TERMINAL
from tests.torture import elasticsearch, replicas, tables, writer
from tests.torture.connectors import CONNECTORS, RULES, Connector
from tests.torture.elasticsearch import FOREIGN, Elasticsearch
from tests.torture.history import CleanJob, Comparison, History, Leftovers, Snapshot
from tests.torture.replicas import HungError, Replicas
from tests.torture.tables import Tables, digest
from tests.torture.troubles import Troubles
from tests.torture.writer import Writer

WRITERS = 2
STORM_SECONDS = 45.0
PATIENCE_SECONDS = 300.0
"""More than the longest a connector needs to come to rest on a busy machine."""
FOREIGN_DOCUMENTS = 5
Say = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Run:
    """Everything that runs, and its record."""

    cluster: Cluster
    elasticsearch: Elasticsearch
    replicas: Replicas
    random: Random
    say: Say
    history: History = field(default_factory=History)
    writers: list[Writer] = field(default_factory=list)
    troubles: Troubles = field(init=False)
    _recorded: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        numbers = writer.numbers()
        self.troubles = Troubles(
            random=Random(self.random.random()),
            elasticsearch=self.elasticsearch,
            cluster=self.cluster,
            replicas=self.replicas,
        )
        self.writers = [
            Writer(cluster=self.cluster, random=Random(self.random.random()), numbers=numbers)
            for _ in range(WRITERS)
        ]

    @property
    def tables(self) -> Tables:
        """The database."""
        return Tables(self.cluster)

    async def go(self, seconds: float) -> History:
        """Go through storms and calm points for so long; return what is to be judged."""
        end = time.monotonic() + seconds
        await self._set_up()
        await self._calm_point("the beginning")
        number = 0
        while time.monotonic() < end:
            number += 1
            await self._storm(min(STORM_SECONDS, max(end - time.monotonic(), 5)))
            await self._calm_point(f"storm {number}")
        await self._conclude()
        return self.history

    async def _set_up(self) -> None:
        for connector in CONNECTORS:
            body = {"index_name": connector.index, "service_type": "postgresql", "name": connector.name}
            await self.elasticsearch.call("PUT", f"/_connector/{connector.name}", body)
        for connector in CONNECTORS:
            await self._until_status(connector, "needs_configuration")
            values = {"values": self.tables.configuration(connector)}
            await self.elasticsearch.call("PUT", f"/_connector/{connector.name}/_configuration", values)
            if connector.has_rule:
                await self._set_rule(connector)
            await self._until_status(connector, "connected")
        for connector in CONNECTORS:
            await self._clean_job(connector)
            for number in range(FOREIGN_DOCUMENTS):
                path = f"/{connector.index}/_doc/{FOREIGN}{number}"
                await self.elasticsearch.call("PUT", path, {"whose": "somebody else's"})
            self.history.foreign[connector.name] = await self.elasticsearch.foreign(connector)
        self.history.clean_jobs.clear()

    async def _set_rule(self, connector: Connector) -> None:
        snippet = {"advanced_snippet": {"value": list(RULES)}}
        await self.elasticsearch.call("PUT", f"/_connector/{connector.name}/_filtering", snippet)

        async def is_active() -> bool:
            filtering = (await self.elasticsearch.connector(connector.name))["filtering"][0]
            return bool(filtering["active"]["advanced_snippet"]["value"])

        await self._until(is_active, f"the rule of {connector.name} is active")

    async def _until_status(self, connector: Connector, status: str) -> None:
        async def has_status() -> bool:
            return (await self.elasticsearch.connector(connector.name)).get("status") == status

        await self._until(has_status, f"{connector.name} is {status}")

    async def _until(self, holds: Callable[[], Awaitable[bool]], what: str) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if await holds():
                return True
            await asyncio.sleep(0.5)
        self.history.troubles.append(f"not within {PATIENCE_SECONDS:.0f} s: {what}")
        return False

    async def _storm(self, seconds: float) -> None:
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for one in self.writers:
                group.create_task(one.write(over))
            group.create_task(self.troubles.make(over))
            group.create_task(self._record(over))
            await asyncio.sleep(seconds)
            over.set()

    async def _record(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await self._record_once()
            await asyncio.sleep(1)

    async def _record_once(self) -> None:
        """Read the journal on; look at the index of each job that has completed since."""
        async with self._recorded:
            events = await self.elasticsearch.events()
            self.history.events += events
        for event in events:
            if isinstance(event, StatusWritten) and event.status == "completed":
                job = await self.elasticsearch.job(event.job)
                connector = self.history.connectors[job["connector"]["id"]]
                began_at = time.monotonic()
                versions = await self.elasticsearch.versions(connector)
                self.history.snapshots.append(
                    Snapshot(
                        connector=connector.name,
                        job=event.job,
                        began_at=began_at,
                        ended_at=time.monotonic(),
                        versions=versions,
                    )
                )

    async def _calm_point(self, after: str) -> None:
        began = time.monotonic()
        await self._until(self._has_come_to_rest, f"all jobs have ended after {after}")
        async with asyncio.TaskGroup() as group:
            for connector in CONNECTORS:
                group.create_task(self._calm(connector, after))
        await self._count(is_end=False)
        await self._record_once()
        compared = sum(len(one.found) for one in self.history.comparisons)
        self.say(f"{after}: calm after {time.monotonic() - began:.0f} s; {compared} documents compared")

    async def _calm(self, connector: Connector, after: str) -> None:
        """Bring the connector up to date and compare; a second job then has nothing to do."""
        if connector.follows:
            await self._until(partial(self._is_alike, connector), f"{connector.name} has caught up")
        else:
            await self._clean_job(connector)
        await self._compare(connector, after)
        if not connector.follows:
            await self._clean_job(connector, is_repeated=True)

    async def _has_come_to_rest(self) -> bool:
        """Whether no job waits or runs, but those that follow."""
        for status in ("pending", "in_progress", "canceling", "suspended"):
            for job in await self.elasticsearch.jobs(status=status):
                if not self.history.connectors[job["connector"]["id"]].follows:
                    return False
        return True

    async def _is_alike(self, connector: Connector) -> bool:
        return await self.elasticsearch.content(connector) == await self.tables.documents(connector)

    async def _clean_job(self, connector: Connector, *, is_repeated: bool = False) -> None:
        job_type = self.random.choice(("full", "incremental"))
        id_ = await self.elasticsearch.create_job(connector.name, job_type)
        job: dict[str, Any] = {}

        async def has_ended() -> bool:
            nonlocal job
            job = await self.elasticsearch.job(id_)
            return job["status"] in TERMINAL

        if await self._until(has_ended, f"{job_type} job {id_} of {connector.name} has ended"):
            documents = len(await self.elasticsearch.content(connector)) + len(
                await self.elasticsearch.foreign(connector)
            )
            self.history.clean_jobs.append(
                CleanJob(connector=connector.name, job=job, documents=documents, is_repeated=is_repeated)
            )

    async def _compare(self, connector: Connector, after: str) -> None:
        expected = _digests(await self.tables.documents(connector))
        self.history.comparisons.append(
            Comparison(
                connector=connector.name,
                at=time.monotonic(),
                after=after,
                expected=expected,
                found=_digests(await self.elasticsearch.content(connector)),
                foreign=await self.elasticsearch.foreign(connector),
            )
        )

    async def _count(self, *, is_end: bool) -> None:
        self.history.leftovers.append(
            Leftovers(
                at=time.monotonic(),
                backends=await self.tables.backends(),
                slots=await self.tables.slots(),
                is_end=is_end,
            )
        )
        if not is_end:
            self.history.censuses += [replica.census() for replica in self.replicas.all]

    async def _conclude(self) -> None:
        """Stop everything and note how it ended."""
        for connector in CONNECTORS:
            self.history.connector_documents[connector.name] = await self.elasticsearch.connector(
                connector.name
            )
        for replica in self.replicas.all:
            try:
                if code := await replica.stop():
                    self.history.troubles.append(f"{replica.name} ended with {code} when told to stop")
            except HungError as error:
                self.history.troubles.append(str(error))
        await self._until(self._nothing_is_left, "connections and slots are gone after the end")
        await self._count(is_end=True)
        await self._record_once()
        self.history.jobs = {job["id"]: job for job in await self.elasticsearch.jobs()}
        self.history.changes = await self.tables.changes()
        self.history.transactions = writer.transactions(self.writers, await self.tables.committed())
        for deeds in (self.troubles.deeds, *(one.deeds for one in self.writers)):
            self.history.deeds.update(deeds)

    async def _nothing_is_left(self) -> bool:
        return await self.tables.backends() == 0 and await self.tables.slots() == 0


def _digests(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {id_: digest(document) for id_, document in documents.items()}


async def torture(cluster: Cluster, folder: Any, *, seconds: float, seed: int, say: Say) -> History:
    """Run for so long with an Elasticsearch and services of its own."""
    await asyncio.to_thread(tables.create, cluster)
    async with elasticsearch.running(folder) as served, replicas.running(folder, served.url) as services:
        run = Run(cluster=cluster, elasticsearch=served, replicas=services, random=Random(seed), say=say)
        return await run.go(seconds)
