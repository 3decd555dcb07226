"""A program of ours as a process of its own: started, watched, and gone when the context ends.

    with Process("service", [sys.executable, "-m", "..."], log_file=folder / "service.log") as service:
        service.check()
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_TIMEOUT_SECONDS = 15


class ProcessEndedError(Exception):
    """A process ended that should run; the message holds the end of its log."""


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
    ) -> None:
        self.name = name
        self.command = command
        self.log_file = log_file
        self._folder = folder
        self._environment = environment

    def __enter__(self) -> Self:
        with self.log_file.open("wb") as log:
            # In a session of its own: Ctrl-C at the terminal is for us, who then end it in order.
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except BaseException:
            # It does not listen, or somebody pressed Ctrl-C again: either way it must not stay.
            self._process.kill()
            self._process.wait()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def check(self) -> None:
        """Raise ProcessEndedError unless it runs."""
        if self._process.poll() is not None:
            raise ProcessEndedError(f"The {self.name} ended by itself:\n{self.log()[-4000:]}")

    def log(self) -> str:
        """Return what it printed so far."""
        return self.log_file.read_text(errors="replace")
