"""What only a job that follows its source needs: where to store its cursor, and when to end.

It ends when a person wants another job or has changed something, and after an hour in any case: the next one
begins where it was, so ending costs little, and what a job only does at its beginning is done once an hour.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ingest import errors
from ingest.elasticsearch.client import Client
from ingest.log import get_logger
from ingest.protocol import Connector, JobType, SyncJob, TriggerMethod, connectors, jobs, values_of
from ingest.protocol.lease import Lease
from ingest.sync.comparison.cursor import Cursor
from ingest.sync.kinds.follow.loop import follow
from ingest.sync.progress.following import Following
from ingest.sync.request import SyncContext, SyncRequest
from sources.contract import Preferences

LONGEST_SECONDS: Final = 3600.0
STOPPING_SECONDS: Final = 5.0
"""What storing the cursor may take when the service stops."""
AN_HOUR: Final = "It has followed for an hour; the next job goes on."
ANOTHER_WAITS: Final = "Another job of the connector waits."
CHANGED: Final = "The connector was changed: its configuration, rules, pipeline or index."
STOPPING: Final = "The service is stopping."
_ROUNDS: Final = 3


def follows(job: SyncJob, preferences: Preferences) -> bool:
    """Say whether a job is to stay: one that the service created for a connector that follows.

    A job that a person asks for has an end.
    """
    is_ours = job.job_type is JobType.INCREMENTAL and job.trigger is TriggerMethod.SCHEDULED
    return preferences.follows and is_ours


def gives_way_to(waiting: SyncJob) -> bool:
    """Say whether a job that follows ends for a job that waits; another one that would follow waits on."""
    return waiting.job_type is JobType.FULL or (
        waiting.job_type is JobType.INCREMENTAL and waiting.trigger is TriggerMethod.ON_DEMAND
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowJob:
    """The surroundings of one job that follows."""

    client: Client
    job: SyncJob
    lease: Lease
    check_seconds: float
    monotonic: Callable[[], float] = time.monotonic

    def begin(self) -> Following:
        """Return what the job is known by while it stays."""
        return Following(store=self._store)

    async def work(self, following: Following, request: SyncRequest, context: SyncContext) -> Cursor | None:
        """Follow until there is a reason to end."""
        watching = asyncio.create_task(self._watch(following))
        try:
            return await follow(request, replace(context, following=following))
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    async def _store(self, cursor: Mapping[str, Any]) -> None:
        """Keep the cursor on the connector, unless the job is not ours any more.

        Whoever takes a job over writes the connector, so a guarded write cannot come after that.
        """
        for _ in range(_ROUNDS):
            connector = await connectors.get(self.client, self.job.connector_id)
            if connector is None:
                raise errors.JobLostError("The connector was deleted.")
            await self.lease.confirm()
            try:
                await connectors.store_cursor(self.client, connector, cursor)
            except errors.ConflictError:
                continue
            except errors.NotFoundError as error:
                raise errors.JobLostError("The connector was deleted.") from error
            return

    async def _watch(self, following: Following) -> None:
        """Ask the job to end once there is a reason to."""
        first: Connector | None = None
        began = self.monotonic()
        while not following.is_asked:
            await asyncio.sleep(self.check_seconds)
            if following.way is None:
                began = self.monotonic()  # catching up does not count
            try:
                connector = await connectors.get(self.client, self.job.connector_id)
                first = first or connector
                waiting = await jobs.search_waiting(self.client, [self.job.connector_id])
            except errors.ElasticsearchError as error:
                get_logger().warning("job.check_failed", sync_job_id=self.job.id, error=str(error))
                continue
            if any(map(gives_way_to, waiting)):
                following.ask_to_end(ANOTHER_WAITS)
            elif first is not None and connector is not None and self._is_changed(first, connector):
                following.ask_to_end(CHANGED)
            elif self.monotonic() - began >= LONGEST_SECONDS:
                following.ask_to_end(AN_HOUR)

    def _is_changed(self, first: Connector, now: Connector) -> bool:
        """Whether a job that began now would be another one."""
        return values_of(now.configuration) != values_of(self.job.configuration) or _asked(first) != _asked(
            now
        )


def _asked(connector: Connector) -> tuple[Any, ...]:
    active = connector.active
    return (active.rules, active.advanced_snippet, connector.pipeline, connector.index_name)
