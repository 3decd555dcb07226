"""Start a real Elasticsearch of each version and run against it what can be (`make test-cluster`).

    python -m tests.cluster [--versions 9.3.2] [arguments of pytest]

Where one cannot be had it says so in one line, and that nothing was tested against it.
"""

import argparse
import signal
import sys
from collections.abc import Sequence

from sandbox.process import ProcessEndedError
from tests.cluster.distribution import IN_PARTS, VERSIONS
from tests.cluster.server import running
from tests.support.maven import UnavailableError
from tests.support.pytest_process import run_pytest

SUITES = (
    "tests/contract/elasticsearch",
    "--ignore=tests/contract/elasticsearch/connectors",
    "tests/cluster",
    "tests/acceptance/service/test_following.py",
    "tests/integration/sync/full",
    "tests/integration/sync/test_incremental.py",
    "tests/integration/sync/test_sums.py",
    "tests/integration/sync/test_postgresql.py",
    "tests/faults/bulk/test_answers.py",
    "tests/faults/bulk/test_scan.py",
)
"""Those that make hundreds of indices, which takes a real server minutes, are left out."""
URL_VARIABLE = "ELASTICSEARCH_URL"


def main(arguments: Sequence[str]) -> int:
    """Run pytest with these arguments on each version; return 0 if all of them passed or cannot be had."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    options, rest = _parser().parse_known_args(arguments)
    try:
        failed = [version for version in options.versions if _failed(version, rest or SUITES)]
    except KeyboardInterrupt:
        return 130
    if failed:
        sys.stderr.write(f"Failed on Elasticsearch {', '.join(failed)}.\n")
    return 1 if failed else 0


def _failed(version: str, arguments: Sequence[str]) -> bool:
    try:
        with running(version, settings=IN_PARTS) as url:
            sys.stdout.write(f"Elasticsearch {version}\n")
            sys.stdout.flush()
            return run_pytest(arguments, {URL_VARIABLE: url}) != 0
    except UnavailableError as error:
        sys.stderr.write(
            f"Skipped: no real Elasticsearch {version} here ({error}) It was not tested against.\n"
        )
        return False
    except ProcessEndedError as error:
        sys.stderr.write(f"{error}\n")
        return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster")
    parser.add_argument(
        "--versions",
        type=lambda text: text.split(","),
        default=list(VERSIONS),
        help=f"versions, divided by commas; {' and '.join(VERSIONS)} without",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
