"""One sync job, from its claim to its one final status.

    claim -> check -> full_sync -> end     the story
             watch_job, heartbeat          beside it, in one TaskGroup with it: canceled? lost? still ours?
             until_stopped                 ditto: is the service stopping?

Whatever ends the sync, exactly one ending follows from it, here and nowhere else.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import structlog

from ingest import errors
from ingest.config import Config
from ingest.elasticsearch.client import Client
from ingest.job import claim, heartbeat
from ingest.job.ending import Ending, end_connector, end_job, shortened
from ingest.lease import Lease, boottime
from ingest.protocol.documents import JobStatus, JobType, SyncJob, secrets_of, values_of
from ingest.secret import STARS, Secret
from ingest.stopping import LEAST_SECONDS, Stop
from ingest.sync.full import full_sync
from ingest.sync.request import SyncContext, SyncOptions, SyncRequest
from ingest.sync.rules import BasicRules
from ingest.sync.stats import Stats
from sources import registry
from sources.contract import Preferences, Source
from sources.errors import SourceConfigurationError, SourceError
from sources.registry import SOURCES


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Who runs jobs, and with what."""

    name: str
    """Unique among all workers, ever; stands in `worker_hostname`."""
    client: Client
    config: Config
    stop: Stop
    sources: Mapping[str, type[Source]] = field(default_factory=lambda: SOURCES)
    boottime: Callable[[], float] = boottime


class _StoppingError(Exception):
    """The service is stopping."""


async def run(worker: Worker, waiting: SyncJob, api_key: Secret | None) -> bool:
    """Claim a waiting job and run it to its end; say whether it was ours.

    `api_key` is the connector's own key for its content index. Raises ElasticsearchError if Elasticsearch
    could not be told how the job ended; any service then ends it as idle.
    """
    client = worker.client.for_job(_opaque_id(worker, waiting))
    if waiting.job_type is not JobType.FULL:
        return await _refuse(worker, client, waiting)
    claimed = await claim.claim(client, waiting, worker.name)
    if claimed is None:
        return False
    await _Run(worker, client, claimed, api_key).to_its_end()
    return True


async def _refuse(worker: Worker, client: Client, waiting: SyncJob) -> bool:
    """End a job of a type nobody here can run. Its connector is fine, so that is left as it is."""
    taken = await claim.take(client, waiting.id, worker.name)
    if taken is None:
        return False
    source = worker.sources.get(waiting.service_type or "")
    subject = source.name if source else waiting.service_type or "this connector"
    text = f"{subject} has no sync jobs of type {waiting.job_type_text!r}; create a job of type 'full'."
    await end_job(client, taken, Ending(status=JobStatus.ERROR, error=shortened(text)), None)
    structlog.get_logger().warning(
        "job.refused", sync_job_id=waiting.id, connector_id=waiting.connector_id, error=text
    )
    return True


