"""The steps that hypothesis chooses from: small ones, and whole episodes in which defects are likely to show.

A step that stops a worker at its kth request draws k evenly over all the requests of a job, so each is met.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.faults.machine.changes import ROWS, RowChange
from tests.faults.machine.house import CONNECTORS, WORKERS, House, house
from tests.faults.machine.judge import Judge
from tests.faults.machine.stepping import SteppingLoop
from tests.faults.machine.tables import Tables
from tests.faults.machine.troubles import LOSE_READERS, NAMES, break_something
from tests.faults.machine.worker import Worker

T = TypeVar("T")
IDLE_SECONDS = 400.0
"""After which a job that nobody reported on is taken from its worker."""
EDITS = {
    "cancel": House.cancel,
    "configure": House.configure_some,
    "exclude": House.exclude,
    "tamper": House.tamper,
    "delete index": House.delete_index,
    "delete connector": House.delete_connector,
    "create connector": House.create_connector_again,
}
ENDS = {"finish": Worker.finish, "stop": Worker.stop, "crash": Worker.crash}

workers, connectors = st.integers(0, WORKERS - 1), st.sampled_from(CONNECTORS)
kinds = st.sampled_from(("full", "full", "incremental"))
requests = st.integers(0, 40)
edits = st.sampled_from(("cancel", "configure", "exclude", *EDITS))
row_changes = st.lists(ROWS, max_size=3)
interruptions = st.one_of(ROWS, ROWS, edits, st.sampled_from((LOSE_READERS, "look after others")))


class Machine(RuleBasedStateMachine):
    """One example: a house, and what happens in it."""

    open_tables: Callable[[], AbstractAsyncContextManager[Tables]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=SteppingLoop)
        self.stack = AsyncExitStack()
        self.tables = self.run(self.stack.enter_async_context(type(self).open_tables()))
        self.house = self.run(self.stack.enter_async_context(house(self.tables)))
        self.judge = Judge(house=self.house)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the event loop until the work is done."""
        return self.runner.run(work)

    # Small steps

    @rule(change=ROWS)
    def change_rows(self, change: RowChange) -> None:
        self.run(self.tables.change(change))

    @rule(connector=connectors, edit=edits, number=st.integers(0, 5))
    def edit(self, connector: str, edit: str, number: int) -> None:
        self.run(EDITS[edit](self.house, connector, number))

    @rule(connector=connectors, kind=kinds)
    def create_job(self, connector: str, kind: str) -> None:
        self.run(self.house.create_job(connector, kind))

    @rule(worker=workers, nth=st.integers(0, 2), steps=requests)
    def work(self, worker: int, nth: int, steps: int) -> None:
        """Go on with a job, or with the nth of those that wait, for some requests."""
        self.run(self.house.workers[worker].poll(nth))
        self.run(self.house.workers[worker].step(steps))

    @rule(worker=workers, end=st.sampled_from(("finish", *ENDS)))
    def end_work(self, worker: int, end: str) -> None:
        job = self.house.workers[worker].running
        if end != "finish" and job is not None:
            self.house.disturb(job.job.connector_id)
        self.run(ENDS[end](self.house.workers[worker]))

    @rule(worker=workers)
    def look_after_others(self, worker: int) -> None:
        self.run(self.house.workers[worker].tick())
        self.run(self.house.workers[worker].clean_up())

    @rule(seconds=st.sampled_from((4.0, 11.0, 100.0, 250.0, IDLE_SECONDS)))
    def pass_time(self, seconds: float) -> None:
        async def pass_() -> None:
            self.house.disturb()
            self.house.pass_time(seconds)
            await asyncio.sleep(0)

        self.run(pass_())

    @rule(connector=connectors, name=st.sampled_from(NAMES), nth=st.integers(1, 12))
    def break_something(self, connector: str, name: str, nth: int) -> None:
        self.run(break_something(self.house, connector, name, nth))

    # Episodes

    @rule(connector=connectors, kind=kinds, worker=workers, changes=row_changes)
    def sync(self, connector: str, kind: str, worker: int, changes: Sequence[RowChange]) -> None:
        """Change rows and run a job from its creation to its end, unless others wait."""
        self._begin(connector, kind, worker, changes)
        self.end_work(worker, "finish")

    @rule(
        connector=connectors, kind=kinds, worker=workers, changes=row_changes,
        pauses=st.lists(st.tuples(requests, interruptions), min_size=1, max_size=3),
        number=st.integers(0, 5), end=st.sampled_from(("finish", "finish", *ENDS)),
    )  # fmt: skip
    def interrupted_sync(
        self, connector: str, kind: str, worker: int, changes: Sequence[RowChange],
        pauses: Sequence[tuple[int, RowChange | str]], number: int, end: str,
    ) -> None:  # fmt: skip
        """Let things happen while a job is at its kth request."""
        self._begin(connector, kind, worker, changes)
        for steps, interruption in pauses:
            self.run(self.house.workers[worker].step(steps))
            self._interrupt(interruption, connector, number, worker)
        self.end_work(worker, end)

    @rule(
        connector=connectors, kind=kinds, worker=workers, changes=row_changes,
        faults=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 12)), min_size=1, max_size=3),
        steps=requests,
    )  # fmt: skip
    def faulty_sync(
        self, connector: str, kind: str, worker: int, changes: Sequence[RowChange],
        faults: Sequence[tuple[str, int]], steps: int,
    ) -> None:  # fmt: skip
        """Run a job some of whose requests fail from its kth on."""
        self._begin(connector, kind, worker, changes)
        self.run(self.house.workers[worker].step(steps))
        for name, nth in faults:
            self.break_something(connector, name, nth)
        self.end_work(worker, "finish")

    @rule(
        connector=connectors, kind=kinds, worker=workers, changes=row_changes, steps=requests, more=requests,
        later=requests, seconds=st.sampled_from((100.0, 250.0, IDLE_SECONDS, IDLE_SECONDS)),
    )  # fmt: skip
    def take_over(
        self, connector: str, kind: str, worker: int, changes: Sequence[RowChange], steps: int, more: int,
        later: int, seconds: float,
    ) -> None:  # fmt: skip
        """Pause a worker at its kth request until others take its job; resume it while they run it."""
        other = (worker + 1) % WORKERS
        self._begin(connector, kind, worker, changes)
        self.run(self.house.workers[worker].step(steps))
        self.pass_time(seconds)
        self.run(self.house.workers[other].clean_up())
        self.work(other, 0, more)
        self.run(self.house.workers[worker].step(later))
        self.end_work(other, "finish")
        self.end_work(worker, "finish")

    @rule(
        connector=connectors, kind=kinds, changes=row_changes,
        turns=st.lists(st.tuples(workers, st.integers(1, 10)), min_size=2, max_size=8),
    )  # fmt: skip
    def rivals(
        self, connector: str, kind: str, changes: Sequence[RowChange], turns: Sequence[tuple[int, int]]
    ) -> None:
        """Start two jobs of one connector on two workers at once, and step them in turns."""
        self._finish_all()
        for job_type in (kind, "full"):
            self.create_job(connector, job_type)
        for change in changes:
            self.change_rows(change)
        for worker in range(WORKERS):
            self.run(self.house.workers[worker].poll(worker))
        for worker, steps in turns:
            self.run(self.house.workers[worker].step(steps))
        self._finish_all()

    @rule(connector=connectors, kind=kinds, deaths=st.lists(requests, min_size=1, max_size=5))
    def dying_workers(self, connector: str, kind: str, deaths: Sequence[int]) -> None:
        """Kill one worker after the other during a job."""
        self.create_job(connector, kind)
        for steps in deaths:
            self.work(0, 0, steps)
            self.end_work(0, "crash")
            self.pass_time(IDLE_SECONDS)
            self.look_after_others(1)

    def _begin(self, connector: str, kind: str, worker: int, changes: Sequence[RowChange]) -> None:
        for change in changes:
            self.change_rows(change)
        self.create_job(connector, kind)
        self.run(self.house.workers[worker].poll())

    def _interrupt(self, interruption: RowChange | str, connector: str, number: int, worker: int) -> None:
        if isinstance(interruption, RowChange):
            self.change_rows(interruption)
        elif interruption == LOSE_READERS:
            self.break_something(connector, LOSE_READERS, 1)
        elif interruption in EDITS:
            self.edit(connector, interruption, number)
        else:
            self.look_after_others((worker + 1) % WORKERS)

    def _finish_all(self) -> None:
        for worker in range(WORKERS):
            self.end_work(worker, "finish")

    @invariant()
    def every_promise_is_kept(self) -> None:
        self.run(self.judge.look())
        self.house.meddling_before_step = self.house.meddling.copy()

    def teardown(self) -> None:
        try:
            self.run(self.tables.put_in_order())
            self.run(self.judge.conclude())
        finally:
            self.run(self.stack.aclose())
            self.runner.close()
