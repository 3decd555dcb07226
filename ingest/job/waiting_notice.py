"""A notice, in the log and in a job's metadata, of the running job it waits for; once for each."""

from datetime import timedelta
from typing import Any

from ingest import errors
from ingest.elasticsearch.client import Client
from ingest.log import get_logger
from ingest.protocol import SyncJob, jobs, timestamp


async def publish_waiting_notice(client: Client, waiting: SyncJob, idle_seconds: float) -> None:
    """Say that a waiting job waits for a running one of its connector, if it does and has not been told."""
    running = [one for one in await jobs.search_running(client, waiting.connector_id) if one.id != waiting.id]
    job = await jobs.get(client, waiting.id) if running else None
    if job is None or job.status is None or not job.status.is_waiting:
        return
    facts = facts_of(running[0], idle_seconds)
    told = job.metadata.get("waits_for")
    if isinstance(told, dict) and told.get("sync_job_id") == facts["sync_job_id"]:
        return
    try:
        await jobs.annotate(client, job, {"waits_for": facts})
    except (errors.ConflictError, errors.NotFoundError):
        return  # the job was written meanwhile, perhaps claimed
    get_logger().info("job.waits", sync_job_id=job.id, connector_id=job.connector_id, **{"for": facts})


def facts_of(running: SyncJob, idle_seconds: float) -> dict[str, Any]:
    """Describe a running job for one that waits: whose it is, and until when its worker may be silent."""
    seen = running.last_seen or running.started_at
    given_up = None if seen is None else seen + timedelta(seconds=idle_seconds)
    return {
        "sync_job_id": running.id,
        "worker_hostname": running.worker_hostname,
        "last_seen": None if seen is None else timestamp(seen),
        "given_up_if_silent_until": None if given_up is None else timestamp(given_up),
    }
