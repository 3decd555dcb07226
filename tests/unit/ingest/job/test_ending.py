"""The text of an ending, and what the protocol lets us write over what is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.job.ending import ERROR_LIMIT_BYTES, reachable, shortened
from ingest.protocol.documents import JobStatus


def test_a_short_message_is_left_as_it_is() -> None:
    assert shortened("The table is gone.") == "The table is gone."


@given(st.text(min_size=1, max_size=20), st.integers(0, 2 * ERROR_LIMIT_BYTES))
def test_no_message_is_longer_than_the_field_and_its_beginning_is_kept(part: str, length: int) -> None:
    text = (part * length)[:length]

    short = shortened(text)

    assert len(short.encode("utf-8", "replace")) <= ERROR_LIMIT_BYTES
    assert short == text or text.startswith(short.removesuffix(" ..."))


def test_a_message_is_cut_between_characters() -> None:
    assert shortened("ü" * ERROR_LIMIT_BYTES) == "ü" * ((ERROR_LIMIT_BYTES - 4) // 2) + " ..."


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
