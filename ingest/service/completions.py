"""When a job of each connector completed last, in whatever process: a metric, for which nothing else waits.

The sync jobs are asked once about each connector, as a connector says only how its latest job ended, and one
whose latest job failed does not say when one completed. From then on what the connectors say is enough.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import datetime

from ingest.elasticsearch.client import Client
from ingest.errors import ElasticsearchError
from ingest.log import get_logger
from ingest.protocol import Connector, JobStatus, jobs
from ingest.service.loops import attempt
from ingest.service.pacing import LONGEST_PAUSE_SECONDS


class Completions:
    """Finds and keeps the moments. A failure to find them is said once and holds up nothing else."""

    def __init__(self, client: Client, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._monotonic = monotonic
        self._asked: Set[str] = frozenset()
        """The connectors whose jobs were found, or have none that completed."""
        self._is_asking = False
        self._next_at = float("-inf")
        self._failure_was_said = False
        self.moments: dict[str, datetime] = {}
        """When a job of a connector completed last; none that never did."""

    def note(self, listed: Mapping[str, Connector], group: asyncio.TaskGroup) -> None:
        """Take what connectors say, forget those that are gone, start to ask about those that are new."""
        self._asked &= listed.keys()
        self.moments = {one: moment for one, moment in self.moments.items() if one in listed}
        self._take(_said_by(listed.values()))
        new = listed.keys() - self._asked
        if new and not self._is_asking and self._monotonic() >= self._next_at:
            self._is_asking = True
            group.create_task(self._ask(new))

    async def _ask(self, connector_ids: Set[str]) -> None:
        self._next_at = self._monotonic() + LONGEST_PAUSE_SECONDS
        try:
            await attempt("completions", lambda: self._find(connector_ids))
        finally:
            self._is_asking = False

    async def _find(self, connector_ids: Set[str]) -> None:
        try:
            found = await jobs.last_completed(self._client, connector_ids)
        except ElasticsearchError as error:
            if not self._failure_was_said:
                get_logger().warning("completions.failed", reason=str(error))
            self._failure_was_said = True
            return
        self._take(found)
        self._asked |= connector_ids
        self._failure_was_said = False
        self._next_at = float("-inf")

    def _take(self, moments: Mapping[str, datetime]) -> None:
        for connector_id, moment in moments.items():
            self.moments[connector_id] = max(moment, self.moments.get(connector_id, moment))


def _said_by(connectors: Iterable[Connector]) -> dict[str, datetime]:
    """Return when the latest job of these connectors ended, of those of which it completed."""
    return {
        connector.id: connector.last_synced
        for connector in connectors
        if connector.last_sync_status is JobStatus.COMPLETED and connector.last_synced is not None
    }
