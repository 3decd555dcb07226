"""What dead workers leave behind, ended by exactly one of the living.

    idle job       running, but nobody reported on it for the idle limit   -> error, connector follows
    orphan         a job whose connector is gone                           -> error
    stale sync     a connector `in_progress` without a running job         -> what its last job says

Every write is guarded by what was read, so of several replicas one ends a job. The server's clock decides
what is idle. A listing that may be incomplete raises; that a connector is gone is read back one by one.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import structlog

from ingest import errors
from ingest.elasticsearch.client import Client
from ingest.job import claim
from ingest.job.ending import Ending, end_connector, end_job, end_unattended
from ingest.protocol import Connector, JobStatus, SyncJob, connectors, jobs


async def end_idle_jobs(client: Client, connector_ids: Collection[str], idle_seconds: float) -> None:
    """End the running jobs of these connectors that nobody reported on for the idle limit."""
    for job in await jobs.search_idle(client, connector_ids, idle_seconds):
        seen = f"{job.last_seen:%Y-%m-%d %H:%M:%S} UTC" if job.last_seen else "its start"
        text = f"No report since {seen} from worker {job.worker_hostname}, which probably died."
        ended = await end_unattended(client, job, text)
        if ended is not None:
            structlog.get_logger().warning(
                "job.idle", sync_job_id=job.id, connector_id=job.connector_id, error=text
            )
            await end_connector(client, ended)


async def end_orphans(
    client: Client, connector_ids: Collection[str], idle_seconds: float, worker: str
) -> None:
    """End the unfinished jobs of connectors that are gone; `connector_ids` are known to exist."""
    gone: dict[str, bool] = {}
    for job in await jobs.search_foreign_idle(client, connector_ids, idle_seconds):
        if job.connector_id not in gone:
            gone[job.connector_id] = await connectors.get(client, job.connector_id) is None
        if gone[job.connector_id]:
            await _end_orphan(client, job, worker)


async def _end_orphan(client: Client, job: SyncJob, worker: str) -> None:
    text = f"The connector {job.connector_id!r} of this sync job does not exist."
    if job.status is not None and job.status.is_waiting:
        # The protocol has no way from pending to error but through in_progress.
        taken = await claim.take(client, job.id, worker)
        ended = taken and await end_job(client, taken, Ending(status=JobStatus.ERROR, error=text), None)
    else:
        ended = await end_unattended(client, job, text)
    if ended is not None:
        structlog.get_logger().warning(
            "job.orphaned", sync_job_id=job.id, connector_id=job.connector_id, error=text
        )


@dataclass(slots=True, kw_only=True)
class StaleSyncs:
    """Connectors that say `in_progress` while no job of theirs runs, and since when we see that.

    Between a worker's compare-and-set and its claim every healthy connector looks like this for a moment,
    hence the grace. Being wrong would be harmless: the claim itself makes sure that no two jobs of a
    connector run.
    """

    grace_seconds: float
    monotonic: Callable[[], float] = time.monotonic
    since: dict[str, float] = field(default_factory=dict)

    async def repair(self, client: Client, connector: Connector) -> None:
        """Let the connector say what its last job says, if it has been stale for the grace."""
        if connector.last_sync_status is not JobStatus.IN_PROGRESS or await jobs.search_running(
            client, connector.id
        ):
            self.since.pop(connector.id, None)
            return
        now = self.monotonic()
        if now - self.since.setdefault(connector.id, now) < self.grace_seconds:
            return
        del self.since[connector.id]
        last = await jobs.last_ended(client, connector.id)
        structlog.get_logger().warning("connector.repaired", connector_id=connector.id)
        if last is not None:
            await end_connector(client, last)
            return
        try:
            await connectors.end_sync(client, connector, {"last_sync_status": None, "last_sync_error": None})
        except errors.ConflictError:
            return
