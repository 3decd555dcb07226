"""The service's life: preflight, three loops and the jobs they start, until a signal.

    jobs        every second or so: one search for waiting jobs of all our connectors; start what fits
    connectors  every few seconds: one search for all our connectors; a tick for each
    cleanup     every few minutes: end what dead workers left behind

All of it lives in one TaskGroup. What goes wrong in a tick is logged and tried again later; nothing a
connector, a job or Elasticsearch does ends the service, only a signal does.
"""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from ingest import errors
from ingest.config import Config
from ingest.connector.tick import Memory, Ticker
from ingest.elasticsearch.client import Client
from ingest.job import runner
from ingest.protocol import connectors, jobs
from ingest.protocol.documents import Connector, SyncJob
from ingest.service import cleanup
from ingest.service.pacing import Pace, Turns
from ingest.service.preflight import preflight
from ingest.service.stalls import notice_stalls
from ingest.stopping import Stop
from sources.contract import Source
from sources.registry import SOURCES

LOOK_SECONDS: Final = 5.0
"""Connectors are listed at least this often: a new one wants its schema, an edited one its status."""
STALE_SHARE: Final = 1 / 30
"""Share of the idle limit after which a connector in progress without a running job counts as stale."""


def worker_name() -> str:
    """Return a name no other worker has or had: host, process, and a token for when both come again."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Service:
    """Works for the connectors of a configuration. Run once."""

    def __init__(
        self, *, config: Config, client: Client, sources: Mapping[str, type[Source]] = SOURCES
    ) -> None:
        service = config.service
        self._config = config
        self._client = client
        self._stop = Stop(grace_seconds=service.shutdown_timeout_seconds)
        self._worker = runner.Worker(
            name=worker_name(), client=client, config=config, stop=self._stop, sources=sources
        )
        self._entries = {entry.connector_id: entry for entry in config.connectors}
        self._ticker = Ticker(
            client=client,
            sources=sources,
            service_types={entry.connector_id: entry.service_type for entry in config.connectors},
            heartbeat_seconds=service.heartbeat_seconds,
            recheck_seconds=service.idling_seconds,
            looks=asyncio.Semaphore(service.max_concurrent_scheduling_tasks),
        )
        self._stale = cleanup.StaleSyncs(grace_seconds=service.idle_limit_seconds * STALE_SHARE)
        self._known: dict[str, Connector] = {}
        self._memories: dict[str, Memory] = {}
        self._missing: set[str] = set()
        self._ticking: set[str] = set()
        self._running: set[str] = set()
        """Connectors a job of which runs here."""
        self._turns = Turns()
        self._paces = {
            "jobs": Pace(service.job_poll_interval_seconds),
            "connectors": Pace(min(LOOK_SECONDS, service.idling_seconds)),
            "cleanup": Pace(service.job_cleanup_interval_seconds),
        }
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Work until `stop` or a signal. Raises ElasticsearchError if Elasticsearch cannot be used at all."""
        _on_signals(self.stop)
        if await self._until_stopped(preflight(self._client)):
            self._log.info("service.started", worker=self._worker.name, connectors=len(self._entries))
            try:
                await self._serve()
            except TimeoutError:
                self._log.warning("service.stop_forced", running_jobs=len(self._running))
        self._log.info("service.stopped", worker=self._worker.name)

    async def _serve(self) -> None:
        """Run the loops until asked to stop. Raises TimeoutError if stopping takes longer than it may."""
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as beside:
            stopping = beside.create_task(self._limit_stopping(limit))
            async with asyncio.TaskGroup() as self._group:
                self._group.create_task(self._repeat("connectors", self._look_at_connectors))
                self._group.create_task(self._repeat("jobs", self._start_jobs))
                self._group.create_task(self._repeat("cleanup", self._clean_up))
                self._group.create_task(notice_stalls(self._stop))
            stopping.cancel()

    def stop(self) -> None:
        """Ask to stop: loops end, running jobs are suspended. Returns at once."""
        self._stop.ask()
        for pace in self._paces.values():
            pace.wake()

    async def _limit_stopping(self, limit: asyncio.Timeout) -> None:
        """Once asked to stop, see to it that whatever is not done in time is canceled."""
        await self._stop.wait()
        self._log.info("service.stopping", running_jobs=len(self._running))
        limit.reschedule(asyncio.get_running_loop().time() + self._config.service.shutdown_timeout_seconds)

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Run the work unless asked to stop meanwhile; say whether it was done."""
        working, stopping = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            working.cancel()
            stopping.cancel()
            await asyncio.wait({working, stopping})
        if working.cancelled():
            return False
        working.result()
        return True

    async def _repeat(self, name: str, tick: Callable[[], Awaitable[None]]) -> None:
        """Do a tick again and again, at the loop's pace, until asked to stop."""
        pace = self._paces[name]
        while not self._stop.is_asked:
            failure = await self._attempt(name, tick)
            match failure:
                case None:
                    pace.succeeded()
                case errors.AuthorizationError():
                    pace.refused()
                case _:
                    pace.failed()
            await pace.pause()

    async def _attempt(
        self, name: str, work: Callable[[], Awaitable[object]], **facts: Any
    ) -> Exception | None:
        """Do the work and return what went wrong: the boundary at which no failure ends the service."""
        try:
            await work()
        except errors.ElasticsearchError as error:
            self._log.warning(f"{name}.failed", reason=str(error), **facts)
            return error
        except Exception as error:
            # A mistake of ours: this connector or loop goes on next time, the others never notice.
            self._log.exception(f"{name}.crashed", **facts)
            return error
        return None

    async def _look_at_connectors(self) -> None:
        """List our connectors, create missing ones that `config.yml` wants, tick each."""
        listed = await connectors.search(self._client, ids=self._entries, service_types=self._served_types())
        for connector in listed:
            known = self._known.get(connector.id)
            if known is None or known.version != connector.version:
                self._turns.reconsider(connector.id)
        self._known = {connector.id: connector for connector in listed}
        self._memories = {one: memory for one, memory in self._memories.items() if one in self._known}
        await self._create_missing()
        for connector in listed:
            # One that hangs in its source does not hold up the others; it is just not ticked again meanwhile.
            if connector.id not in self._ticking:
                self._ticking.add(connector.id)
                self._group.create_task(self._tick(connector))

    def _served_types(self) -> tuple[str, ...]:
        service = self._config.service
        return service.service_types if service.worker_mode else ()

    async def _create_missing(self) -> None:
        for connector_id, entry in self._entries.items():
            if connector_id in self._known:
                continue
            was_created = entry.create and await connectors.create(
                self._client,
                connector_id,
                service_type=entry.service_type,
                index_name=entry.index_name,
                name=entry.name or connector_id,
            )
            if was_created:
                self._log.info("connector.created", connector_id=connector_id)
                self._paces["connectors"].wake()
            elif connector_id not in self._missing:
                self._log.warning("connector.missing", connector_id=connector_id)
                self._missing.add(connector_id)
        self._missing -= self._known.keys()

    async def _tick(self, connector: Connector) -> None:
        memory = self._memories.setdefault(connector.id, Memory())
        try:
            await self._attempt(
                "connector", lambda: self._see_to(connector, memory), connector_id=connector.id
            )
        finally:
            self._ticking.discard(connector.id)
        if memory.agenda.next_at is not None:
            seconds = (memory.agenda.next_at - datetime.now(UTC)).total_seconds()
            self._paces["connectors"].look_within(seconds)

    async def _see_to(self, connector: Connector, memory: Memory) -> None:
        await self._ticker.tick(connector, memory)
        if connector.id not in self._running:
            await self._stale.repair(self._client, connector)

    async def _start_jobs(self) -> None:
        """Start waiting jobs of our connectors as far as there is room."""
        room = self._config.service.max_concurrent_content_syncs - len(self._running)
        if room <= 0:
            return
        waiting = await jobs.search_waiting(self._client, self._entries.keys() | self._known.keys())
        for chosen in self._turns.choose(waiting, self._running, room):
            self._running.add(chosen.connector_id)
            self._group.create_task(self._run_job(chosen))

    async def _run_job(self, waiting: SyncJob) -> None:
        entry = self._entries.get(waiting.connector_id)
        was_ours = False

        async def run() -> None:
            nonlocal was_ours
            was_ours = await runner.run(self._worker, waiting, entry.api_key if entry else None)

        try:
            await self._attempt("job", run, connector_id=waiting.connector_id, sync_job_id=waiting.id)
        finally:
            self._running.discard(waiting.connector_id)
            if was_ours:
                self._turns.serve(waiting.connector_id)
                self._paces["jobs"].wake()
            else:
                self._turns.defer(waiting.connector_id)

    async def _clean_up(self) -> None:
        """End what dead workers left behind."""
        ids = self._entries.keys() | self._known.keys()
        idle_seconds = self._config.service.idle_limit_seconds
        await cleanup.end_idle_jobs(self._client, ids, idle_seconds)
        await cleanup.end_orphans(self._client, self._known.keys(), idle_seconds, self._worker.name)


def _on_signals(stop: Callable[[], None]) -> None:
    """Stop at the first SIGTERM or SIGINT; the second ends the process as if there were no handler."""
    loop = asyncio.get_running_loop()

    def handle() -> None:
        for known in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(known)
            signal.signal(known, signal.SIG_DFL)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle)
