"""The thresholds are Elastic's, exact at the limit and one past it."""

from dataclasses import replace

import pytest

from ingest.config import ErrorMonitor
from ingest.errors import TooManyRejectionsError
from ingest.sync.delivery.rejections import RejectionMonitor
from ingest.sync.progress.stats import Rejection

LENIENT = ErrorMonitor(max_total_errors=10**6, max_consecutive_errors=10**6, max_error_rate=1.0)


def rejection(number: int = 0) -> Rejection:
    return Rejection(id=str(number), error_type="document_parsing_exception", reason="no")


def test_the_total_may_reach_its_limit_and_not_pass_it() -> None:
    monitor = RejectionMonitor(replace(LENIENT, max_total_errors=3), [])

    for _ in range(3):
        monitor.accepted(50)
        monitor.rejected(rejection())
        monitor.check()
    monitor.rejected(rejection())

    with pytest.raises(TooManyRejectionsError, match="4 documents"):
        monitor.check()


def test_rejections_in_a_row_are_forgotten_after_one_success() -> None:
    monitor = RejectionMonitor(replace(LENIENT, max_consecutive_errors=2), [])

    for _ in range(5):
        monitor.rejected(rejection())
        monitor.rejected(rejection())
        monitor.accepted(1)
    monitor.check()
    for _ in range(3):
        monitor.rejected(rejection())

    with pytest.raises(TooManyRejectionsError, match="3 documents in a row"):
        monitor.check()


def test_the_rate_is_a_share_of_the_whole_window_from_the_start() -> None:
    monitor = RejectionMonitor(replace(LENIENT, max_error_rate=0.15, error_window_size=100), [])

    for _ in range(15):
        monitor.rejected(rejection())
    monitor.check()
    monitor.accepted(84)
    monitor.rejected(rejection())

    with pytest.raises(TooManyRejectionsError, match="16 of the last 100"):
        monitor.check()


def test_old_rejections_leave_the_window() -> None:
    monitor = RejectionMonitor(replace(LENIENT, max_error_rate=0.15, error_window_size=100), [])

    for _ in range(10):
        for _ in range(15):
            monitor.rejected(rejection())
        monitor.accepted(100)

    monitor.check()


def test_a_monitor_that_is_off_only_counts_and_samples() -> None:
    sample: list[Rejection] = []
    monitor = RejectionMonitor(ErrorMonitor(enabled=False, error_queue_size=2), sample)

    for number in range(5000):
        monitor.rejected(rejection(number))
    monitor.check()

    assert [one.id for one in sample] == ["0", "1"]


def test_a_threshold_passed_within_one_answer_stays_passed() -> None:
    monitor = RejectionMonitor(replace(LENIENT, max_consecutive_errors=1), [])

    monitor.rejected(rejection())
    monitor.rejected(rejection())
    monitor.accepted(500)

    with pytest.raises(TooManyRejectionsError):
        monitor.check()
