"""When a connector that follows gets its next job: always one, however the one before ended.

ended in order    the next one at once
error, canceled   the next one after a pause that grows, up to ten minutes
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ingest import errors
from ingest.elasticsearch.client import Client
from ingest.log import get_logger
from ingest.protocol import Connector, JobStatus, JobType, TriggerMethod, connectors, jobs, timestamp

FIRST_PAUSE_SECONDS: Final = 30.0
LONGEST_PAUSE_SECONDS: Final = 600.0


@dataclass(slots=True, kw_only=True)
class FollowSchedule:
    """What is known of a connector's jobs that follow, from one tick to the next."""

    first_pause_seconds: float = FIRST_PAUSE_SECONDS
    monotonic: Callable[[], float] = time.monotonic
    _failures: int = 0
    _failed_at: datetime | None = None
    _again_at: float = 0.0

    def is_due(self, connector: Connector) -> bool:
        """Whether a job may have to be created, as far as the connector's document tells."""
        match connector.last_sync_status:
            case JobStatus.IN_PROGRESS | JobStatus.CANCELING:
                return False
            case JobStatus.ERROR | JobStatus.CANCELED:
                self._note_failure(connector)
                return self.monotonic() >= self._again_at
            case _:
                self._failures, self._failed_at = 0, None
                return True

    async def create(self, client: Client, connector: Connector, now: datetime) -> None:
        """Create a job unless one of this connector waits or runs. Of several replicas one does."""
        for kind in (JobType.FULL, JobType.INCREMENTAL):
            if await jobs.search_live(client, connector.id, kind):
                return
        kind = JobType.INCREMENTAL
        try:
            await connectors.update_last_scheduled_at(client, connector, kind, timestamp(now))
        except errors.ConflictError:
            return
        job_id = await jobs.create(client, connector.id, kind, TriggerMethod.SCHEDULED)
        get_logger().info("job.scheduled", connector_id=connector.id, sync_job_id=job_id, job_type=kind.value)

    def _note_failure(self, connector: Connector) -> None:
        if self._failures and connector.last_synced == self._failed_at:
            return
        pause = min(self.first_pause_seconds * 2.0 ** min(self._failures, 16), LONGEST_PAUSE_SECONDS)
        self._failures, self._failed_at = self._failures + 1, connector.last_synced
        self._again_at = self.monotonic() + pause
