"""`elastic-ingest rejected ...`: documents that Elasticsearch refused, listed and sent again."""

from typing import Final

import click

from ingest.cli.connector import existing
from ingest.cli.output import ago, table
from ingest.cli.session import CommandFailedError, Session, with_session
from ingest.cli.sync import started
from ingest.job.rejected_documents import RejectedDocuments
from ingest.protocol import Connector, JobType, instant, values_of
from ingest.protocol.error_texts import error_text
from sources import registry
from sources.errors import SourceError
from sources.registry import SOURCES

_COLUMNS: Final = ("id", "table", "error", "reason", "cause")


@click.group()
def rejected() -> None:
    """List documents that Elasticsearch refused, and send them again."""


@rejected.command("list")
@click.argument("connector_id")
@click.option("--most", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@with_session
async def list_(session: Session, /, connector_id: str, most: int) -> None:
    """List the refused documents of a connector, the latest first, with why they were refused."""
    found = await existing(session, connector_id)
    entries = await _kept(session, found).latest(most)
    rows = [(*(one.get(name) for name in _COLUMNS), ago(instant(one.get("@timestamp")))) for one in entries]
    laid_out = table((*_COLUMNS, "refused"), rows)
    session.output.show(entries, laid_out if rows else "No document is refused.")


@rejected.command()
@click.argument("connector_id")
@click.option("--watch", is_flag=True, help="Follow the job until it ends; exit code 1 unless it completed.")
@with_session
async def retry(session: Session, /, connector_id: str, watch: bool) -> None:
    """Start a full job, which sends every refused document again.

    A refused document is never taken as unchanged, so each job compares its table and sends it; rows that are
    in the index as they are cost next to nothing.
    """
    await existing(session, connector_id)
    await started(session, connector_id, JobType.FULL, watch=watch)


def _kept(session: Session, connector: Connector) -> RejectedDocuments:
    try:
        source_class = registry.find(SOURCES, connector.service_type)
        index_name = source_class(values_of(connector.configuration)).preferences.rejected_index
    except SourceError as error:
        raise CommandFailedError(error_text(error, connector.configuration)) from error
    if not index_name:
        raise CommandFailedError(
            "Refused documents of this connector are not kept. Name an index for them: "
            f"elastic-ingest connector configure {connector.id} --set rejected_index=NAME"
        )
    entries = {entry.connector_id: entry for entry in session.config.connectors}
    entry = entries.get(connector.id)
    content = session.client.for_content("rejected", entry.api_key if entry else None)
    return RejectedDocuments(client=content, index_name=index_name, connector_id=connector.id)
