"""What is missing for following the log, found out before it is followed."""

from collections.abc import Sequence
from typing import Any

from sources.contract import Finding
from sources.errors import SourceError
from sources.postgresql.catalog.discovery import Target
from sources.postgresql.connection import Database
from sources.postgresql.feed import coverage
from sources.postgresql.feed.coverage_query import observe
from sources.postgresql.feed.replication import connected, require_one_server


async def findings(database: Database, connection: Any, targets: Sequence[Target]) -> list[Finding]:
    """Report what keeps the log from telling what changes; none of it stops following, by polling.

    `connection` is within a transaction. Connects for replication as well, if nothing else is in the way.
    """
    settings = database.settings
    observation = await observe(connection, settings, targets, database.limits.command_seconds)
    publication = settings.follow_publication
    found = coverage.server_gaps(observation.server, publication)
    if observation.server.is_published:
        found += coverage.table_gaps(
            observation.tables, publication, tells_roots=observation.server.tells_roots
        )
    if not found:
        try:
            async with connected(database, observation.server.encoding) as replication:
                await require_one_server(replication, observation.server.started)
        except SourceError as error:
            found.append(Finding(problem=str(error), remedy="It is followed by polling.", is_fatal=False))
    return found
