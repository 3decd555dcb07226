"""Command line of the benchmarks: list them, or run one."""

from __future__ import annotations

import sys

NAMES = {
    "cold": "every document is new",
    "unchanged": "every document is already in the index with the same hash",
    "changed_1_percent": "one document in a hundred differs",
    "memory": "peak resident memory of a fresh process",
    "huge_value": "one 50 MB value among ordinary rows",
    "cpu_split": "processor time of the service and of PostgreSQL",
    "event_loop_latency": "how late a waiting task is woken while a sync runs",
}


def main(arguments: list[str]) -> int:
    """List the benchmarks."""
    for name, promise in NAMES.items():
        print(f"{name:20} {promise}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
