"""What a sync is asked to do, and what it is given to do it with."""

from dataclasses import dataclass, field
from typing import Any

from ingest import config
from ingest.elasticsearch.client import Client
from ingest.protocol import Pipeline
from ingest.protocol.lease import Lease
from ingest.sync.progress.following import Following
from ingest.sync.progress.stats import Stats
from ingest.sync.rules import BasicRules
from sources.contract import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """How one sync is done: the service's settings and what the connector's configuration asks for."""

    bulk: config.Bulk = field(default_factory=config.Bulk)
    rewrite: bool = False
    """Send every document, changed or not (`full_sync: rewrite` of the connector's configuration)."""
    derive_mappings: bool = True
    """Give an index we create a mapping derived from the columns (`mappings: dynamic` turns it off)."""
    language: str | None = None
    """The connector's language: which analyzer the text fields of an index we create get."""
    readings: int = 3
    """How often a slice is read at most when the source is lost on the way (`retry_count`)."""
    max_deleted_share: float = 0.5
    """Which share of a slice's documents the job may delete at most; 1 for any."""
    follow_seconds: float = 2.0
    """How often a job that follows looks for changes (`follow_interval`)."""
    progress_seconds: float = 10.0
    """How often progress is logged."""
    grace_seconds: float = 5.0
    """What requests under way get to be answered when the job is canceled or suspended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """Which source goes to which index, and how."""

    source: Source
    """Open."""
    index_name: str
    pipeline: Pipeline
    rules: BasicRules
    advanced_rules: Any
    """The advanced snippet's value, empty for none."""
    options: SyncOptions
    cursor: Any = None
    """The connector's `sync_cursor`: where an earlier job ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncContext:
    """What every step of a sync needs: the way to the index, the right to write, and where to report."""

    client: Client
    """A content view with the connector's credentials."""
    lease: Lease
    stats: Stats
    log: Any
    following: Following | None = None
    """Of a job that follows its source."""
