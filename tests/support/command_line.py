"""Commands of `elastic-ingest` in the test's own process: what they print, how they end, what they did.

Starting a process takes a second, most of it for importing. Tests of what only a process has (signals, its
start, its two outputs at a terminal) start one.
"""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from ingest.cli.commands import elastic_ingest
from tests.support import logs

ENVIRONMENT: Mapping[str, str] = {"COLUMNS": "250"}
"""Tables are not folded, however narrow the terminal is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A command that has ended; the names are those of `subprocess.CompletedProcess`."""

    args: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


def run_command(*arguments: str, config_file: Path, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a command to its end. What a process would print as a traceback is raised."""
    with logs.restored(), signals_restored():
        result = CliRunner().invoke(
            elastic_ingest,
            [*arguments, "-c", str(config_file)],
            prog_name="elastic-ingest",
            env={**ENVIRONMENT, **(environment or {})},
            catch_exceptions=False,
        )
    return Finished(args=arguments, returncode=result.exit_code, stdout=result.stdout, stderr=result.stderr)


@contextmanager
def signals_restored() -> Iterator[None]:
    """Undo what commands do to the signals of this process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
