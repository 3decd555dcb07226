"""One worker: the product's own claim, job, tick and cleanup, called one after the other and step by step."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count

from ingest import errors
from ingest.config import Config
from ingest.connector.state import ConnectorState
from ingest.connector.tick import Ticker
from ingest.elasticsearch.client import Client
from ingest.elasticsearch.retry import Backoff
from ingest.job import runner
from ingest.job.running_job import RunningJob
from ingest.protocol import connectors, jobs
from ingest.service import lost_jobs
from ingest.stopping.stop import Stop
from sources.contract import Source
from sources.errors import SourceError
from tests.faults.machine.stepping import Gate, KilledError

MOST_STEPS = 3_000
SKIP_SECONDS = 0.25
"""How much time passes for a worker each time it asks for nothing for a moment.

Little, for it may wait for a database on a busy machine, and its timeouts are measured by the same clock.
"""
_numbers = count(1)


@dataclass(slots=True, kw_only=True)
class Worker:
    """One process of the service, as the others see it."""

    client: Client
    """Without a gate."""
    config: Config
    connector_ids: tuple[str, ...]
    sources: Mapping[str, type[Source]]
    pass_time: Callable[[float], None]
    turns_away: Callable[[str], bool]
    """Asked about each bulk request for a connector."""
    running: RunningJob | None = None
    _gate: Gate | None = None
    _work: asyncio.Task[None] | None = None
    _stop: Stop = field(default_factory=lambda: Stop(grace_seconds=8.0))
    stale: lost_jobs.StaleSyncs = field(default_factory=lambda: lost_jobs.StaleSyncs(grace_seconds=0.0))

    @property
    def is_busy(self) -> bool:
        """Whether it has a job, or tries to get one."""
        return self._work is not None and not self._work.done()

    async def poll(self, nth: int = 0) -> None:
        """Begin with the nth of the waiting jobs, unless it is busy."""
        if self.is_busy:
            return
        with suppress(errors.ElasticsearchError):
            waiting = await jobs.search_waiting(self.client, self.connector_ids)
            if waiting:
                self._begin(RunningJob(job=waiting[nth % len(waiting)]))

    def _begin(self, running: RunningJob) -> None:
        loop = asyncio.get_running_loop()
        self.running = running
        self._gate = Gate(self.client.transport, loop.time, lambda: self.turns_away(running.job.connector_id))
        self._stop = Stop(grace_seconds=8.0, monotonic=loop.time)
        worker = runner.Worker(
            name=f"worker-{next(_numbers)}",
            client=replace(self.client, transport=self._gate),
            config=self.config,
            stop=self._stop,
            sources=self.sources,
            boottime=loop.time,
        )
        self._work = asyncio.create_task(self._run(worker, running))

    async def _run(self, worker: runner.Worker, running: RunningJob) -> None:
        # As the service: what goes wrong with a job is logged, and the next one is looked for.
        with suppress(errors.IngestError, SourceError, KilledError):
            await runner.run(worker, running, None)

    async def step(self, requests: int) -> None:
        """Let it make so many requests."""
        for _ in range(requests):
            if self._work is None or self._gate is None or not await self._gate.step(self._work):
                return

    async def finish(self) -> None:
        """Let it work to the end of its job, its waits included."""
        if self._work is None or self._gate is None:
            return
        for _ in range(MOST_STEPS):
            if self._work.done():
                break
            if not await self._gate.step(self._work):
                self.pass_time(SKIP_SECONDS)
        assert self._work.done(), f"not done after {MOST_STEPS} steps: {self.running}"
        self._work.result()

    async def stop(self) -> None:
        """Stop it in order: its job is suspended."""
        self._stop.ask()
        await self.finish()

    async def crash(self) -> None:
        """Kill it."""
        if self._work is None or self._gate is None:
            return
        self._gate.kill()
        self._work.cancel()
        await asyncio.wait({self._work})
        if not self._work.cancelled() and (error := self._work.exception()) is not None:
            assert isinstance(error, KilledError | BaseExceptionGroup), error
        self._work = None

    async def tick(self) -> None:
        """Work for every connector once: register it, check its source, validate its rules."""
        ticker = Ticker(client=self.client, sources=self.sources, recheck_seconds=0.0)
        with suppress(errors.ElasticsearchError):
            for connector in await connectors.search(self.client, ids=self.connector_ids, service_types=()):
                with suppress(errors.ElasticsearchError):
                    await ticker.tick(connector, ConnectorState())

    async def clean_up(self) -> None:
        """End or resume what others left behind, and repair what they left half done."""
        idle_seconds = self.config.service.idle_limit_seconds
        with suppress(errors.ElasticsearchError):
            await lost_jobs.end_lost_jobs(
                self.client, self.connector_ids, idle_seconds, is_gone=lambda _worker: False
            )
            listed = await connectors.search(self.client, ids=self.connector_ids, service_types=())
            there = [connector.id for connector in listed]
            await lost_jobs.end_orphans(self.client, there, idle_seconds, f"cleaner-{next(_numbers)}")
            for connector in listed:
                if not (self.is_busy and self.running and self.running.job.connector_id == connector.id):
                    await self.stale.repair(self.client, connector)


def brief(budget_seconds: float) -> Backoff:
    """Return a retry policy whose waits take next to no time; its budget is spent on the loop's clock."""
    clock = asyncio.get_running_loop().time
    return Backoff(budget_seconds=budget_seconds, initial_seconds=0.002, ceiling_seconds=0.01, clock=clock)
