"""What an ending may overwrite on a job and its connector."""

import pytest

from ingest.job.ending import reachable
from ingest.protocol import JobStatus

COMPLETED, CANCELED, ERROR = JobStatus.COMPLETED, JobStatus.CANCELED, JobStatus.ERROR
SUSPENDED = JobStatus.SUSPENDED


@pytest.mark.parametrize(
    ("current", "wanted", "written"),
    [
        (JobStatus.IN_PROGRESS, COMPLETED, COMPLETED),
        (JobStatus.IN_PROGRESS, ERROR, ERROR),
        (JobStatus.IN_PROGRESS, SUSPENDED, SUSPENDED),
        (JobStatus.CANCELING, COMPLETED, CANCELED),
        (JobStatus.CANCELING, SUSPENDED, CANCELED),
        (JobStatus.CANCELING, CANCELED, CANCELED),
        (JobStatus.CANCELING, ERROR, ERROR),
        *((current, wanted, None) for current in (None, JobStatus.PENDING) for wanted in (COMPLETED, ERROR)),
        *(
            (current, wanted, None)
            for current in (COMPLETED, CANCELED, ERROR)
            for wanted in (COMPLETED, ERROR)
        ),
    ],
)
def test_an_ending_is_written_only_where_the_protocol_has_a_way(
    current: JobStatus | None, wanted: JobStatus, written: JobStatus | None
) -> None:
    assert reachable(current, wanted) is written
