"""What happened in this process since it started: totals, the latest jobs, documents minute by minute.

Bounded: fifty jobs, sixty minutes, and a few numbers a connector.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ingest.status.snapshot import EndedStatus, RunningStatus, Totals

JOBS_KEPT: Final = 50
MINUTES_KEPT: Final = 60
OUTCOMES: Final = ("created", "updated", "deleted", "unchanged", "filtered", "dropped", "rejected")
WRITTEN: Final = ("created", "updated", "deleted")
"""Outcomes that changed the index."""


@dataclass(slots=True, kw_only=True)
class History:
    """Told of every job that ended; asked together with the jobs that still run."""

    clock: Callable[[], float]
    """Seconds, never going back."""
    ended: deque[EndedStatus] = field(default_factory=lambda: deque(maxlen=JOBS_KEPT))
    _documents: Counter[tuple[str, str]] = field(default_factory=Counter)
    _sent_bytes: Counter[str] = field(default_factory=Counter)
    _retries: Counter[tuple[str, str]] = field(default_factory=Counter)
    _jobs: Counter[tuple[str, str]] = field(default_factory=Counter)
    _last_completed: dict[str, datetime] = field(default_factory=dict)
    _minutes: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=MINUTES_KEPT + 1))
    """The number of a minute and what had been written in all when it was last looked at."""

    def note_ended(self, job: EndedStatus) -> None:
        """Add a job that ended to the totals and to the latest jobs."""
        self.ended.appendleft(job)
        self._jobs[job.job_type, job.status] += 1
        self._add(self._documents, self._sent_bytes, job.connector_id, job.counts)
        self._add_retries(self._retries, job)
        if job.status == "completed":
            self._last_completed[job.connector_id] = job.ended_at

    def totals(self, running: Iterable[RunningStatus]) -> Totals:
        """Sum up what ended and what runs."""
        documents, sent_bytes, retries = (
            self._documents.copy(), self._sent_bytes.copy(), self._retries.copy()
        )  # fmt: skip
        for job in running:
            self._add(documents, sent_bytes, job.connector_id, job.counts)
            self._add_retries(retries, job)
        return Totals(
            documents=documents,
            sent_bytes=sent_bytes,
            jobs=self._jobs.copy(),
            last_completed=dict(self._last_completed),
            retries=retries,
        )

    def sample(self, running: Iterable[RunningStatus]) -> None:
        """Note how much has been written until now; called at least once a minute to be exact."""
        minute, written = self._minute(), self._written(running)
        if self._minutes and self._minutes[-1][0] == minute:
            self._minutes[-1] = (minute, max(written, self._minutes[-1][1]))
        else:
            self._minutes.append((minute, written))

    def documents_a_minute(self) -> tuple[int, ...]:
        """Return what was written in each of the last sixty minutes, the current one last."""
        current, known = self._minute(), dict(self._minutes)
        counts, before = [], next(iter(known.values()), 0)
        if known and min(known) > current - MINUTES_KEPT:
            before = 0
        for minute in range(current - MINUTES_KEPT + 1, current + 1):
            written = known.get(minute, before)
            counts.append(max(0, written - before))
            before = written
        return tuple(counts)

    def _minute(self) -> int:
        return int(self.clock() // 60)

    def _written(self, running: Iterable[RunningStatus]) -> int:
        ended = sum(count for (_, outcome), count in self._documents.items() if outcome in WRITTEN)
        return ended + sum(job.counts.get(outcome, 0) for job in running for outcome in WRITTEN)

    @staticmethod
    def _add_retries(retries: Counter[tuple[str, str]], job: RunningStatus | EndedStatus) -> None:
        for cause, count in job.retries.items():
            retries[job.connector_id, cause] += count

    @staticmethod
    def _add(
        documents: Counter[tuple[str, str]],
        sent_bytes: Counter[str],
        connector_id: str,
        counts: Mapping[str, int],
    ) -> None:
        for outcome in OUTCOMES:
            documents[connector_id, outcome] += counts.get(outcome, 0)
        sent_bytes[connector_id] += counts.get("sent_bytes", 0)
