"""The right of a worker to write for its job, which ends by itself when it is not renewed.

Elasticsearch does not stop a worker whose job was given to another: claiming is an unconditional overwrite.
So a worker stops itself: if no heartbeat of it was accepted for `FENCING_SECONDS`, less than the time after
which others may declare its job idle, it writes nothing more.

    heartbeat accepted          fencing               idle limit
    |---------- may write ----------|---- silent ----------|---- others may end the job ...
    0 s                           240 s                  300 s
"""

import time
from collections.abc import Awaitable, Callable

from ingest.errors import JobCanceledError, JobLostError

FENCING_SECONDS = 240.0


def boottime() -> float:
    """Return seconds on a clock that, unlike `time.monotonic` on Linux, counts suspended time too."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Lease:
    """Held by one job; asked before every write."""

    def __init__(
        self,
        confirm: Callable[[], Awaitable[None]],
        *,
        fencing_seconds: float = FENCING_SECONDS,
        clock: Callable[[], float] = boottime,
    ) -> None:
        """Start as renewed now. `confirm` reads the job back and raises JobLostError or JobCanceledError."""
        self._confirm = confirm
        self._fencing_seconds = fencing_seconds
        self._clock = clock
        self._renewed_at = clock()
        self._ended_by: JobLostError | JobCanceledError | None = None

    def now(self) -> float:
        """Return the lease's clock, for stamping a heartbeat *before* it is sent."""
        return self._clock()

    def renewed(self, sent_at: float | None = None) -> None:
        """Note an accepted heartbeat, counted from the moment it was sent: the server saw it no earlier.

        A lease that has already run out stays so: others may have acted on our silence.
        """
        if not self.is_expired:
            self._renewed_at = max(self._renewed_at, self._clock() if sent_at is None else sent_at)

    @property
    def is_expired(self) -> bool:
        """Whether the last accepted heartbeat is too long ago."""
        return self._clock() - self._renewed_at >= self._fencing_seconds

    def end(self, reason: JobLostError | JobCanceledError) -> None:
        """Make every later `check` raise `reason`; the first one stays, but a loss beats a cancel."""
        if self._ended_by is None or isinstance(reason, JobLostError):
            self._ended_by = reason

    def check(self) -> None:
        """Raise JobCanceledError or JobLostError unless this worker may write right now."""
        if self._ended_by is not None:
            raise self._ended_by
        if self.is_expired:
            raise JobLostError(
                f"No heartbeat was accepted for {self._fencing_seconds:.0f} s; another worker may own it."
            )

    async def confirm(self) -> None:
        """Read the job back; raise JobLostError or JobCanceledError unless it is in progress and ours."""
        self.check()
        await self._confirm()
        self.check()
