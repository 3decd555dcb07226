"""Start a real Elasticsearch and run against it what can be (`make test-cluster`).

    python -m tests.cluster [arguments of pytest]

Where none can be had it says so in one line, and that nothing was tested.
"""

import signal
import sys

from sandbox.process import ProcessEndedError
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


def main(arguments: list[str]) -> int:
    """Run pytest with these arguments; return its exit code, or 0 if there is no server to be had."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with running() as url:
            return run_pytest(arguments or SUITES, {URL_VARIABLE: url})
    except UnavailableError as error:
        sys.stderr.write(
            f"Skipped: no real Elasticsearch here ({error}) Only the embedded one was tested against.\n"
        )
        return 0
    except ProcessEndedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
