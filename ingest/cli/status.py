"""`elastic-ingest status`: every connector, what runs and what waits, as Elasticsearch knows it."""

from typing import Any, Final

import click

from ingest.cli import FAILED, views
from ingest.cli.output import table
from ingest.cli.session import Session, with_session
from ingest.protocol import edits

_COLUMNS: Final = ("connector", "job", "type", "status", "created", "indexed", "deleted", "waits for")


@click.command()
@with_session
async def status(session: Session, /) -> None:
    """Show every connector and every job that runs or waits; exit code 1 if a connector is in error."""
    connectors = await edits.list_connectors(session.client)
    jobs = await edits.list_unfinished_sync_jobs(session.client)
    shown: list[Any] = [
        table(views.CONNECTOR_COLUMNS, map(views.connector_row, connectors))
        if connectors
        else "There are no connectors yet."
    ]
    if jobs:
        shown += ["", table(_COLUMNS, map(views.unfinished_job_row, jobs))]
    shown += [f"\n{one.get('id')}: {one['error']}" for one in connectors if one.get("error")]
    session.output.show(
        {
            "connectors": [views.without_secrets(one) for one in connectors],
            "jobs": [views.without_snapshot(one) for one in jobs],
        },
        *shown,
    )
    if any(one.get("status") == "error" for one in connectors):
        raise SystemExit(FAILED)
