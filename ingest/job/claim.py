"""How one of many workers gets a job, and no two ever sync one connector at once.

    connector: compare-and-set last_sync_status -> in_progress     most losers stop here, without a trace
    job:       check in, read back, guarded -> in_progress         one worker has this job, whoever else tries
    jobs:      no other running content job of this connector?     one worker has this connector

The last step is what makes it safe: every worker first writes its job as running and only then looks for
others, so of two that overlap at least one sees the other and steps back. The first step only makes that
rare. A worker that dies in between leaves a connector `in_progress` without a running job, which
`lost_jobs.py` mends.
"""

from ingest import errors
from ingest.elasticsearch.client import Client
from ingest.protocol import Connector, ConnectorStatus, JobStatus, SyncJob, connectors, jobs

_SYNCABLE = frozenset({ConnectorStatus.CONFIGURED, ConnectorStatus.CONNECTED, ConnectorStatus.ERROR})


async def claim(client: Client, waiting: SyncJob, connector: Connector, worker: str) -> SyncJob | None:
    """Try to get a waiting content job; return it as claimed, or None if it is not for us, now or ever.

    `connector` is its connector as it was read last: one that was written since is claimed by nobody.
    """
    is_startable = connector.status in _SYNCABLE and connector.last_sync_status is not JobStatus.IN_PROGRESS
    if not is_startable or not await _start_sync(client, connector):
        return None
    claimed = await take(client, waiting.id, worker)
    if claimed is None:
        await _release_connector(client, connector)
        return None
    if await _is_alone(client, claimed):
        return claimed
    await step_back(client, claimed)
    return None


async def _start_sync(client: Client, connector: Connector) -> bool:
    """Compare and set; say whether to go on."""
    try:
        await connectors.start_sync(client, connector)
    except (errors.ConflictError, errors.NotFoundError):
        return False
    except errors.ElasticsearchUnavailableError:
        # Perhaps it was done and only the answer is lost. If it was a rival's, the later steps tell.
        current = await connectors.get(client, connector.id, budget_seconds=10.0)
        return current is not None and current.last_sync_status is JobStatus.IN_PROGRESS
    return True


async def take(client: Client, job_id: str, worker: str) -> SyncJob | None:
    """Get a waiting job of any type, whatever its connector does; None if somebody else has it."""
    try:
        await jobs.check_in(client, job_id)
    except errors.NotFoundError:
        return None
    job = await jobs.get(client, job_id, budget_seconds=20.0)
    if job is None or job.status is None or not job.status.is_waiting:
        return None
    return await jobs.claim(client, job, worker)


async def step_back(client: Client, claimed: SyncJob) -> None:
    """Give a claimed job back for a later try, unless somebody wrote it meanwhile."""
    try:
        await jobs.end(client, claimed, {"status": JobStatus.SUSPENDED.value})
    except (errors.ConflictError, errors.NotFoundError):
        return


async def _is_alone(client: Client, claimed: SyncJob) -> bool:
    running = await jobs.search_running(client, claimed.connector_id)
    return [job.id for job in running] == [claimed.id]


async def _release_connector(client: Client, before: Connector) -> None:
    """Undo `start_sync` after the job turned out to be gone, unless the connector was written meanwhile."""
    current = await connectors.get(client, before.id)
    if current is None or current.last_sync_status is not JobStatus.IN_PROGRESS:
        return
    if await jobs.search_running(client, before.id):
        return
    members = {
        "status": before.status.value if before.status else ConnectorStatus.CONNECTED.value,
        "error": before.error,
        "last_sync_status": before.last_sync_status.value if before.last_sync_status else None,
        "last_sync_error": before.last_sync_error,
    }
    try:
        await connectors.end_sync(client, current, members)
    except (errors.ConflictError, errors.NotFoundError):
        return
