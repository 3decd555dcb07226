"""How a job ends: exactly one final status on the job, then the same on its connector.

    completed   connected, last_sync_*           canceled    connected, last_sync_*
    error       error and its text, last_sync_*  suspended   last_sync_status only

Both writes are guarded and read first: a job that is no longer running or no longer ours keeps what it says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ingest import errors
from ingest.elasticsearch.client import Client
from ingest.protocol import (
    ConnectorStatus,
    JobStatus,
    JobType,
    SyncJob,
    connectors,
    jobs,
    timestamp,
)
from ingest.protocol.error_texts import shortened
from ingest.protocol.lease import Lease

MOST_RESUMPTIONS: Final = 3
"""How often a job whose worker died is resumed: it may be what kills them."""
_RESUMABLE: Final = frozenset({JobType.FULL, JobType.INCREMENTAL})
"""Jobs that can begin again: a full one finds out anew what has to change, and an incremental one begins
where the last completed job ended, since only a job that completes leaves a cursor."""
_ROUNDS: Final = 20
"""How often a lost race for a document is run again; others write it a few times a minute at most."""
_LAST_REPORT_SECONDS: Final = 60.0
"""How long the last counts may take, as everything else about an ending."""
_COUNTS: Final = (
    "indexed_document_count",
    "indexed_document_volume",
    "deleted_document_count",
    "total_document_count",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A final status, or `suspended`, with its one sentence."""

    status: JobStatus
    error: str | None = None
    cursor: Mapping[str, Any] | None = None
    """What the next job can begin from, if this one completed."""


async def end_job(
    client: Client,
    job: SyncJob,
    ending: Ending,
    stats: Mapping[str, Any] | None,
    *,
    lease: Lease | None = None,
) -> SyncJob | None:
    """Write the ending on the job and return it as it then is; None if it is not ours to end any more.

    `job` is what was claimed, or what cleanup found. Safe to repeat: an ending already written is returned
    as ours. Once the lease has run out nothing is reported.
    """
    if stats is not None and not await _report_last(client, job, stats, lease):
        return None
    for _ in range(_ROUNDS):
        current = await jobs.get(client, job.id)
        if current is None or not _is_the_run(current, job):
            return None
        status = reachable(current.status, ending.status)
        if status is None:
            return current if current.status is ending.status and current.error == ending.error else None
        members = _members(current, Ending(status=status, error=ending.error), stats)
        try:
            await jobs.end(client, current, members)
        except errors.ConflictError:
            continue
        except errors.NotFoundError:
            return None
        return await jobs.get(client, job.id)
    return None


async def _report_last(client: Client, job: SyncJob, stats: Mapping[str, Any], lease: Lease | None) -> bool:
    """Report the last counts; say whether the job is there and still ours.

    The report is not guarded: it would replace the counts of whoever has the job now, or has completed it. A
    process that stood still while it waited for the job is told what the job was before.
    """
    current = await jobs.get(client, job.id)
    if current is None or not _is_the_run(current, job):
        return False
    if reachable(current.status, JobStatus.ERROR) is None:
        return True
    if lease is not None and lease.is_expired:
        return False
    try:
        await jobs.update_stats(client, job.id, stats, budget_seconds=_LAST_REPORT_SECONDS)
    except errors.NotFoundError:
        return False
    return True


def _is_the_run(current: SyncJob, job: SyncJob) -> bool:
    """Say whether nobody took the job over, nor ourselves a second time."""
    return (current.worker_hostname, current.started_at) == (job.worker_hostname, job.started_at)


def ending_without_worker(job: SyncJob, reason: str) -> Ending:
    """Choose how a job ends whose worker is gone: a content job is resumed, but not again and again."""
    if job.status is JobStatus.CANCELING:
        return Ending(status=JobStatus.CANCELED)
    if job.job_type in _RESUMABLE and job.lost_workers < MOST_RESUMPTIONS:
        return Ending(status=JobStatus.SUSPENDED)
    resumed = f" It was resumed {job.lost_workers} times." if job.lost_workers else ""
    return Ending(status=JobStatus.ERROR, error=shortened(reason + resumed))


