"""What is done at random by a seed: to services, PostgreSQL and Elasticsearch, and by users."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sandbox.postgresql import Cluster
from tests.torture.connectors import CONNECTORS, Connector
from tests.torture.elasticsearch import Elasticsearch, RefusedError
from tests.torture.replicas import FENCING_SECONDS, IDLE_SECONDS, Replicas
from tests.torture.tables import Tables
from tests.torture.writer import BROKEN_OFF

PATHS = (
    "*/_bulk", "*/_bulk", "*/_bulk", "/_search", "*/_pit", "*/_count", "*/_refresh", "*/_mget",
    "/search-*", "/_connector/*", "/.elastic-connectors*", "/.elastic-connectors*",
)  # fmt: skip
FAULTS: tuple[Mapping[str, Any], ...] = (
    {"reply": 429},
    {"reply": 500},
    {"reply": 503},
    {"reply": 503, "applied": True},
    {"reset": True},
    {"drop": True},
    {"drop": True, "applied": True},
    {"truncate_bytes": 20},
    {"fail_items": {"status": 429}},
    {"fail_items": {"status": 503, "positions": [0, 3]}},
    {"delay_seconds": 0.5},
    {"delay_seconds": 3, "applied": True},
    {"delay_seconds": 15, "applied": True},
)
"""A request is held unanswered, but never for so long that others have the job by the time it is carried out:
what a worker has under way when it is killed cannot be recalled."""


@dataclass(slots=True, kw_only=True)
class Troubles:
    """What may happen, and what has happened."""

    random: Random
    elasticsearch: Elasticsearch
    cluster: Cluster
    replicas: Replicas
    deeds: Counter[str] = field(default_factory=Counter)

    async def make(self, over: asyncio.Event) -> None:
        """Cause faults of all kinds until told to stop; everything runs again afterwards."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._often(over, 2, 7, self._trouble_a_replica))
            group.create_task(self._often(over, 1, 3, self._break_elasticsearch))
            group.create_task(self._often(over, 8, 25, self._trouble_postgresql))
            group.create_task(self._often(over, 0.5, 3, self._ask_for_a_job))
        self.deeds["answers broken"] += await self.elasticsearch.mend()
        for replica in self.replicas.all:
            await replica.start()

    async def _often(self, over: asyncio.Event, least: float, most: float, act: Any) -> None:
        while not over.is_set():
            try:
                async with asyncio.timeout(self.random.uniform(least, most)):
                    await over.wait()
            except TimeoutError:
                await act()

    async def _trouble_a_replica(self) -> None:
        match self.random.choice(("kill", "kill", "stop", "pause", "pause", "long pause")):
            case "kill":
                self.deeds["replicas killed"] += 1
                await self.random.choice(self.replicas.endable).kill()
            case "stop":
                self.deeds["replicas stopped"] += 1
                replica = self.random.choice(self.replicas.endable)
                await replica.stop()
                await asyncio.sleep(self.random.uniform(0, 4))
                await replica.start()
            case "pause":
                self.deeds["replicas paused, shorter than the lease"] += 1
                await self.random.choice(self.replicas.all).pause(
                    self.random.uniform(0.5, FENCING_SECONDS / 2)
                )
            case _:
                self.deeds["replicas paused, longer than the lease"] += 1
                await self.random.choice(self.replicas.all).pause(IDLE_SECONDS + self.random.uniform(1, 6))

    async def _break_elasticsearch(self) -> None:
        fault = {**self.random.choice(FAULTS), "path": self.random.choice(PATHS)}
        self.deeds["faults of Elasticsearch"] += 1
        await self.elasticsearch.break_next({**fault, "times": self.random.choice((1, 1, 1, 3, 8))})

    async def _trouble_postgresql(self) -> None:
        match self.random.choice(("terminate", "terminate", "terminate", "fast", "immediate")):
            case "terminate":
                with suppress(*BROKEN_OFF):
                    self.deeds["connections terminated"] += await Tables(self.cluster).end_backends()
            case mode:
                self.deeds[f"PostgreSQL restarted ({mode})"] += 1
                await asyncio.to_thread(self.cluster.restart, mode)

    async def _ask_for_a_job(self) -> None:
        connector = self._any_connector()
        waiting = await self.elasticsearch.jobs(connector_id=connector.name, status="pending")
        if waiting:
            if self.random.random() < 0.1:
                await self._cancel(waiting[0]["id"])
            return
        self.deeds["jobs asked for"] += 1
        job = await self.elasticsearch.create_job(
            connector.name, self.random.choice(("full", "incremental", "incremental"))
        )
        if self.random.random() < 0.1:
            await asyncio.sleep(self.random.uniform(0, 3))
            await self._cancel(job)

    async def _cancel(self, job: str) -> None:
        with suppress(RefusedError):  # it may have ended meanwhile
            await self.elasticsearch.call("PUT", f"/_connector/_sync_job/{job}/_cancel")
            self.deeds["jobs canceled"] += 1

    def _any_connector(self) -> Connector:
        """Choose one; those that follow are asked for a full job now and then, which they skip."""
        followers = [connector for connector in CONNECTORS if connector.follows]
        others = [connector for connector in CONNECTORS if not connector.follows]
        return self.random.choice(followers if self.random.random() < 0.07 else others)
