"""Start a real Elasticsearch and run against it what can be (`make test-cluster`).

    python -m tests.cluster [arguments of pytest]

Where none can be had it says so in one line, and that nothing was tested.
"""

import os
import signal
import subprocess
import sys

from sandbox.process import ProcessEndedError, interrupts_held_back
from tests.cluster.distribution import UnavailableError
from tests.cluster.server import running

SUITES = (
    "tests/contract/elasticsearch",
    "--ignore=tests/contract/elasticsearch/connectors",
    "tests/integration/sync/test_full_sync.py",
    "tests/integration/sync/test_incremental.py",
    "tests/integration/sync/test_postgresql.py",
    "tests/faults/bulk/test_answers.py",
    "tests/faults/bulk/test_scan.py",
)
"""Those that make hundreds of indices, which takes a real server minutes, are left out."""
URL_VARIABLE = "ELASTICSEARCH_URL"
STOP_SECONDS = 60
"""How long the tests may take to end when they are interrupted."""


def main(arguments: list[str]) -> int:
    """Run pytest with these arguments; return its exit code, or 0 if there is no server to be had."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with running() as url:
            command = [sys.executable, "-m", "pytest", *(arguments or SUITES)]
            return _tested(command, {**os.environ, URL_VARIABLE: url})
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


def _tested(command: list[str], environment: dict[str, str]) -> int:
    """Run the tests; if we are interrupted, they are, once, and may still remove what they started."""
    with interrupts_held_back():
        # In a session of its own, or Ctrl-C at the terminal would reach it as well, a second time.
        tests = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment, start_new_session=True)
    try:
        return tests.wait()
    except KeyboardInterrupt:
        tests.send_signal(signal.SIGINT)
        tests.wait(STOP_SECONDS)
        raise
    finally:
        tests.kill()
        tests.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