async def end_unattended(client: Client, job: SyncJob, ending: Ending) -> SyncJob | None:
    """End a job whose worker is gone, guarded by the version it was found at; None if anybody wrote it since.

    A worker that is alive after all, or another replica, thereby wins.
    """
    members = _members(job, ending, None)
    if ending.status.is_terminal:
        members["completed_at"] = _later(job.last_seen)
    else:
        members["metadata"] = {"lost_workers": job.lost_workers + 1}
    try:
        await jobs.end(client, job, members)
    except (errors.ConflictError, errors.NotFoundError):
        return None
    return await jobs.get(client, job.id)


async def end_connector(client: Client, ended: SyncJob, cursor: Mapping[str, Any] | None = None) -> None:
    """Bring the connector in line with a job of it that ended.

    A job that completed leaves its cursor, or none; any other leaves the one of the job before.
    """
    for _ in range(_ROUNDS):
        connector = await connectors.get(client, ended.connector_id)
        if connector is None:
            return
        try:
            members = _connector_members(ended) | _cursor_members(ended, cursor)
            await connectors.end_sync(client, connector, members)
        except errors.ConflictError:
            continue
        except errors.NotFoundError:
            return
        return


def _later(moment: datetime | None) -> str:
    """Return now, or the moment if that is later: a job does not complete before it was last seen."""
    now = datetime.now(UTC)
    return timestamp(max(now, moment) if moment else now)


def reachable(current: JobStatus | None, wanted: JobStatus) -> JobStatus | None:
    """Return the status the protocol lets us write instead of `current`; None if none.

    A job that is canceling when its sync returns or is suspended ends as canceled: the person was promised
    that.
    """
    match current:
        case JobStatus.IN_PROGRESS:
            return wanted
        case JobStatus.CANCELING:
            return JobStatus.ERROR if wanted is JobStatus.ERROR else JobStatus.CANCELED
        case _:
            return None


def _members(current: SyncJob, ending: Ending, stats: Mapping[str, Any] | None) -> dict[str, Any]:
    # The last stamp of the server's clock on this job; our own clock may be hours off.
    now = timestamp(current.last_seen or datetime.now(UTC))
    members: dict[str, Any] = {"status": ending.status.value, "error": ending.error, "last_seen": now}
    if ending.status.is_terminal:
        members["completed_at"] = now
    if ending.status is JobStatus.CANCELED:
        members["canceled_at"] = now
    if stats is not None:
        members |= {name: stats[name] for name in _COUNTS if name in stats}
    return members


def _cursor_members(ended: SyncJob, cursor: Mapping[str, Any] | None) -> dict[str, Any]:
    is_content = ended.job_type is not JobType.ACCESS_CONTROL
    return {"sync_cursor": cursor} if ended.status is JobStatus.COMPLETED and is_content else {}


def _connector_members(ended: SyncJob) -> dict[str, Any]:
    status = ended.status or JobStatus.ERROR
    if ended.job_type is JobType.ACCESS_CONTROL:
        return {
            "last_access_control_sync_status": status.value,
            "last_access_control_sync_error": ended.error,
        }
    members: dict[str, Any] = {"last_sync_status": status.value, "last_sync_error": ended.error}
    if not status.is_terminal:
        return members
    is_error = status is JobStatus.ERROR
    return members | {
        "status": ConnectorStatus.ERROR.value if is_error else ConnectorStatus.CONNECTED.value,
        "error": ended.error if is_error else None,
        "last_synced": timestamp(ended.last_seen or datetime.now(UTC)),
        "last_indexed_document_count": ended.indexed_document_count,
        "last_deleted_document_count": ended.deleted_document_count,
    }
