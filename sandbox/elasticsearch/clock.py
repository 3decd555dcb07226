"""The server's clock: UTC, strictly increasing, with an offset that tests can set."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the server's time. `offset` moves every timestamp the server writes or compares."""

    def __init__(
        self, *, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.offset = timedelta()
        self._wall = wall
        self._monotonic = monotonic
        self._latest_microseconds = 0

    def now(self) -> datetime:
        """The present moment, later than every moment told before (apart from changes of `offset`)."""
        microseconds = max(int(self._wall() * 1_000_000), self._latest_microseconds + 1)
        self._latest_microseconds = microseconds
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds) + self.offset

    def timestamp(self) -> str:
        """The present moment as documents carry it, with microseconds and `Z`."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def milliseconds(self) -> int:
        """The present moment in milliseconds since 1970."""
        return int(self.now().timestamp() * 1000)

    def elapsed_seconds(self) -> float:
        """Seconds that only ever go forward; for keep-alives and refresh intervals."""
        return self._monotonic()
