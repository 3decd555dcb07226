"""Copies the state of the service into the plain values of `ingest.status.snapshot`."""

from datetime import UTC, datetime

from ingest.job.running_job import RunningJob
from ingest.protocol import Connector, SyncJob
from ingest.service.loops import Loop
from ingest.service.queue import Queue, reason_to_wait
from ingest.status.snapshot import (
    ConnectorStatus,
    EndedStatus,
    LoopStatus,
    RunningStatus,
    SliceStatus,
    WaitingStatus,
)
from ingest.sync.progress.stats import SliceStats, Stats

SLICES_SHOWN = 20


def loop_status(loop: Loop) -> LoopStatus:
    """Copy how a loop does."""
    return LoopStatus(
        name=loop.name,
        interval_seconds=loop.pace.interval_seconds,
        turned_at=loop.turned_at,
        turn_seconds=loop.turn_seconds,
        error=None if loop.failure is None else str(loop.failure),
    )


def connector_status(connector: Connector, last_completed: datetime | None) -> ConnectorStatus:
    """Copy what is shown of a connector."""
    last_sync, verified = connector.last_sync_status, connector.last_verify
    return ConnectorStatus(
        id=connector.id,
        name=connector.name,
        service_type=connector.service_type,
        index_name=connector.index_name,
        status=connector.status and connector.status.value,
        error=connector.error,
        last_sync_status=last_sync and last_sync.value,
        last_synced=connector.last_synced,
        last_completed=last_completed,
        verified_at=None if verified is None else verified.moment,
        differing=None if verified is None else verified.differing,
    )


def running_status(running: RunningJob) -> RunningStatus:
    """Copy how far a job is."""
    stats = running.stats
    now, concurrency = stats.clock(), stats.backpressure.concurrency
    return RunningStatus(
        id=running.job.id,
        connector_id=running.job.connector_id,
        job_type=running.job.job_type_text,
        phase=running.phase.value,
        since=running.since,
        attempt=running.attempt,
        is_paused=running.is_paused,
        counts=stats.counts(),
        slices_total=stats.slices_total,
        slices_finished=len({one.name for one in stats.all_slices if one.finished_at is not None}),
        slices=tuple(_slice_status(one, now) for one in stats.all_slices[-SLICES_SHOWN:]),
        follows_by=None if running.following is None else running.following.way,
        lag_seconds=0.0 if running.following is None else running.following.lag_seconds,
        retries=_retries(stats),
        requests_in_flight=concurrency.in_use if concurrency else 0,
        requests_allowed=concurrency.limit if concurrency else 0,
    )


def waiting_status(job: SyncJob, queue: Queue) -> WaitingStatus:
    """Copy what is shown of a job that waits."""
    return WaitingStatus(
        id=job.id,
        connector_id=job.connector_id,
        job_type=job.job_type_text,
        since=job.created_at,
        reason=reason_to_wait(job, queue),
    )


def ended_status(running: RunningJob, ended: SyncJob) -> EndedStatus:
    """Copy how a job ended."""
    stats: Stats = running.stats
    return EndedStatus(
        id=ended.id,
        connector_id=ended.connector_id,
        job_type=ended.job_type_text,
        status=ended.status.value if ended.status else "unknown",
        ended_at=datetime.now(UTC),
        seconds=running.seconds,
        counts=stats.counts(),
        error=ended.error,
        warnings=tuple(stats.warnings),
        retries=_retries(stats),
    )


def _retries(stats: Stats) -> dict[str, int]:
    return {cause.value: count for cause, count in stats.backpressure.retries.items()}


def _slice_status(one: SliceStats, now: float) -> SliceStatus:
    return SliceStatus(
        name=one.name,
        rows=one.tally.read,
        estimated_rows=one.estimated_rows,
        rows_per_second=one.rows_per_second(now),
        seconds_left=one.seconds_left(now),
        is_finished=one.finished_at is not None,
    )
