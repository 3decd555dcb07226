"""Sync job documents: every read and write of them, named after the endpoint where there is one.

No route claims a job exclusively and none ends one, so these two are updates of the document, guarded by
the version that was read. Every date comes from the server's clock (`_check_in` and `_stats` stamp
`last_seen`, which is then read back), because the server compares them with its own.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from ingest import errors
from ingest.elasticsearch import answers
from ingest.elasticsearch.client import Client, segment
from ingest.protocol import versioned_documents
from ingest.protocol.enums import JobStatus, JobType, TriggerMethod
from ingest.protocol.parsing import instant, timestamp
from ingest.protocol.sync_job import JOBS_INDEX, REPAIR, SyncJob

_OLDEST_FIRST: list[Any] = [{"created_at": "asc"}, *versioned_documents.BY_AGE_OF_WRITE]
_TO_CHOOSE = ("status", "job_type", "trigger_method", "created_at", "connector.id", "connector.service_type")
_REPAIRS = 5
"""How often a repair is created again because a worker was faster."""
_CLAIM_BUDGET_SECONDS = 20.0
_WAITING = [JobStatus.PENDING.value, JobStatus.SUSPENDED.value]
_RUNNING = [JobStatus.IN_PROGRESS.value, JobStatus.CANCELING.value]
CONTENT_JOB_TYPES = [JobType.FULL.value, JobType.INCREMENTAL.value]


async def search_waiting(client: Client, connector_ids: Collection[str]) -> list[SyncJob]:
    """List the jobs of these connectors that a worker may claim, oldest first, in one search.

    One attempt. Asked every second, so the answer leaves out the snapshots: who claims a job reads it whole.
    """
    if not connector_ids:
        return []
    return await _search(client, [_of(connector_ids), _in(_WAITING)], members=_TO_CHOOSE, budget_seconds=0.0)


async def search_running(client: Client, connector_id: str) -> list[SyncJob]:
    """List the content jobs of a connector that some worker should be busy with."""
    return await _search(client, [_of([connector_id]), _in(_RUNNING), _content_job()])


async def search_running_of(client: Client, connector_ids: Collection[str]) -> list[SyncJob]:
    """List the jobs of these connectors that some worker should be busy with."""
    return await _search(client, [_of(connector_ids), _in(_RUNNING)]) if connector_ids else []


async def search_live(client: Client, connector_id: str, job_type: JobType) -> list[SyncJob]:
    """List the jobs of a connector and a type that have not ended."""
    is_of_type = {"term": {"job_type": job_type.value}}
    return await _search(client, [_of([connector_id]), _in([*_WAITING, *_RUNNING]), is_of_type])


async def exists_since(client: Client, connector_id: str, job_type: JobType, moment: datetime) -> bool:
    """Say whether a job of a connector and a type was created, or anything happened to one, since then."""
    hits = await versioned_documents.search(
        client,
        JOBS_INDEX,
        {
            "bool": {
                "filter": [
                    _of([connector_id]),
                    {"term": {"job_type": job_type.value}},
                    {"range": {"last_seen": {"gte": timestamp(moment)}}},
                ]
            }
        },
        _OLDEST_FIRST,
        size=1,
        members=(),
    )
    return bool(hits)


async def search_idle(client: Client, connector_ids: Collection[str], idle_seconds: float) -> list[SyncJob]:
    """List the running jobs of these connectors without a report for so long, by the server's clock."""
    if not connector_ids:
        return []
    return await _search(client, [_of(connector_ids), _in(_RUNNING), _unseen_for(idle_seconds)])


async def search_foreign_idle(
    client: Client, connector_ids: Collection[str], idle_seconds: float
) -> list[SyncJob]:
    """List the unfinished jobs of all other connectors that nobody reported on for so long."""
    must_not = [_of(connector_ids)] if connector_ids else []
    return await _search(client, [_in([*_WAITING, *_RUNNING]), _unseen_for(idle_seconds)], must_not)


async def last_ended(client: Client, connector_id: str) -> SyncJob | None:
    """Return the content job of a connector that ended last."""
    ended = [
        JobStatus.COMPLETED.value,
        JobStatus.CANCELED.value,
        JobStatus.ERROR.value,
        JobStatus.SUSPENDED.value,
    ]
    hits = await versioned_documents.search(
        client,
        JOBS_INDEX,
        {"bool": {"filter": [_of([connector_id]), _in(ended), _content_job()]}},
        [{"last_seen": "desc"}],
        size=1,
    )
    return SyncJob.from_wire(hits[0]) if hits else None


async def last_completed(client: Client, connector_ids: Collection[str]) -> dict[str, datetime]:
    """Return when a content job of these connectors completed last, of those of which one did; one search."""
    if not connector_ids:
        return {}
    completed = [_of(connector_ids), _in([JobStatus.COMPLETED.value]), _content_job()]
    largest = await versioned_documents.largest_by_keyword(
        client,
        JOBS_INDEX,
        {"bool": {"filter": completed}},
        keyword="connector.id",
        member="completed_at",
        most=len(connector_ids),
    )
    moments = {connector_id: instant(value) for connector_id, value in largest.items()}
    return {connector_id: moment for connector_id, moment in moments.items() if moment is not None}