class _Run:
    """A claimed job while it runs."""

    def __init__(self, worker: Worker, client: Client, job: SyncJob, api_key: Secret | None) -> None:
        self._worker = worker
        self._client = client
        self._content = worker.client.for_content(_opaque_id(worker, job), api_key)
        self._job = job
        self._stats = Stats()
        self._lease = Lease(
            lambda: heartbeat.confirm(client, job),
            fencing_seconds=worker.config.service.fencing_limit_seconds,
            clock=worker.boottime,
        )
        self._started = time.monotonic()
        self._log = structlog.get_logger().bind(
            sync_job_id=job.id,
            connector_id=job.connector_id,
            index_name=job.index_name,
            service_type=job.service_type,
        )

    async def to_its_end(self) -> None:
        """Sync, and report the ending even if the task is canceled meanwhile."""
        self._log.info("job.started", worker=self._worker.name, attempt=len(self._job.attempts()) + 1)
        try:
            ending = await self._ending()
        except asyncio.CancelledError:
            # Only a hard stop cancels the task; the report goes out before the cancellation goes on.
            await self._report_whatever_happens(Ending(status=JobStatus.SUSPENDED))
            raise
        if ending is not None:
            await self._report_whatever_happens(ending)

    async def _ending(self) -> Ending | None:
        """Run the sync and judge how it ended; None if the job was lost and nothing may be written about it.

        This is the job boundary: whatever a source or the data path raises ends this job and no other.
        """
        try:
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(vigilance) for vigilance in self._vigilances()]
                await self._sync()
                for task in beside:
                    task.cancel()
        except ExceptionGroup as failures:
            return self._judge(failures)
        return Ending(status=JobStatus.COMPLETED)

    def _vigilances(self) -> list[Any]:
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
        raise _StoppingError

    async def _sync(self) -> None:
        job = self._job
        if job.index_name is None:
            raise SourceConfigurationError("The connector has no index; attach one with _index_name.")
        rules = BasicRules.from_wire(list(job.filtering.rules))
        source_class = registry.find(self._worker.sources, job.service_type)
        async with source_class(values_of(job.configuration)) as source:
            await self._require_usable(source)
            request = SyncRequest(
                source=source,
                index_name=job.index_name,
                pipeline=job.pipeline,
                rules=rules,
                advanced_rules=job.filtering.advanced_snippet,
                options=self._options(source.preferences),
            )
            context = SyncContext(client=self._content, lease=self._lease, stats=self._stats, log=self._log)
            await full_sync(request, context)

    def _options(self, preferences: Preferences) -> SyncOptions:
        settings = self._worker.config
        return SyncOptions(
            bulk=settings.elasticsearch.bulk,
            rewrite=preferences.rewrites,
            derive_mappings=preferences.derives_mappings,
            language=self._job.language,
            readings=preferences.readings,
            progress_seconds=settings.service.job_report_interval_seconds,
        )

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
        """Choose the ending: a lost job beats everything, then what a person asked, then the first error."""
        leaves = _leaves(failures)
        if (lost := _first(leaves, errors.JobLostError)) is not None:
            self._log.warning("job.lost", reason=str(lost), **self._stats.counts())
            return None
        if _first(leaves, errors.JobCanceledError) is not None:
            return Ending(status=JobStatus.CANCELED)
        if _first(leaves, _StoppingError) is not None:
            return Ending(status=JobStatus.SUSPENDED)
        return Ending(status=JobStatus.ERROR, error=self._sentence(leaves[0]))

    def _sentence(self, error: Exception) -> str:
        """Say what went wrong in a sentence that holds no secret of the configuration."""
        if isinstance(error, errors.IngestError | SourceError):
            text = str(error) or type(error).__name__
        else:
            self._log.error("job.crashed", exc_info=error)
            text = f"Unexpected {type(error).__name__}; the log of {self._worker.name} has the details."
        for secret in secrets_of(self._job.configuration):
            text = text.replace(secret, STARS)
        return shortened(text)

    async def _report_whatever_happens(self, ending: Ending) -> None:
        """Report; if canceled meanwhile, give the report a last moment, and leave no task behind."""
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
                ended = await end_job(self._client, self._job, ending, self._stats.to_wire())
                if ended is not None:
                    await end_connector(self._client, ended)
        except TimeoutError as error:
            raise errors.ElasticsearchUnavailableError(
                "Elasticsearch did not take the job's ending before the service had to stop."
            ) from error
        if ended is None:
            self._log.warning("job.lost", reason="Somebody else ended the job.", **self._stats.counts())
            return
        log = self._log.error if ended.status is JobStatus.ERROR else self._log.info
        log(
            "job.finished",
            status=ended.status.value if ended.status else None,
            error=ended.error,
            seconds=round(time.monotonic() - self._started, 3),
            **self._stats.counts(),
        )


def _opaque_id(worker: Worker, job: SyncJob) -> str:
    return quote(f"{worker.name}/{job.id}", safe="/:-._~")


def _first(errors_: list[Exception], kind: type[Exception]) -> Exception | None:
    return next((error for error in errors_ if isinstance(error, kind)), None)


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
