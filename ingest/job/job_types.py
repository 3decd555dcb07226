"""The table of job types: what a job of each type runs once it is claimed and its source was checked.

A new type is a function and a line in `WORK`; claiming, checking, heartbeat and ending are the same for all.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from ingest.protocol import JobType
from ingest.sync.comparison.cursor import Cursor
from ingest.sync.kinds.full import full_sync
from ingest.sync.kinds.incremental import incremental_sync
from ingest.sync.request import SyncContext, SyncRequest

Work = Callable[[SyncRequest, SyncContext], Awaitable[Cursor | None]]
"""Does what the job is for, and says what the next job can begin from.

Returns only if all of it was done; raises IngestError or SourceError.
"""

WORK: Final[Mapping[JobType, Work]] = MappingProxyType(
    {JobType.FULL: full_sync, JobType.INCREMENTAL: incremental_sync}
)
"""What this service can run. A job of any other type is refused."""
