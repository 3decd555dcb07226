"""Runs beside a sync: checks that the job is still ours, and reports that its worker is alive.

Both end by raising JobLostError or JobCanceledError, never by a refused or lost request: whether silence
has lasted too long is the lease's decision.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from ingest import errors
from ingest.elasticsearch.client import Client
from ingest.log import get_logger
from ingest.protocol import JobStatus, SyncJob, connectors, jobs
from ingest.protocol.lease import Lease

_CALL_BUDGET_SECONDS: Final = 5.0
_HEARTBEAT_BUDGET_SECONDS: Final = 30.0
_ON_ITS_WAY_SECONDS: Final = 2.0


async def confirm(client: Client, claimed: SyncJob) -> None:
    """Read the job back. Raises JobCanceledError or JobLostError unless it is in progress and still ours."""
    current = await jobs.get(client, claimed.id, budget_seconds=_CALL_BUDGET_SECONDS)
    if current is None:
        raise errors.JobLostError("The sync job was deleted.")
    if current.worker_hostname != claimed.worker_hostname or current.started_at != claimed.started_at:
        raise errors.JobLostError(f"The sync job was taken over by {current.worker_hostname}.")
    match current.status:
        case JobStatus.IN_PROGRESS:
            return
        case JobStatus.CANCELING:
            raise errors.JobCanceledError("The sync job is canceling.")
        case other:
            raise errors.JobLostError(f"Somebody else set the sync job to {other}.")


async def watch_job(client: Client, claimed: SyncJob, lease: Lease, interval_seconds: float) -> NoReturn:
    """Ask every few seconds whether the job is still ours and its connector still exists."""
    while True:
        await asyncio.sleep(interval_seconds)
        try:
            await lease.confirm()
            if (
                await connectors.get(client, claimed.connector_id, budget_seconds=_CALL_BUDGET_SECONDS)
                is None
            ):
                raise errors.JobLostError("The connector was deleted.")
        except (errors.JobLostError, errors.JobCanceledError) as error:
            lease.end(error)
            raise
        except errors.ElasticsearchError as error:
            get_logger().warning("job.check_failed", sync_job_id=claimed.id, error=str(error))


async def heartbeat(
    client: Client,
    claimed: SyncJob,
    lease: Lease,
    stats: Callable[[], Mapping[str, Any]],
    interval_seconds: float,
) -> NoReturn:
    """Report counts every few seconds, however slow the source; each success renews the lease."""
    while True:
        lease.check()
        sent_at = lease.now()
        try:
            await _report(client, claimed.id, stats())
            lease.renewed(sent_at)
        except errors.NotFoundError as error:
            raise errors.JobLostError("The sync job was deleted.") from error
        except errors.ElasticsearchError as error:
            get_logger().warning("job.heartbeat_failed", sync_job_id=claimed.id, error=str(error))
        except Exception:
            # A defect of ours. The next report may work; if none does, the lease ends the job in time.
            get_logger().exception("job.heartbeat_crashed", sync_job_id=claimed.id)
        await asyncio.sleep(interval_seconds)


async def _report(client: Client, job_id: str, stats: Mapping[str, Any]) -> None:
    """Report counts. Canceled, it waits for a report that is on its way, but not for long.

    It would otherwise arrive after the job's end, and replace the last counts.
    """
    sending = asyncio.create_task(
        jobs.update_stats(client, job_id, stats, budget_seconds=_HEARTBEAT_BUDGET_SECONDS)
    )
    try:
        await asyncio.shield(sending)
    except asyncio.CancelledError:
        try:
            await asyncio.wait({sending}, timeout=_ON_ITS_WAY_SECONDS)
        finally:
            sending.cancel()
            sending.add_done_callback(lambda sent: sent.cancelled() or sent.exception())
        raise
