"""Noticing that the event loop stands still, and ending a process whose loop does not come back.

    loop      beats once a second; logs how long it stood still once it runs again
    thread    no beat for some seconds: logs where the loop is; none for the limit: ends the process
    C timer   fires when not even the thread got to run, because C code keeps the interpreter's lock

While the loop beats, the thread tells systemd so (`WatchdogSec`). A loop that stands still neither reports on
its jobs nor obeys a signal; ended, whoever supervises the process starts it again, and its jobs are resumed.
Silence is counted in the thread's own rounds, so a process that was paused is not taken for a frozen one.
"""

import asyncio
import faulthandler
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, NoReturn, Self

from ingest.log import get_logger
from ingest.service import systemd

BEAT_SECONDS: Final = 1.0
STALL_SECONDS: Final = 1.0
"""From this delay on a stall is logged: heartbeats are late by as much."""
STACK_SECONDS: Final = 5.0
LAST_RESORT_FACTOR: Final = 3
"""How many limits the C timer waits: it counts time, and a process that was only paused should not end."""
EXIT_CODE: Final = 1


class Watchdog:
    """Watches one event loop from a thread. A context; `beat` runs in the loop meanwhile."""

    def __init__(
        self,
        *,
        limit_seconds: Callable[[], float],
        beat_seconds: float = BEAT_SECONDS,
        stack_seconds: float = STACK_SECONDS,
        end: Callable[[], object] | None = None,
        notify: Callable[[str], None] = systemd.notify,
    ) -> None:
        self._limit_seconds = limit_seconds  # asked each time, for a signal may change the setting
        self._beat_seconds = beat_seconds
        self._stack_seconds = stack_seconds
        self._end = end or _end_process
        self._notify = notify
        self._beats = 0
        self._closed = threading.Event()
        self._watched = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._watched = threading.get_ident()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()

    async def beat(self, monotonic: Callable[[], float] = time.monotonic) -> NoReturn:
        """Show that the loop runs, until canceled; log every time it could not for a second or more."""
        before = monotonic()
        while True:
            self._beats += 1
            await asyncio.sleep(self._beat_seconds)
            now = monotonic()
            stalled_seconds = now - before - self._beat_seconds
            if stalled_seconds >= STALL_SECONDS:
                get_logger().warning("loop.stalled", seconds=round(stalled_seconds, 1))
            before = now

    def _watch(self) -> None:
        seen, silent_rounds, is_shown = -1, 0, False
        while not self._closed.wait(self._beat_seconds):
            self._arm_last_resort()
            if self._beats != seen:
                seen, silent_rounds, is_shown = self._beats, 0, False
                self._notify(systemd.ALIVE)
                continue
            silent_rounds += 1
            silent_seconds = silent_rounds * self._beat_seconds
            if silent_seconds >= self._limit_seconds():
                get_logger().critical("loop.frozen", seconds=silent_seconds, stack=self._stack())
                self._end()
                return
            if silent_seconds >= self._stack_seconds and not is_shown:
                is_shown = True
                get_logger().error("loop.stands_still", seconds=silent_seconds, stack=self._stack())

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._watched)
        return "".join(traceback.format_stack(frame)) if frame else ""

    def _arm_last_resort(self) -> None:
        with suppress(OSError, ValueError, RuntimeError):  # standard error is closed or no file
            faulthandler.dump_traceback_later(LAST_RESORT_FACTOR * self._limit_seconds(), exit=True)


def _end_process() -> None:
    """End at once: nothing that the frozen thread holds can be waited for."""
    with suppress(Exception):
        sys.stderr.flush()
    os._exit(EXIT_CODE)
