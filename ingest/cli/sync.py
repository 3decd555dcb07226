"""`elastic-ingest sync ...`: sync jobs, started, watched, listed, shown and canceled."""

from typing import Final

import click

from ingest.cli import FAILED, views
from ingest.cli.connector import existing
from ingest.cli.output import table
from ingest.cli.session import CommandFailedError, Session, with_session
from ingest.cli.watching import watch as watch_job
from ingest.protocol import JobStatus, JobType, SyncJob, TriggerMethod, edits, jobs

_TYPES: Final = [kind.value for kind in JobType if kind is not JobType.ACCESS_CONTROL]


@click.group()
def sync() -> None:
    """Start, watch, list, show and cancel sync jobs."""


@sync.command()
@click.argument("connector_id")
@click.option("--type", "job_type", type=click.Choice(_TYPES), default="full", show_default=True)
@click.option("--watch", is_flag=True, help="Follow the job until it ends; exit code 1 unless it completed.")
@with_session
async def start(session: Session, /, connector_id: str, job_type: str, watch: bool) -> None:
    """Start a sync job of a connector."""
    await existing(session, connector_id)
    await started(session, connector_id, JobType(job_type), watch=watch)


async def started(session: Session, connector_id: str, job_type: JobType, *, watch: bool) -> None:
    """Start a sync job, and follow it to its end if asked."""
    job_id = await jobs.create(session.client, connector_id, job_type, TriggerMethod.ON_DEMAND)
    if watch:
        await _watch(session, job_id)
    else:
        session.output.show({"id": job_id}, f"Started job {job_id}: elastic-ingest sync watch {job_id}")


@sync.command()
@click.argument("job_id")
@with_session
async def watch(session: Session, /, job_id: str) -> None:
    """Follow a job until it ends, table by table; exit code 1 unless it completed."""
    await _watch(session, job_id)


@sync.command("list")
@click.argument("connector_id")
@click.option("--most", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@with_session
async def list_(session: Session, /, connector_id: str, most: int) -> None:
    """List the latest sync jobs of a connector."""
    await existing(session, connector_id)
    listed = await edits.list_sync_jobs(session.client, connector_id, most=most)
    value = [views.without_snapshot(one) for one in listed]
    rows = table(views.JOB_COLUMNS, map(views.job_row, listed))
    session.output.show(value, rows if listed else "There are no jobs yet.")


@sync.command()
@click.argument("job_id")
@with_session
async def show(session: Session, /, job_id: str) -> None:
    """Show a job: counts, tables, warnings and refused documents."""
    job = await _existing_job(session, job_id)
    session.output.show(views.job_value(job), *views.job_tables(job))


@sync.command()
@click.argument("job_id")
@with_session
async def cancel(session: Session, /, job_id: str) -> None:
    """Cancel a job. A running one ends within seconds; what it wrote stays."""
    await edits.cancel_sync_job(session.client, job_id)
    job = await _existing_job(session, job_id)
    status = job.status.value if job.status else "unknown"
    session.output.show({"id": job_id, "status": status}, f"Job {job_id} is {status}.")


async def _watch(session: Session, job_id: str) -> None:
    job = await _existing_job(session, job_id)
    ended = await watch_job(session, job)
    session.output.show(views.job_value(ended), *views.job_tables(ended))
    if ended.status is not JobStatus.COMPLETED:
        raise SystemExit(FAILED)


async def _existing_job(session: Session, job_id: str) -> SyncJob:
    job = await jobs.get(session.client, job_id, budget_seconds=edits.BUDGET_SECONDS)
    if job is None:
        raise CommandFailedError(f"There is no sync job {job_id}.")
    return job
