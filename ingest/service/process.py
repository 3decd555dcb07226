"""The service's life: preflight, three loops and the jobs they start, until it is asked to stop.

    connectors  every few seconds: one search for all our connectors; a tick for each      fleet.py
    jobs        every second or so: one search for their waiting jobs; start what fits     queue.py
    cleanup     every few minutes: end what dead workers left behind                       lost_jobs.py

All of it lives in one TaskGroup. What goes wrong in a loop is logged and tried again later; nothing a
connector, a job or Elasticsearch does ends the service.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from ingest import version
from ingest.config import Config
from ingest.elasticsearch.client import Client
from ingest.job.runner import Worker
from ingest.job.running_job import RunningJob
from ingest.log import get_logger
from ingest.protocol import SyncJob
from ingest.service import lost_jobs, status_snapshot
from ingest.service.fleet import Fleet
from ingest.service.lock_file import Identity
from ingest.service.loops import Loop, unless_stopped
from ingest.service.pacing import Pace
from ingest.service.preflight import preflight
from ingest.service.queue import Queue
from ingest.status.history import History
from ingest.status.snapshot import Snapshot
from ingest.stopping.stop import Stop
from sources.contract import Source
from sources.registry import SOURCES


class Service:
    """Works for the connectors of a configuration. Run once."""

    def __init__(
        self,
        *,
        config: Config,
        client: Client,
        sources: Mapping[str, type[Source]] = SOURCES,
        identity: Identity | None = None,
    ) -> None:
        self._client = client
        self._identity = identity or Identity()
        self._stop = Stop(grace_seconds=config.service.shutdown_timeout_seconds)
        self._worker = Worker(
            name=self._identity.name, client=client, config=config, stop=self._stop, sources=sources
        )
        self._history = History(clock=time.monotonic)
        self._started_at = datetime.now(UTC)
        self._loops: tuple[Loop, ...] = ()
        self.queue = Queue(self._worker, self._note_ended)
        self.fleet = Fleet(client=client, config=config, sources=sources, queue=self.queue)
        self._cleanup_pace = Pace(config.service.job_cleanup_interval_seconds)
        self._log = get_logger()

    @property
    def config(self) -> Config:
        """What the service works by at the moment."""
        return self._worker.config

    def configure(self, config: Config) -> None:
        """Work by another configuration from now on; jobs under way keep the one they began with.

        The client stays what it is, so `elasticsearch.*` but for `bulk` must not differ.
        """
        self._worker = replace(self._worker, config=config)
        self._stop.grace_seconds = config.service.shutdown_timeout_seconds
        self._cleanup_pace.interval_seconds = config.service.job_cleanup_interval_seconds
        self.queue.configure(self._worker)
        self.fleet.configure(config)
        for pace in self._paces:
            pace.wake()

    async def run(self) -> None:
        """Work until `stop`.

        Raises ElasticsearchError if Elasticsearch cannot be used at all, and OutOfMemoryError, with all jobs
        suspended, once memory ran out.
        """
        if await unless_stopped(self._stop, lambda: preflight(self._client, self.config.elasticsearch)):
            self._log.info(
                "service.started", worker=self._worker.name, connectors=len(self.config.connectors)
            )
            try:
                await self._serve()
            except TimeoutError:
                self._log.warning("service.stop_forced", running_jobs=len(self.queue.running))
        self._log.info("service.stopped", worker=self._worker.name)
        if self._stop.because is not None:
            raise self._stop.because

    def stop(self) -> None:
        """Ask to stop: loops end, running jobs are suspended. Returns at once."""
        self._stop.ask()

    def snapshot(self) -> Snapshot:
        """Return what the service is doing right now."""
        running = tuple(map(status_snapshot.running_status, self.queue.running.values()))
        self._history.sample(running)
        return Snapshot(
            taken_at=datetime.now(UTC),
            started_at=self._started_at,
            worker=self._worker.name,
            version=version(),
            is_stopping=self._stop.is_asked,
            loops=tuple(map(status_snapshot.loop_status, self._loops)),
            connectors=tuple(
                status_snapshot.connector_status(connector, self.fleet.completions.moments.get(connector.id))
                for connector in self.fleet.connectors.values()
            ),
            running=running,
            waiting=tuple(status_snapshot.waiting_status(job, self.queue) for job in self.queue.waiting),
            ended=tuple(self._history.ended),
            totals=self._history.totals(running),
            documents_a_minute=self._history.documents_a_minute(),
        )

    @property
    def _paces(self) -> tuple[Pace, ...]:
        return (self.fleet.pace, self.queue.pace, self._cleanup_pace)

    async def _serve(self) -> None:
        """Run the loops until asked to stop. Raises TimeoutError if stopping takes longer than it may."""
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as beside:
            stopping = beside.create_task(self._limit_stopping(limit))
            async with asyncio.TaskGroup() as group:
                self._loops = self._make_loops(group)
                for loop in self._loops:
                    group.create_task(loop.run(self._stop))
            stopping.cancel()

    def _make_loops(self, group: asyncio.TaskGroup) -> tuple[Loop, ...]:
        return (
            Loop(name="connectors", pace=self.fleet.pace, work=lambda: self.fleet.round(group)),
            Loop(
                name="jobs",
                pace=self.queue.pace,
                work=lambda: self._look_for_jobs(group),
            ),
            Loop(name="cleanup", pace=self._cleanup_pace, work=self._clean_up),
        )

    async def _look_for_jobs(self, group: asyncio.TaskGroup) -> None:
        self._history.sample(map(status_snapshot.running_status, self.queue.running.values()))
        await self.queue.round(group, self.fleet.connector_ids)

    def _note_ended(self, running: RunningJob, ended: SyncJob) -> None:
        self._history.note_ended(status_snapshot.ended_status(running, ended))
        if running.following is not None:
            self.fleet.pace.wake()  # so that the next one begins at once

    async def _limit_stopping(self, limit: asyncio.Timeout) -> None:
        """Once asked to stop, end the waits of all loops, and cancel what takes longer than it may."""
        await self._stop.wait()
        for pace in self._paces:
            pace.wake()
        self._log.info("service.stopping", running_jobs=len(self.queue.running))
        limit.reschedule(asyncio.get_running_loop().time() + self._stop.grace_seconds)

    async def _clean_up(self) -> None:
        """End what dead workers left behind, and take up what can be resumed."""
        idle_seconds = self.config.service.idle_limit_seconds
        freed = await lost_jobs.end_lost_jobs(
            self._client, self.fleet.connector_ids, idle_seconds, self._identity.is_gone
        )
        self.queue.reconsider(*freed)
        await lost_jobs.end_orphans(
            self._client, self.fleet.connectors.keys(), idle_seconds, self._worker.name
        )
