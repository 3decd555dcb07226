"""Which scheduled jobs of a connector are due, and creating each of them once among all replicas.

    due:  the first moment of the cron expression after the last stamp has passed
    once: the stamp is a compare-and-set; the replica that wins it creates the job

A run missed while no service was up is due at once, several missed runs are one. That also goes for the very
first run: what counts then is when a service was last seen. A schedule that is enabled or changed while the
service is up counts from that moment, not from a stamp of long ago.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from ingest import errors
from ingest.connector.cron import Schedule
from ingest.elasticsearch.client import Client
from ingest.log import get_logger
from ingest.protocol import Connector, JobType, Scheduling, TriggerMethod, connectors, jobs, timestamp
from sources.contract import Features

STAMPS_COUNT_FOR: Final = timedelta(days=1)
"""How old a stamp found at the start may be for its job to be created, if there is none."""
CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""What we allow for between the clock of a stamp, which is a worker's, and the server's."""


def supported(features: Features) -> tuple[JobType, ...]:
    """Return the job types a source can run."""
    optional = {
        JobType.INCREMENTAL: features.incremental_sync,
        JobType.ACCESS_CONTROL: features.document_level_security,
    }
    return tuple(kind for kind in JobType if optional.get(kind, True))


def require_schedules(connector: Connector, features: Features) -> None:
    """Raise ScheduleError if an enabled schedule of the connector is no cron expression."""
    for kind in supported(features):
        scheduling = connector.scheduling.get(kind, Scheduling())
        if scheduling.is_enabled:
            Schedule.parse(scheduling.interval)


@dataclass(slots=True)
class Agenda:
    """What is known of a connector's schedules from one tick to the next."""

    seen: dict[JobType, tuple[Scheduling, datetime]] = field(default_factory=dict)
    """Each schedule as it was last seen, and since when it counts."""
    uncreated: set[JobType] = field(default_factory=set)
    """Runs we stamped whose job we have not created yet."""
    unverified: dict[JobType, datetime] = field(default_factory=dict)
    """Stamps found at the start: whoever wrote one may have died before it created the job."""
    unattended_since: datetime | None = None
    """When a service last checked the connector in before this one did: runs may have been missed since."""
    next_at: datetime | None = None
    """When something will be due next."""

    @property
    def has_uncreated_runs(self) -> bool:
        """Whether a run was stamped whose job may not have been created."""
        return bool(self.uncreated or self.unverified)

    def due(self, connector: Connector, features: Features, now: datetime) -> list[JobType]:
        """Return the types of which a run is due."""
        self.next_at = None
        found: list[JobType] = []
        for kind in supported(features):
            scheduling = connector.scheduling.get(kind, Scheduling())
            since = self._counts_from(kind, scheduling, connector.last_scheduled_at.get(kind), now)
            if not scheduling.is_enabled:
                continue
            moment = Schedule.parse(scheduling.interval).next_after(since)
            if moment is None:
                continue
            if moment <= now:
                found.append(kind)
            elif self.next_at is None or moment < self.next_at:
                self.next_at = moment
        return found

    async def create_due_jobs(
        self, client: Client, connector: Connector, features: Features, now: datetime
    ) -> None:
        """Stamp what is due and create its job, unless one of that type is waiting already."""
        for kind in self.due(connector, features, now):
            try:
                version = await connectors.update_last_scheduled_at(client, connector, kind, timestamp(now))
            except errors.ConflictError:
                return  # Another replica has it, or a person changed the connector: look again next time.
            connector = replace(connector, version=version)
            self.uncreated.add(kind)
        await self._take_over_uncreated(client, connector, now)
        for kind in sorted(self.uncreated):
            await self._create(client, connector, kind)

    def _counts_from(
        self, kind: JobType, scheduling: Scheduling, stamp: datetime | None, now: datetime
    ) -> datetime:
        known = self.seen.get(kind)
        if known is None:
            since = stamp or min(self.unattended_since or now, now)
            if stamp is not None and scheduling.is_enabled:
                self.unverified[kind] = stamp
        elif known[0] != scheduling:
            since = now
        else:
            since = known[1]
        self.seen[kind] = (scheduling, since)
        return max(since, stamp) if stamp else since

    async def _take_over_uncreated(self, client: Client, connector: Connector, now: datetime) -> None:
        """Take over the runs that were stamped, not long ago, and of which no job has been seen since."""
        while self.unverified:
            kind, stamp = next(iter(self.unverified.items()))
            if now - stamp < STAMPS_COUNT_FOR and not await jobs.exists_since(
                client, connector.id, kind, stamp - CLOCKS_DIFFER
            ):
                self.uncreated.add(kind)
            del self.unverified[kind]

    async def _create(self, client: Client, connector: Connector, kind: JobType) -> None:
        live = await jobs.search_live(client, connector.id, kind)
        if not any(job.status is not None and job.status.is_waiting for job in live):
            job_id = await jobs.create(client, connector.id, kind, TriggerMethod.SCHEDULED)
            get_logger().info(
                "job.scheduled", connector_id=connector.id, sync_job_id=job_id, job_type=kind.value
            )
        self.uncreated.discard(kind)
