"""Run the tests of the source against PostgreSQL 12 to 18 (`make test-postgresql`).

    python -m tests.postgresql [--versions 12,13] [arguments of pytest]

Where they cannot be had it says so in one line, and that they were not tested.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.postgresql.distribution import RELEASES, prepare
from tests.support.maven import UnavailableError
from tests.support.postgresql import VARIABLE
from tests.support.pytest_process import run_pytest

SUITES = (
    "--numprocesses=2",
    "--dist=worksteal",
    "tests/integration/sources",
    "tests/integration/changes",
    "tests/faults/sources",
    "tests/contract/source",
    "tests/integration/sync/test_postgresql.py",
)


def main(arguments: Sequence[str]) -> int:
    """Run pytest on each version; return 0 if all of them passed."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    options, rest = _parser().parse_known_args(arguments)
    try:
        failed = [version for version in options.versions if _failed(version, rest or SUITES)]
    except UnavailableError as error:
        sys.stderr.write(f"Skipped: no other PostgreSQL here ({error}) Only the wheel's was tested.\n")
        return 0
    except KeyboardInterrupt:
        return 130
    if failed:
        sys.stderr.write(f"Failed on PostgreSQL {', '.join(map(str, failed))}.\n")
    return 1 if failed else 0


def _failed(version: int, arguments: Sequence[str]) -> bool:
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root the server runs as another user
        installation = prepare(version, folder)
        sys.stdout.write(f"PostgreSQL {RELEASES[version]}\n")
        sys.stdout.flush()
        return run_pytest(arguments, {VARIABLE: str(installation)}) != 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.postgresql")
    parser.add_argument(
        "--versions",
        type=lambda text: [int(part) for part in text.split(",")],
        default=list(RELEASES),
        help="major versions, divided by commas; all without",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
