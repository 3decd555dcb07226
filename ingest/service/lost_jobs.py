"""What dead workers leave behind, ended or resumed by exactly one of the living.

    lost job       running, but its process is gone from this machine,
                   or nobody reported on it for the idle limit             -> suspended, a fourth time error
    orphan         a job whose connector is gone                           -> error
    stale sync     a connector `in_progress` without a running job         -> what its last job says

Every write is guarded by what was read, so of several replicas one ends a job. The server's clock decides
what is idle. A listing that may be incomplete raises; that a connector is gone is read back one by one.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from ingest import errors
from ingest.elasticsearch.client import Client
from ingest.job import claim
from ingest.job.ending import (
    Ending,
    end_connector,
    end_job,
    end_unattended,
    ending_without_worker,
)
from ingest.log import get_logger
from ingest.protocol import Connector, JobStatus, SyncJob, connectors, jobs
from ingest.protocol.error_texts import shortened


async def end_lost_jobs(
    client: Client,
    connector_ids: Collection[str],
    idle_seconds: float,
    is_gone: Callable[[str | None], bool],
) -> set[str]:
    """End or suspend the running jobs of these connectors whose worker is gone; return whose they were.

    A worker is gone if `is_gone` knows it by its name, or if it was silent for the limit.
    """
    idle = {job.id for job in await jobs.search_idle(client, connector_ids, idle_seconds)}
    freed: set[str] = set()
    for job in await jobs.search_running_of(client, connector_ids):
        if job.id not in idle and not is_gone(job.worker_hostname):
            continue
        seen = f"{job.last_seen:%Y-%m-%d %H:%M:%S} UTC" if job.last_seen else "its start"
        reason = f"No report since {seen} from worker {job.worker_hostname}, which probably died."
        if job.id not in idle:
            reason = f"The process of worker {job.worker_hostname} is gone."
        ending = ending_without_worker(job, reason)
        ended = await end_unattended(client, job, ending)
        if ended is not None:
            get_logger().warning(
                "job.worker_lost",
                sync_job_id=job.id,
                connector_id=job.connector_id,
                reason=reason,
                status=ending.status.value,
            )
            await end_connector(client, ended)
            freed.add(job.connector_id)
    return freed


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
        ended = await end_unattended(client, job, Ending(status=JobStatus.ERROR, error=shortened(text)))
    if ended is not None:
        get_logger().warning("job.orphaned", sync_job_id=job.id, connector_id=job.connector_id, error=text)


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
        get_logger().warning("connector.repaired", connector_id=connector.id)
        if last is not None:
            await end_connector(client, last)
            return
        try:
            await connectors.end_sync(client, connector, {"last_sync_status": None, "last_sync_error": None})
        except errors.ConflictError:
            return
