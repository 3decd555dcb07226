"""Let the service run under random trouble and judge what it did (`make torture`).

    python -m tests.torture --minutes 20 [--seed 7] [--report FILE] [--history FILE]
    python -m tests.torture --check FILE           judge a history again

Three services over a PostgreSQL and an Elasticsearch, all of them processes. Exits with 1 on any finding.
The seed decides what is done and about when; what comes of it also depends on the machine.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sandbox.postgresql import Cluster
from tests.torture import history as histories
from tests.torture import report, run, tables
from tests.torture.checker import findings


def main(arguments: Sequence[str]) -> int:
    """Run, or read a history, and judge it; return the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    options = _parser().parse_args(arguments)
    if options.check:
        history = histories.read(options.check)
    else:
        try:
            history = _tortured(options.minutes * 60, options.seed, options.logs)
        except KeyboardInterrupt:
            return 130
    if options.history:
        history.write(options.history)
    found = findings(history)
    _say(report.text(history, found))
    if options.report:
        figures = {
            "seed": options.seed,
            "figures": report.figures(history),
            "findings": [*map(asdict, found)],
        }
        options.report.write_text(json.dumps(figures, indent=2))
    return 1 if found else 0


def _tortured(seconds: float, seed: int, logs: Path | None) -> histories.History:
    _say(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="torture-") as name, Cluster(settings=tables.SETTINGS) as cluster:
        folder = logs or Path(name)
        folder.mkdir(exist_ok=True)
        return asyncio.run(run.torture(cluster, folder, seconds=seconds, seed=seed, say=_say))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--report", type=Path, help="file for figures and findings as JSON")
    parser.add_argument("--history", type=Path, help="file to keep the history in")
    parser.add_argument("--logs", type=Path, help="folder for the logs of the services, which else are gone")
    parser.add_argument("--check", type=Path, help="a history to judge instead of running")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