async def get(client: Client, job_id: str, *, budget_seconds: float = 60.0) -> SyncJob | None:
    """Read a job as it is right now; None if it does not exist."""
    hit = await versioned_documents.read(client, JOBS_INDEX, job_id, budget_seconds=budget_seconds)
    return None if hit is None else SyncJob.from_wire(hit)


async def create(client: Client, connector_id: str, job_type: JobType, trigger: TriggerMethod) -> str:
    """Create a pending job and return its id. One attempt: a lost answer must not become a second job."""
    return await client.call(
        "POST",
        "/_connector/_sync_job",
        answers.new_id,
        body={"id": connector_id, "job_type": job_type.value, "trigger_method": trigger.value},
        budget_seconds=0,
        timeout_seconds=versioned_documents.CALL_TIMEOUT_SECONDS,
    )


async def create_repair(client: Client, connector_id: str, *, rewrites: bool) -> str:
    """Create a pending full job that compares everything by its content, and return its id.

    A job cannot be created with metadata. One that a worker takes before it is marked stays an ordinary one,
    and another is created after it.
    """
    for _ in range(_REPAIRS):
        job_id = await create(client, connector_id, JobType.FULL, TriggerMethod.ON_DEMAND)
        job = await get(client, job_id)
        if job is None or job.status is not JobStatus.PENDING:
            continue
        try:
            await annotate(client, job, {REPAIR: {"rewrite": rewrites}})
        except (errors.ConflictError, errors.NotFoundError):
            continue
        return job_id
    raise errors.ElasticsearchUnavailableError(
        f"Jobs of {connector_id} were taken up faster than they could be marked as repairs. Try again."
    )


async def check_in(client: Client, job_id: str) -> None:
    """Stamp `last_seen` with the server's clock."""
    await _put(client, job_id, "_check_in", None, budget_seconds=20.0)


async def claim(client: Client, job: SyncJob, worker: str) -> SyncJob | None:
    """Take a waiting job for `worker`, guarded; return it as it then is, or None if somebody was faster.

    The route `_claim` overwrites whatever the job has become meanwhile, even a completed one, so it is not
    used.
    """
    waited = {"waits_for": None} if job.metadata.get("waits_for") else {}
    members = {
        "status": JobStatus.IN_PROGRESS.value,
        "worker_hostname": worker,
        "started_at": None if job.last_seen is None else timestamp(job.last_seen),
        "metadata": {"attempts": job.attempts(), **waited},
    }
    try:
        await versioned_documents.update(
            client, JOBS_INDEX, job.id, members, job.version, budget_seconds=_CLAIM_BUDGET_SECONDS
        )
    except errors.ConflictError:
        pass  # Perhaps our own earlier attempt, whose answer was lost: the document tells.
    except errors.NotFoundError:
        return None
    claimed = await get(client, job.id, budget_seconds=_CLAIM_BUDGET_SECONDS)
    if claimed is None or claimed.status is not JobStatus.IN_PROGRESS or claimed.worker_hostname != worker:
        return None
    return claimed


async def annotate(client: Client, job: SyncJob, metadata: Mapping[str, Any]) -> None:
    """Merge something into the job's metadata, guarded by the version read. Raises ConflictError."""
    await versioned_documents.update(
        client, JOBS_INDEX, job.id, {"metadata": metadata}, job.version, budget_seconds=0
    )


async def update_stats(
    client: Client, job_id: str, stats: Mapping[str, Any], *, budget_seconds: float = 30.0
) -> None:
    """Report counts; stamps `last_seen` with the server's clock, which is what keeps the job ours."""
    await _put(client, job_id, "_stats", stats, budget_seconds=budget_seconds)


async def end(client: Client, job: SyncJob, members: Mapping[str, Any]) -> None:
    """Write how the job ended, guarded by the version read. Raises ConflictError; the caller reads again."""
    await versioned_documents.update(client, JOBS_INDEX, job.id, members, job.version)


async def _put(client: Client, job_id: str, endpoint: str, body: Any, *, budget_seconds: float) -> None:
    await client.call(
        "PUT",
        f"/_connector/_sync_job/{segment(job_id)}/{endpoint}",
        answers.result,
        body=body,
        budget_seconds=budget_seconds,
        timeout_seconds=versioned_documents.CALL_TIMEOUT_SECONDS,
    )


async def _search(
    client: Client,
    filters: list[dict[str, Any]],
    must_not: list[dict[str, Any]] | None = None,
    *,
    members: Sequence[str] | None = None,
    budget_seconds: float = 20.0,
) -> list[SyncJob]:
    query = {"bool": {"filter": filters, "must_not": must_not or []}}
    hits = await versioned_documents.search(
        client, JOBS_INDEX, query, _OLDEST_FIRST, members=members, budget_seconds=budget_seconds
    )
    return list({str(hit["_id"]): SyncJob.from_wire(hit) for hit in hits}.values())


def _of(connector_ids: Collection[str]) -> dict[str, Any]:
    return {"terms": {"connector.id": sorted(connector_ids)}}


def _in(statuses: list[str]) -> dict[str, Any]:
    return {"terms": {"status": statuses}}


def _content_job() -> dict[str, Any]:
    return {"terms": {"job_type": CONTENT_JOB_TYPES}}


def _unseen_for(seconds: float) -> dict[str, Any]:
    return {"range": {"last_seen": {"lte": f"now-{max(1, round(seconds))}s"}}}
