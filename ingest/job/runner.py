"""One sync job, from its claim to its one final status.

    claim -> check -> work -> end     in this order; the work of each type of job is in `job_types.WORK`
             watch_job, heartbeat     beside it, in one TaskGroup with it: canceled? lost? still ours?
             until_stopped            also beside it: is the service stopping?

Whatever ends the work, exactly one ending follows from it, here and nowhere else.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from ingest import errors
from ingest.config import Config
from ingest.elasticsearch.client import Client
from ingest.job import claim, heartbeat
from ingest.job.connector_snapshot import CREATED_TOO_EARLY, was_created_too_early
from ingest.job.ending import Ending, end_connector, end_job
from ingest.job.follow_job import STOPPING, STOPPING_SECONDS, FollowJob, follows
from ingest.job.job_types import WORK, Work
from ingest.job.options import options_of
from ingest.job.rejected_documents import RejectedDocuments, keeping
from ingest.job.running_job import Phase, RunningJob
from ingest.job.shared_index import Claimed, require_sole
from ingest.log import bound_facts, get_logger
from ingest.protocol import JobStatus, JobType, SyncJob, connectors, jobs, values_of
from ingest.protocol.error_texts import error_text, shortened
from ingest.protocol.lease import Lease, boottime
from ingest.secret import Secret
from ingest.stopping.stop import LEAST_SECONDS, Stop
from ingest.sync.comparison.cursor import Cursor
from ingest.sync.request import SyncContext, SyncRequest
from ingest.sync.rules import BasicRules
from sources import registry
from sources.contract import Preferences, Source
from sources.errors import SourceConfigurationError, SourceError, SourceUnavailableError
from sources.registry import SOURCES

BEGINNING_BUDGET_SECONDS: Final = 600.0
RESTART_SECONDS: Final = 2.0
"""Least pause before a source that was not there is tried again, times the number of tries made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Who runs jobs, and with what."""

    name: str
    """Unique among all workers, ever; stands in `worker_hostname`."""
    client: Client
    config: Config
    stop: Stop
    sources: Mapping[str, type[Source]] = field(default_factory=lambda: SOURCES)
    work: Mapping[JobType, Work] = field(default_factory=lambda: WORK)
    boottime: Callable[[], float] = boottime


class _StoppingError(Exception):
    """The service is stopping."""


async def run(worker: Worker, running: RunningJob, api_key: Secret | None) -> bool:
    """Claim a waiting job and run it to its end; say whether it was ours.

    `api_key` is the connector's own key for its content index. Raises ElasticsearchError if Elasticsearch
    could not be told how the job ended; any service then ends it as idle.
    """
    waiting = running.job
    client = worker.client.for_job(_opaque_id(worker, waiting))
    work = worker.work.get(waiting.job_type) if waiting.job_type else None
    if work is None:
        return await _refuse(worker, client, waiting, _unknown_type(worker, waiting))
    whole = await jobs.get(client, waiting.id, budget_seconds=10.0)
    connector = await connectors.get(client, waiting.connector_id, budget_seconds=10.0)
    if whole is None or connector is None:
        return False
    if was_created_too_early(whole, connector, worker.sources):
        return await _refuse(worker, client, whole, CREATED_TOO_EARLY)
    claimed = await claim.claim(client, waiting, connector, worker.name)
    if claimed is None:
        return False
    running.job = claimed
    with bound_facts(**_facts(claimed)):
        await _Run(worker, client, running, api_key, work).to_its_end()
    return True


def _unknown_type(worker: Worker, job: SyncJob) -> str:
    source = worker.sources.get(job.service_type or "")
    subject = source.name if source else job.service_type or "this connector"
    known = " or ".join(repr(kind.value) for kind in worker.work)
    return f"{subject} has no sync jobs of type {job.job_type_text!r}; create a job of type {known}."


async def _refuse(worker: Worker, client: Client, waiting: SyncJob, reason: str) -> bool:
    """End a job that nobody here can run. Its connector is fine, so that is left as it is."""
    taken = await claim.take(client, waiting.id, worker.name)
    if taken is None:
        return False
    await end_job(client, taken, Ending(status=JobStatus.ERROR, error=shortened(reason)), None)
    get_logger().warning(
        "job.refused", sync_job_id=waiting.id, connector_id=waiting.connector_id, error=reason
    )
    return True


class _Run:
    """A claimed job while it runs."""

    def __init__(
        self, worker: Worker, client: Client, running: RunningJob, api_key: Secret | None, work: Work
    ) -> None:
        job = running.job
        self._worker = worker
        self._client = client
        self._content = worker.client.for_content(_opaque_id(worker, job), api_key).with_backoff(
            running.noticing_pauses
        )
        self._running = running
        self._job = job
        self._work = work
        self._stats = running.stats
        self._cursor: Cursor | None = None
        self._readings = 1
        """How often the source may be tried; known once its settings are read."""
        self._lease = Lease(
            lambda: heartbeat.confirm(client, job),
            fencing_seconds=worker.config.service.fencing_limit_seconds,
            clock=worker.boottime,
        )
        self._log = get_logger().bind(**_facts(job))

    async def to_its_end(self) -> None:
        """Do the work, and report the ending even if the task is canceled meanwhile."""
        self._log.info("job.started", worker=self._worker.name, attempt=self._running.attempt)
        try:
            ending = await self._ending()
        except asyncio.CancelledError:
            # Only a hard stop cancels the task; the report goes out before the cancellation goes on.
            await self._report_shielded(Ending(status=JobStatus.SUSPENDED))
            raise
        if ending is not None:
            await self._report_shielded(ending)

    async def _ending(self) -> Ending | None:
        """Do the work and judge how it ended; None if the job was lost and nothing may be written about it.

        This is the job boundary: whatever a source or the data path raises ends this job and no other.
        """
        try:
            async with asyncio.TaskGroup() as group:
                companions = [group.create_task(companion) for companion in self._companions()]
                await self._sync()
                for task in companions:
                    task.cancel()
        except ExceptionGroup as failures:
            return self._judge(failures)
        if self._running.following is not None and self._running.following.is_urgent:
            return Ending(status=JobStatus.SUSPENDED)
        cursor = None if self._cursor is None else await self._cursor.to_wire()
        return Ending(status=JobStatus.COMPLETED, cursor=cursor)

    def _companions(self) -> list[Any]:
        service = self._worker.config.service
        return [
            heartbeat.watch_job(self._client, self._job, self._lease, service.job_check_interval_seconds),
            heartbeat.heartbeat(
                self._client, self._job, self._lease, self._stats.to_wire, service.job_report_interval_seconds
            ),
            self._until_stopped(),
        ]

    async def _until_stopped(self) -> None:
        await self._worker.stop.wait()
        if (following := self._running.following) is not None:
            following.ask_to_end(STOPPING, urgent=True)
            await asyncio.sleep(STOPPING_SECONDS)
        raise _StoppingError

    async def _sync(self) -> None:
        """Do the work; while its reading has not begun, a source that is lost is tried again from the start.

        Once it has begun, each slice is read again by itself.
        """
        attempts = self._content.retrying(BEGINNING_BUDGET_SECONDS).attempts()
        while True:
            try:
                await self._check_and_work()
            except SourceUnavailableError as error:
                if self._stats.slices_total is not None or attempts.made >= self._readings:
                    raise
                self._log.warning("source.awaited", attempt=attempts.made, reason=self._sentence(error))
                if not await attempts.wait(RESTART_SECONDS * attempts.made):
                    raise
                self._stats.warnings.clear()
            else:
                return

    async def _check_and_work(self) -> None:
        job = self._job
        self._running.phase = Phase.CHECKING
        if job.index_name is None:
            raise SourceConfigurationError("The connector has no index; attach one with _index_name.")
        rules = BasicRules.from_wire(list(job.filtering.rules))
        source_class = registry.find(self._worker.sources, job.service_type)
        async with source_class(values_of(job.configuration)) as source:
            self._readings = source.preferences.readings
            claimed = Claimed(connector_id=job.connector_id, index_name=job.index_name or "")
            await require_sole(self._client, self._content, claimed, source, self._worker.sources)
            await self._require_usable(source)
            request = SyncRequest(
                source=source,
                index_name=job.index_name,
                pipeline=job.pipeline,
                rules=rules,
                advanced_rules=job.filtering.advanced_snippet,
                options=options_of(job, source.preferences, self._worker.config),
                cursor=None if job.is_repair else await self._last_cursor(),
            )
            context = SyncContext(client=self._content, lease=self._lease, stats=self._stats, log=self._log)
            self._running.phase = Phase.SYNCING
            rejected = RejectedDocuments(
                client=self._content,
                index_name=source.preferences.rejected_index,
                connector_id=job.connector_id,
            )
            async with keeping(rejected, job, context):
                self._cursor = await self._working(source.preferences)(request, context)

    def _working(self, preferences: Preferences) -> Work:
        """Return what this job does; one that is to follow gets what it needs for that."""
        if not follows(self._job, preferences):
            return self._work
        seconds = self._worker.config.service.job_check_interval_seconds
        following = FollowJob(client=self._client, job=self._job, lease=self._lease, check_seconds=seconds)
        self._running.following = self._stats.following = following.begin()
        return partial(following.work, self._stats.following)

    async def _last_cursor(self) -> Any:
        """Return what the last job that completed left; nobody else writes it while this job runs."""
        connector = await connectors.get(self._client, self._job.connector_id)
        return None if connector is None else connector.sync_cursor

    async def _require_usable(self, source: Source) -> None:
        """Raise SourceConfigurationError for all that would stop the sync, before anything is written."""
        await source.ping()
        problems = await source.validate(self._job.filtering.advanced_snippet)
        messages = [message for problem in problems for message in problem.messages]
        for finding in await source.check(self._job.filtering.advanced_snippet):
            if finding.is_fatal:
                messages.append(str(finding))
            else:
                self._stats.warnings.append(str(finding))
                self._log.warning("source.finding", finding=str(finding))
        if messages:
            raise SourceConfigurationError(*messages)

    def _judge(self, failures: ExceptionGroup[Exception]) -> Ending | None:
        """Choose the ending: a lost job before all else, then a person's request, then the first error."""
        leaves = _leaves(failures)
        if (lost := _first(leaves, errors.JobLostError)) is not None:
            self._log.warning("job.lost", reason=str(lost), **self._stats.counts())
            return None
        if _first(leaves, errors.JobCanceledError) is not None:
            return Ending(status=JobStatus.CANCELED)
        if _first(leaves, _StoppingError) is not None:
            return Ending(status=JobStatus.SUSPENDED)
        worst = _first(leaves, MemoryError) or leaves[0]
        return Ending(status=JobStatus.ERROR, error=self._sentence(worst))

    def _sentence(self, error: Exception) -> str:
        """Say what went wrong in a sentence that holds no secret of the configuration."""
        if isinstance(error, errors.IngestError | SourceError):
            return error_text(error, self._job.configuration)
        self._log.error("job.crashed", exc_info=error)
        if isinstance(error, MemoryError):
            exhausted = errors.OutOfMemoryError()
            self._worker.stop.ask(exhausted)
            return str(exhausted)
        return f"Unexpected {type(error).__name__}; the log of {self._worker.name} has the details."

    async def _report_shielded(self, ending: Ending) -> None:
        """Report; if canceled meanwhile, wait a moment for the report to go out, and leave no task behind."""
        self._running.phase = Phase.ENDING
        reporting = asyncio.create_task(self._report(ending))
        try:
            await asyncio.shield(reporting)
        except asyncio.CancelledError:
            await asyncio.wait({reporting}, timeout=LEAST_SECONDS)
            reporting.cancel()
            await asyncio.wait({reporting})
            if not reporting.cancelled() and (error := reporting.exception()) is not None:
                self._log.warning("job.not_reported", reason=str(error))
            raise

    async def _report(self, ending: Ending) -> None:
        """Tell Elasticsearch and the log how the job ended."""
        try:
            async with asyncio.timeout(self._worker.stop.seconds_left):
                counts = self._stats.to_wire()
                ended = await end_job(self._client, self._job, ending, counts, lease=self._lease)
                if ended is not None:
                    await end_connector(self._client, ended, ending.cursor)
        except TimeoutError as error:
            raise errors.ElasticsearchUnavailableError(
                "Elasticsearch did not take the job's ending before the service had to stop."
            ) from error
        self._running.ended = ended
        if ended is None:
            self._log.warning("job.lost", reason="Somebody else ended the job.", **self._stats.counts())
            return
        log = self._log.error if ended.status is JobStatus.ERROR else self._log.info
        log(
            "job.finished",
            status=ended.status.value if ended.status else None,
            error=ended.error,
            seconds=round(self._running.seconds, 3),
            **self._stats.counts(),
        )


def _facts(job: SyncJob) -> dict[str, Any]:
    """Return what stands beside every line of the log about this job."""
    return {
        "sync_job_id": job.id, "connector_id": job.connector_id, "job_type": job.job_type_text,
        "index_name": job.index_name, "service_type": job.service_type,
    }  # fmt: skip


def _opaque_id(worker: Worker, job: SyncJob) -> str:
    return quote(f"{worker.name}/{job.id}", safe="/:-._~")


def _first(errors_: list[Exception], kind: type[Exception]) -> Exception | None:
    return next((error for error in errors_ if isinstance(error, kind)), None)


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
