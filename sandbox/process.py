"""A program of ours as a process of its own: started, watched, and gone when the context ends.

with Process("service", [sys.executable, "-m", "..."], log_file=folder / "service.log") as service:
    service.check()
"""

import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_TIMEOUT_SECONDS = 15


class ProcessEndedError(Exception):
    """A process ended that should run, or did not when it should; the message holds the end of its log."""


class Process:
    """One running program, its output in a file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_file: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        stop_seconds: float = STOP_TIMEOUT_SECONDS,
    ) -> None:
        self.name = name
        self.command = command
        self.log_file = log_file
        self._folder = folder
        self._environment = environment
        self._stop_seconds = stop_seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "its context has not been entered"  # noqa: S101
        return self._process.pid

    def check(self) -> None:
        """Raise ProcessEndedError unless it runs."""
        if self._process is None or self._process.poll() is not None:
            raise ProcessEndedError(f"The {self.name} ended by itself:\n{self._last_words()}")

    def log(self) -> str:
        """Return what it printed so far."""
        return self.log_file.read_text(errors="replace")

    def _last_words(self) -> str:
        return self.log()[-4000:]

    def _start(self) -> None:
        with self.log_file.open("wb") as log, interrupts_held_back():
            # In a session of its own: Ctrl-C reaches this process alone, which then ends that one in order.
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(self._stop_seconds)
        except subprocess.TimeoutExpired:
            raise ProcessEndedError(
                f"The {self.name} did not end when told to:\n{self._last_words()}"
            ) from None
        finally:
            # However the wait ended, also by a second Ctrl-C, the process is gone afterwards.
            self._process.kill()
            self._process.wait()


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Deliver Ctrl-C and its like only at the end of the block.

    `Popen` starts a process in two steps; interrupted between them it leaves a process that is never stopped.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are for the main thread alone
        return
    caught: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, lambda number, _: caught.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in caught:
            signal.raise_signal(late)
