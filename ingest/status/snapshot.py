"""What the service was doing at one moment, in plain values: made by the service, shown by everything here.

No secret and no value of a row is in it. Times are UTC; counts are documents unless they say otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStatus:
    """One of the service's loops: whether it turns."""

    name: str
    interval_seconds: float
    turned_at: datetime | None
    """When its last turn ended well; None before the first."""
    turn_seconds: float | None
    """How long the last turn took."""
    error: str | None
    """Why the last turn failed; None if it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorStatus:
    """A connector as it was listed last."""

    id: str
    name: str
    service_type: str | None
    index_name: str | None
    status: str | None
    error: str | None
    last_sync_status: str | None
    last_synced: datetime | None
    last_completed: datetime | None = None
    """When a job of it completed last, in whatever process."""
    verified_at: datetime | None = None
    """When `elastic-ingest verify` looked last."""
    differing: int | None = None
    """How many documents it found not to be their rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceStatus:
    """How far the reading of one table is."""

    name: str
    rows: int
    estimated_rows: int | None
    rows_per_second: float
    seconds_left: float | None
    is_finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStatus:
    """A job this process is busy with."""

    id: str
    connector_id: str
    job_type: str
    phase: str
    since: datetime
    attempt: int
    is_paused: bool
    """Whether it waits for its next retry."""
    counts: Mapping[str, int]
    slices_total: int | None
    slices_finished: int
    slices: tuple[SliceStatus, ...]
    """The latest ones."""
    follows_by: str | None = None
    """How the job learns what changes, if it has caught up and stays."""
    lag_seconds: float = 0.0
    """How old the oldest change may be that is not in the index, of a job that stays."""
    retries: Mapping[str, int] = field(default_factory=dict)
    """Bulk requests that were sent again, by cause."""
    requests_in_flight: int = 0
    requests_allowed: int = 0
    """How many may be in flight, as Elasticsearch copes right now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingStatus:
    """A job that waits for its turn, and what for."""

    id: str
    connector_id: str
    job_type: str
    since: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedStatus:
    """A job that ended in this process."""

    id: str
    connector_id: str
    job_type: str
    status: str
    ended_at: datetime
    seconds: float
    counts: Mapping[str, int]
    error: str | None
    warnings: tuple[str, ...]
    retries: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What this process did since it started; never decreases."""

    documents: Mapping[tuple[str, str], int]
    """By connector id and outcome."""
    sent_bytes: Mapping[str, int]
    """By connector id, as they went over the wire."""
    jobs: Mapping[tuple[str, str], int]
    """By job type and final status."""
    last_completed: Mapping[str, datetime]
    """When a job of a connector completed here last, by connector id."""
    retries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Bulk requests that were sent again, by connector id and cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything at one moment."""

    taken_at: datetime
    started_at: datetime
    worker: str
    version: str
    is_stopping: bool
    loops: tuple[LoopStatus, ...]
    connectors: tuple[ConnectorStatus, ...]
    running: tuple[RunningStatus, ...]
    waiting: tuple[WaitingStatus, ...]
    ended: tuple[EndedStatus, ...]
    """The latest first."""
    totals: Totals
    documents_a_minute: tuple[int, ...]
    """Documents written or deleted in each of the last sixty minutes, the current one last."""
