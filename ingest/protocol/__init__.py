"""The connector and sync job documents of the Connector Protocol, and the calls that read and write them.

What the documents say is imported from here; the calls are in `connectors` and `jobs`, the right of a worker
to write for its job is in `lease`.
"""

from ingest.protocol.connector import (
    ADVANCED_SNIPPET,
    CONNECTORS_INDEX,
    DEFAULT_PIPELINE,
    DEFAULT_RULE,
    SCHEDULED_AT,
    Connector,
    Filtering,
    FilteringError,
    Pipeline,
    Scheduling,
    Verified,
    values_of,
)
from ingest.protocol.enums import ConnectorStatus, JobStatus, JobType, TriggerMethod, ValidationState
from ingest.protocol.parsing import Version, instant, timestamp
from ingest.protocol.sync_job import ATTEMPTS_KEPT, JOBS_INDEX, SyncJob

__all__ = [
    "ADVANCED_SNIPPET",
    "ATTEMPTS_KEPT",
    "CONNECTORS_INDEX",
    "DEFAULT_PIPELINE",
    "DEFAULT_RULE",
    "JOBS_INDEX",
    "SCHEDULED_AT",
    "Connector",
    "ConnectorStatus",
    "Filtering",
    "FilteringError",
    "JobStatus",
    "JobType",
    "Pipeline",
    "Scheduling",
    "SyncJob",
    "TriggerMethod",
    "ValidationState",
    "Verified",
    "Version",
    "instant",
    "timestamp",
    "values_of",
]
