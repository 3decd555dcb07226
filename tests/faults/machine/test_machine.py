"""Anything may happen in any order, and after every step every promise holds.

hypothesis chooses the steps. A failing run is printed as the calls that lead to it; kept below, they are a
test of their own.

    MACHINE_EXAMPLES=2000 make slow TESTS=tests/faults/machine          a night of it
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from ingest.sync.delivery import delivery
from sandbox.postgresql import Cluster
from tests.faults.machine.changes import structure
from tests.faults.machine.machine import Machine
from tests.faults.machine.memory import TablesInMemory
from tests.faults.machine.postgresql import TablesOfPostgreSQL, tables_of_postgresql
from tests.faults.machine.tables import READER

DATABASE = "machine"
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "100"))


@asynccontextmanager
async def tables_in_memory() -> AsyncIterator[TablesInMemory]:
    """Begin with two tables that hold rows."""
    tables = TablesInMemory()
    await tables.note_rows()
    yield tables


class MachineInMemory(Machine):
    """Everything but PostgreSQL."""

    open_tables = staticmethod(tables_in_memory)


class MachineOnPostgreSQL(Machine):
    """Tables change their structure, too, and come and go."""

    tables: TablesOfPostgreSQL

    @rule(statement=structure(READER))
    def alter(self, statement: str) -> None:
        self.run(self.tables.alter(statement))


@pytest.fixture(autouse=True)
def one_delete_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few rows as there are would be deleted at once; that way something can happen in between."""
    monkeypatch.setattr(delivery, "DELETIONS_PER_REQUEST", 1)


@pytest.fixture(scope="module")
def on_postgresql(cluster: Cluster) -> Iterator[type[Machine]]:
    cluster.execute(f"CREATE DATABASE {DATABASE}")
    opening = staticmethod(partial(tables_of_postgresql, cluster, DATABASE))
    yield type("BoundMachine", (MachineOnPostgreSQL,), {"open_tables": opening})
    cluster.execute(f"DROP DATABASE {DATABASE}")


def run(machine: type[Machine], examples: int, steps: int, **more: Any) -> None:
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )
    run_state_machine_as_test(machine, settings=chosen)


ALWAYS_THE_SAME: Any = {"derandomize": True, "database": None, "phases": (Phase.generate,)}
"""A failure is shown as it was found: making it smaller takes minutes."""


@pytest.mark.timeout(900)
def test_every_promise_is_kept_whatever_happens() -> None:
    run(MachineInMemory, 9, 10, **ALWAYS_THE_SAME)


@pytest.mark.timeout(900)
def test_every_promise_is_kept_whatever_happens_to_a_database(on_postgresql: type[Machine]) -> None:
    run(on_postgresql, 2, 8, **ALWAYS_THE_SAME)


@pytest.mark.slow
@pytest.mark.timeout(24 * 3600)
def test_every_promise_is_kept_in_many_long_runs() -> None:
    """Examples that failed are kept in `.hypothesis` and tried first the next time."""
    run(MachineInMemory, 10 * EXAMPLES, 20)


@pytest.mark.slow
@pytest.mark.timeout(24 * 3600)
def test_every_promise_is_kept_in_many_long_runs_with_a_database(on_postgresql: type[Machine]) -> None:
    run(on_postgresql, EXAMPLES, 20)
