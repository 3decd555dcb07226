"""Watches the documents Elasticsearch refuses, and ends the job when they are too many.

The thresholds are those of Elastic's service (`elasticsearch.bulk.error_monitor`): in all, in a row, and as
a share of the latest documents, whose number is the denominator even before that many were sent.
"""

from collections import deque
from collections.abc import Iterable

from ingest.config import ErrorMonitor
from ingest.errors import TooManyRejectionsError
from ingest.sync.stats import Rejection


class RejectionMonitor:
    """Counts verdicts in the order they arrive and keeps a bounded sample of the rejections."""

    def __init__(self, thresholds: ErrorMonitor, sample: list[Rejection]) -> None:
        """`sample` is filled with the first rejections."""
        self._thresholds = thresholds
        self._sample = sample
        self._total = 0
        self._in_a_row = 0
        self._window: deque[bool] = deque(maxlen=thresholds.error_window_size)
        self._rejected_in_window = 0
        self._why = ""
        self._last: Rejection | None = None

    def note(self, outcomes: Iterable[int | Rejection]) -> None:
        """Note outcomes in their order: how many documents in a row were taken, or one that was refused."""
        for outcome in outcomes:
            if isinstance(outcome, Rejection):
                self.rejected(outcome)
            else:
                self.accepted(outcome)

    def accepted(self, count: int) -> None:
        """Note documents that were not refused."""
        if not count:
            return
        self._in_a_row = 0
        for _ in range(min(count, self._thresholds.error_window_size)):
            self._push(is_rejected=False)

    def rejected(self, rejection: Rejection) -> None:
        """Note a refused document."""
        self._total += 1
        self._in_a_row += 1
        self._push(is_rejected=True)
        if len(self._sample) < self._thresholds.error_queue_size:
            self._sample.append(rejection)
        if self._thresholds.enabled and not self._why:
            self._why = self._passed_threshold()
            self._last = rejection

    def check(self) -> None:
        """Raise TooManyRejectionsError if a threshold was passed.

        Apart from `rejected`, so that a whole answer is counted before it ends the job.
        """
        if self._why and (rejection := self._last) is not None:
            raise TooManyRejectionsError(
                f"Elasticsearch refused {self._why}; the last one is {rejection.id} ({rejection.error_type}: "
                f"{rejection.reason}). Correct the mapping or the data, or raise "
                "elasticsearch.bulk.error_monitor in config.yml."
            )

    def _passed_threshold(self) -> str:
        thresholds = self._thresholds
        if self._total > thresholds.max_total_errors:
            return f"{self._total} documents"
        if self._in_a_row > thresholds.max_consecutive_errors:
            return f"{self._in_a_row} documents in a row"
        if self._rejected_in_window / thresholds.error_window_size > thresholds.max_error_rate:
            return f"{self._rejected_in_window} of the last {thresholds.error_window_size} documents"
        return ""

    def _push(self, *, is_rejected: bool) -> None:
        if len(self._window) == self._window.maxlen:
            self._rejected_in_window -= self._window[0]
        self._window.append(is_rejected)
        self._rejected_in_window += is_rejected
