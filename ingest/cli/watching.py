"""A job as it runs, drawn again every second: a line a table with rows, rate and time left.

Without a terminal a line is printed whenever something changed, at most every few seconds.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ingest.cli.output import count
from ingest.cli.session import CommandFailedError, Session
from ingest.durations import span
from ingest.protocol import SyncJob, edits, jobs

POLL_SECONDS: Final = 1.0
LINE_EVERY_SECONDS: Final = 5.0
_TABLES_SHOWN: Final = 15


async def watch(session: Session, job: SyncJob) -> SyncJob:
    """Show the job until it ends, and return it as it ended. Raises CommandFailedError if it is deleted."""
    if session.output.as_json or not session.output.console.is_terminal:
        return await _in_lines(session, job)
    with Live(drawn(job), console=session.output.console, auto_refresh=False, transient=True) as live:
        while not _has_ended(job):
            await asyncio.sleep(POLL_SECONDS)
            job = await _again(session, job)
            live.update(drawn(job), refresh=True)
    return job


async def _in_lines(session: Session, job: SyncJob) -> SyncJob:
    said, said_at = "", 0.0
    while not _has_ended(job):
        now, line = asyncio.get_running_loop().time(), _line(job)
        if line != said and now - said_at >= LINE_EVERY_SECONDS:
            session.output.say(line)
            said, said_at = line, now
        await asyncio.sleep(POLL_SECONDS)
        job = await _again(session, job)
    return job


async def _again(session: Session, job: SyncJob) -> SyncJob:
    found = await jobs.get(session.client, job.id, budget_seconds=edits.BUDGET_SECONDS)
    if found is None:
        raise CommandFailedError(f"The sync job {job.id} was deleted.")
    return found


def _has_ended(job: SyncJob) -> bool:
    return job.status is not None and job.status.is_terminal


def _line(job: SyncJob) -> str:
    counts = _mapping(job.metadata.get("counts"))
    status = job.status.value if job.status else "unknown"
    following = _mapping(job.metadata.get("following"))
    if not _has_ended(job) and following.get("way"):
        status += f", follows by {following['way']}, {following.get('lag_seconds', 0)} s behind"
    return (
        f"{status}: {count(counts.get('read', 0))} rows read, {count(job.indexed_document_count)} indexed, "
        f"{count(job.deleted_document_count)} deleted, {count(counts.get('rejected', 0))} refused"
    )


def drawn(job: SyncJob) -> RenderableType:
    """Draw a job: a line about all of it, then one for each of its latest tables."""
    metadata = job.metadata
    slices = [one for one in metadata.get("slices") or () if isinstance(one, Mapping)][-_TABLES_SHOWN:]
    lines = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for column in ("table", "rows", "", "rows/s", "left"):
        lines.add_column(column, justify="right" if column.startswith("rows") else "left")
    for one in slices:
        left = one.get("seconds_left")
        lines.add_row(
            Text(str(one.get("name"))),
            count(one.get("rows")),
            _bar(one),
            count(one.get("rows_per_second")),
            "done" if one.get("finished") else "-" if left is None else span(left),
        )
    total = metadata.get("slices_total")
    head = Text(f"{job.connector_id} {job.job_type_text} sync, ")
    if total:
        head.append(f"{metadata.get('slices_finished', 0)} of {total} tables, ")
    sent = _mapping(metadata.get("counts")).get("sent_bytes") or 0
    head.append(f"{_line(job)}, {sent / 2**20:,.1f} MiB sent")
    return Group(head, lines)


def _bar(one: Mapping[str, Any]) -> RenderableType:
    estimated, rows = one.get("estimated_rows"), one.get("rows") or 0
    if one.get("finished"):
        return ProgressBar(total=1, completed=1, width=30)
    if not estimated:
        return Text("")
    return ProgressBar(total=max(estimated, rows), completed=rows, width=30)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
