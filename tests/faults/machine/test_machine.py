"""Anything may happen in any order, and after every step every promise holds.

hypothesis chooses the steps. A failing run is printed as the calls that lead to it; kept below, they are a
test of their own.

    MACHINE_EXAMPLES=2000 make slow TESTS=tests/faults/machine          a night of it
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sandbox.elasticsearch.server.faults import Action, FailItems, Reply, Reset, Truncate
from sandbox.elasticsearch.server.journal import Entry
from sandbox.postgresql import Cluster
from tests.faults.machine.house import CONNECTORS, WORKERS, House, house
from tests.faults.machine.judge import Judge
from tests.faults.machine.statements import IN_ORDER, ROWS, STRUCTURE
from tests.faults.machine.stepping import SteppingLoop
from tests.faults.machine.worker import Worker

T = TypeVar("T")
DATABASE = "machine"
FAULTS: dict[str, tuple[Callable[[], Action], bool, str]] = {
    "reset": (Reset, False, "*"),
    "reset, applied": (Reset, True, "*"),
    "unavailable": (lambda: Reply(503), False, "*"),
    "turned away": (lambda: Reply(429), False, "*"),
    "not JSON": (lambda: Reply(200, "<html>"), True, "*"),
    "half an answer": (lambda: Truncate(10), True, "*"),
    "one item refused": (
        lambda: FailItems(400, (0,), type="document_parsing_exception"), True, "*/_bulk"
    ),
}  # fmt: skip
END_CONNECTIONS = "connections to the database ended"
TURN_AWAY = "documents turned away"
End = Callable[[Worker], Coroutine[Any, Any, None]]
Edit = Callable[[House, str, int], Coroutine[Any, Any, object]]
EDITS: tuple[Edit, ...] = (
    House.cancel, House.cancel, House.configure_some, House.configure_some, House.exclude, House.exclude,
    House.tamper, House.delete_index, House.delete_connector, House.create_connector_again,
)  # fmt: skip
workers, connectors = st.integers(0, WORKERS - 1), st.sampled_from(CONNECTORS)
kinds = st.sampled_from(("full", "full", "incremental"))


class Machine(RuleBasedStateMachine):
    """One example: a house, and what happens in it."""

    cluster: Cluster

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=SteppingLoop)
        self.stack = AsyncExitStack()
        self.house = self.run(self.stack.enter_async_context(house(self.cluster, DATABASE)))
        self.judge = Judge(house=self.house)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the world go on until the work is done."""
        return self.runner.run(work)

    def sql(self, statement: str) -> None:
        """Run a statement; what PostgreSQL refuses does not happen."""
        self.run(self.house.tables.execute(statement))

    @rule(statement=st.one_of(ROWS, ROWS, STRUCTURE))
    def change_tables(self, statement: str) -> None:
        self.sql(statement)

    @rule(connector=connectors, edit=st.sampled_from(EDITS), number=st.integers(0, 5))
    def edit(self, connector: str, edit: Edit, number: int) -> None:
        self.run(edit(self.house, connector, number))

    @rule(connector=connectors, kind=kinds)
    def create_job(self, connector: str, kind: str) -> None:
        self.run(self.house.create_job(connector, kind))

    @rule(worker=workers, requests=st.sampled_from((1, 3, 8, 20, 40)))
    def work(self, worker: int, requests: int) -> None:
        """Go on with a job, or with the oldest that waits, for some requests."""
        self.run(self._work(worker, requests))

    async def _work(self, worker: int, requests: int) -> None:
        job_id = await self.house.workers[worker].poll()
        if job_id is not None:
            self.judge.changes_at_claim[job_id] = self.house.tables.changes
        await self.house.workers[worker].step(requests)

    @rule(worker=workers, end=st.sampled_from((Worker.finish, Worker.finish, Worker.stop, Worker.crash)))
    def end_work(self, worker: int, end: End) -> None:
        self.run(end(self.house.workers[worker]))

    @rule(connector=connectors, kind=kinds, worker=workers)
    def sync(self, connector: str, kind: str, worker: int) -> None:
        """Run a job from its creation to its end, unless older ones wait."""
        self.create_job(connector, kind)
        self.work(worker, 1)
        self.end_work(worker, Worker.finish)

    @rule(worker=workers)
    def look_after_others(self, worker: int) -> None:
        self.run(self.house.workers[worker].tick())
        self.run(self.house.workers[worker].clean_up())

    @rule(seconds=st.sampled_from((4.0, 11.0, 100.0, 250.0, 400.0)))
    def pass_time(self, seconds: float) -> None:
        async def pass_() -> None:
            self.house.pass_time(seconds)
            await asyncio.sleep(0)

        self.run(pass_())

    @rule(
        kind=st.sampled_from((*sorted(FAULTS), *[END_CONNECTIONS] * 2, *[TURN_AWAY] * 4)),
        nth=st.integers(1, 12),
    )
    def break_something(self, kind: str, nth: int) -> None:
        """Let a request fail, the nth of a job from now on, or the connections to the database now."""
        if kind == END_CONNECTIONS:
            self.run(self.house.tables.end_backends())
            return
        if kind == TURN_AWAY:
            self.house.to_turn_away = nth
            return
        make, applied, path = FAULTS[kind]
        if "refused" in kind:
            self.house.tables.changes += 1
        self.house.server.faults.add(make(), path=path, when=is_of_a_job, nth=nth, applied=applied)

    @invariant()
    def every_promise_is_kept(self) -> None:
        self.run(self.judge.look())

    def teardown(self) -> None:
        try:
            for statement in IN_ORDER:
                self.sql(statement)
            self.run(self.judge.conclude())
        finally:
            self.run(self.stack.aclose())
            self.runner.close()


def is_of_a_job(entry: Entry) -> bool:
    """Whether a worker sent this request for a job."""
    return entry.opaque_id is not None


@pytest.fixture(scope="module")
def machine(cluster: Cluster) -> Iterator[type[Machine]]:
    cluster.execute(f"CREATE DATABASE {DATABASE}")
    yield type("BoundMachine", (Machine,), {"cluster": cluster})
    cluster.execute(f"DROP DATABASE {DATABASE}")


def budget(examples: int, steps: int, **more: Any) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )


@pytest.mark.timeout(900)
def test_every_promise_is_kept_whatever_happens(machine: type[Machine]) -> None:
    """The same examples each time, and a failure as it was found: making it smaller takes minutes."""
    chosen = budget(5, 25, derandomize=True, database=None, phases=(Phase.generate,))
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.slow
@pytest.mark.timeout(24 * 3600)
def test_every_promise_is_kept_in_many_long_runs(machine: type[Machine]) -> None:
    """Examples that failed are kept in `.hypothesis` and tried first the next time."""
    run_state_machine_as_test(machine, settings=budget(int(os.environ.get("MACHINE_EXAMPLES", "100")), 60))
