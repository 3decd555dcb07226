"""What becomes of documents that Elasticsearch refuses: counted, sampled, reported; too many end the job.

The thresholds are those of Elastic's service (`elasticsearch.bulk.error_monitor`): in all, in a row, and as
a share of the latest documents, whose number is the denominator even before that many were sent.
"""

from collections import deque
from collections.abc import Iterable

from ingest.config import ErrorMonitor
from ingest.errors import TooManyRejectionsError
from ingest.sync.progress.stats import REFUSALS_SHOWN, ComparedBy, Rejection, SliceStats
from ingest.sync.request import SyncContext


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


def report_rejections(context: SyncContext) -> None:
    """Warn of each slice of which documents were refused, or left as they were.

    Raises TooManyRejectionsError if all documents of a slice were refused.
    """
    hopeless: list[str] = []
    read_whole = {one.name for one in context.stats.slices if one.compared_by is ComparedBy.CONTENT}
    for slice_ in context.stats.slices:
        is_whole = slice_.compared_by is ComparedBy.CONTENT
        if not slice_.tally.rejected and not slice_.tally.stale:
            continue
        if slice_.name in read_whole and not is_whole:
            continue  # its documents were sent once more since
        sentence = _sentence(slice_)
        context.stats.warnings.append(sentence)
        context.log.warning("slice.refused", **slice_.refused_to_wire(), dropped=slice_.tally.dropped)
        if is_whole and slice_.tally.is_refused_whole:
            hopeless.append(sentence)
    if hopeless:
        raise TooManyRejectionsError(" ".join(hopeless))


def _sentence(slice_: SliceStats) -> str:
    tally = slice_.tally
    said = []
    if tally.rejected:
        shown = tally.refusals[:REFUSALS_SHOWN]
        ids = ", ".join(one.id for one in shown)
        reasons = {f"{one.error_type}: {one.reason}": None for one in shown}
        said.append(
            f"{slice_.name}: Elasticsearch refused {tally.rejected} of {tally.read} documents, such as {ids} "
            f"({' '.join(reasons)}). Correct the mapping or the data."
        )
    else:
        said.append(f"{slice_.name}: the ingest pipeline dropped {tally.dropped} documents.")
    if tally.stale:
        said.append(f"Of {tally.stale} of them an old version stays in the index.")
    return " ".join(said)
