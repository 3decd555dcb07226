"""Which tests a worker of `make test` gets next: mostly a file at a time, those that take long before others.

Whatever begins last keeps one worker busy while the others have nothing left. So this must be short.
"""

from collections.abc import Iterable
from typing import Any, Final

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

ONE_BY_ONE: Final = (
    "tests/acceptance/test_confidentiality.py",
    "tests/acceptance/test_demo.py",
    "tests/acceptance/test_process_faults.py",
    "tests/faults/service/test_every_request.py",
    "tests/faults/bulk/test_every_request.py",
)
"""Files whose tests share nothing but the worker's servers; each test may be on another worker."""
TOGETHER: Final = ("tests/repo/",)
"""Folders whose tests go to one worker: what they ask of every file of the project is found out once."""
FIRST: Final = (
    "tests/acceptance/test_documented_commands.py",
    "tests/acceptance/test_confidentiality.py",
    "tests/faults/service/test_every_request.py",
    "tests/acceptance/test_management.py",
    "tests/acceptance/test_process_faults.py",
    "tests/acceptance/test_demo.py",
    "tests/faults/service/test_every_call.py",
    "tests/faults/bulk/test_every_request.py",
    "tests/acceptance/service/test_signals.py",
    "tests/acceptance/service/test_following.py",
    "tests/integration/feed/test_endings.py",
    "tests/integration/changes/test_row_versions.py",
    "tests/integration/changes/test_altered_tables.py",
    "tests/integration/changes/test_kinds_of_tables.py",
    "tests/faults/machine/test_machine.py",
    "tests/integration/feed/test_rows_told.py",
    "tests/integration/changes/test_restarts.py",
    "tests/acceptance/test_check.py",
    "tests/faults/protocol/test_crashes.py",
    "tests/integration/feed/test_model.py",
    "tests/integration/feed/test_follow_model.py",
    "tests/integration/feed/test_structure_changes.py",
    "tests/integration/sync/test_incremental_model.py",
    "tests/integration/sync/test_random_types.py",
    "tests/faults/sources/test_connections.py",
    "tests/faults/protocol/test_rivals.py",
    "tests/faults/protocol/test_users_interfere.py",
    "tests/faults/protocol/test_jobs_survive.py",
    "tests/integration/service/test_fleet.py",
    "tests/integration/feed/test_follow_by_log.py",
    "tests/integration/feed/test_openings.py",
    "tests/integration/sources/test_changes.py",
    "tests/unit/benchmarks/test_run.py",
)
"""Files that take long, about the longest first. The order of all others is that of their names."""

_RANKS: Final = {file: rank for rank, file in enumerate(FIRST)}


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist's classes are untyped for mypy
    """Hands out whole files, but for tests that go one by one, and folders that go to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        """Return what a test is handed out with; xdist asks for it under this name."""
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """Return the name of what a test is handed out with: its file, its folder, or itself."""
    file = file_of(nodeid)
    folder = next((folder for folder in TOGETHER if file.startswith(folder)), None)
    return nodeid if file in ONE_BY_ONE else folder or file


def file_of(nodeid: str) -> str:
    """Return the file a test is in."""
    return nodeid.partition("::")[0]


def long_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests in the order in which workers should get them."""
    return sorted(items, key=lambda item: _RANKS.get(file_of(item.nodeid), len(FIRST)))


def scheduling(config: pytest.Config, log: Any) -> Scheduling | None:
    """Return how `--dist=loadfile` hands out tests; any other way is xdist's own."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None
