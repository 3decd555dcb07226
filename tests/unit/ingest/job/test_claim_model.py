"""The claim protocol as a model, searched state by state: two to four workers, crashes at every step.

The model has the steps of `ingest/job/claim.py`, `ending.py` and `lost_jobs.py`, one per request, so that
anything may happen between two requests of a worker. Versions are not counted: of a version only matters
whether it is still current, so a worker holds a document `fresh` or not, and every write makes everybody
else's copy stale. A write becomes visible to searches a step after it was made. The grace of the repair is
left out: it may strike at any moment.

Checked for every reachable state: at most one worker syncs, and a state with every job done can still be
reached.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

WAITING, RUNNING, DONE = "waiting", "running", "done"
NOBODY = -1


class Worker(NamedTuple):
    """Where a worker is in the protocol, which job it is after, and which of its copies are current.

    A tuple, as the state is: of both there are hundreds of thousands, to be made, compared and looked up.
    """

    at: str = "idle"
    job: int = NOBODY
    has_connector: bool = False
    has_job: bool = False
    owns: int = NOBODY
    """The job whose document names this worker."""


class State(NamedTuple):
    """Everything there is: connector, jobs, workers."""

    is_in_progress: bool
    jobs: tuple[str, ...]
    visible: tuple[bool, ...]
    """Whether searches see that the job is running."""
    workers: tuple[Worker, ...]
    crashes: int


def successors(state: State, *, verifies: bool) -> Iterator[State]:
    for number, worker in enumerate(state.workers):
        yield from STEPS[worker.at](state, number, worker, verifies)
        if state.crashes and worker.at != "idle":
            crashed = state._replace(crashes=state.crashes - 1)
            yield put(crashed, number, Worker(at="dead", owns=worker.owns))


def idle(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    """Read the connector; go for any waiting job, or repair a connector without a running job."""
    if state.is_in_progress:
        if not any(state.visible):
            yield put(state, number, Worker(at="repair", has_connector=True))
        return
    for job, status in enumerate(state.jobs):
        if status == WAITING:
            yield put(state, number, Worker(at="compare_and_set", job=job, has_connector=True))


def compare_and_set(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    if worker.has_connector:
        written = write_connector(state, is_in_progress=True)
        yield put(written, number, worker._replace(at="check_in", has_connector=False))
        return
    yield put(state, number, Worker())
    if state.is_in_progress:
        # The answer was lost, and what is read back may as well be a rival's doing.
        yield put(state, number, worker._replace(at="check_in"))


def check_in(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    yield put(stale_job(state, worker.job), number, worker._replace(at="read"))


def read(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    is_waiting = state.jobs[worker.job] == WAITING
    at = "claim" if is_waiting else "release"
    yield put(state, number, worker._replace(at=at, has_job=is_waiting))


def claim(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    if worker.has_job:
        claimed = write_job(state, worker.job, RUNNING)
        yield put(claimed, number, Worker(at="refresh", job=worker.job, owns=worker.job))
    else:
        yield put(state, number, worker._replace(at="release"))


def refresh(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    yield put(see(state, worker.job, is_running=True), number, worker._replace(at="verify"))


def verify(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    is_alone = sum(state.visible) == 1 or not verifies
    yield put(state, number, worker._replace(at="sync" if is_alone else "step_back"))


def step_back(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    yield put(finish(state, worker, WAITING), number, Worker())


def sync(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    yield put(finish(state, worker, DONE), number, Worker(at="end"))


def end(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    yield put(write_connector(state, is_in_progress=False), number, Worker())


def release(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    is_stale = state.is_in_progress and not any(state.visible)
    yield put(state, number, Worker(at="repair", has_connector=True) if is_stale else Worker())


def repair(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    after = write_connector(state, is_in_progress=False) if worker.has_connector else state
    yield put(after, number, Worker())


def dead(state: State, number: int, worker: Worker, verifies: bool) -> Iterator[State]:
    """Its job is ended as idle; a new process takes its place."""
    if worker.owns == NOBODY:
        yield put(state, number, Worker())
    else:
        yield put(finish(state, worker, DONE), number, Worker(at="end"))


Step = Callable[[State, int, Worker, bool], Iterator[State]]
STEPS: dict[str, Step] = {
    step.__name__: step
    for step in (
        idle, compare_and_set, check_in, read, claim, refresh, verify,
        step_back, sync, end, release, repair, dead,
    )
}  # fmt: skip


def put(state: State, number: int, worker: Worker) -> State:
    return state._replace(workers=(*state.workers[:number], worker, *state.workers[number + 1 :]))


def write_connector(state: State, *, is_in_progress: bool) -> State:
    stale = tuple(worker._replace(has_connector=False) for worker in state.workers)
    return state._replace(is_in_progress=is_in_progress, workers=stale)


def stale_job(state: State, job: int) -> State:
    workers = (worker._replace(has_job=False) if worker.job == job else worker for worker in state.workers)
    return state._replace(workers=tuple(workers))


def write_job(state: State, job: int, status: str) -> State:
    jobs = (*state.jobs[:job], status, *state.jobs[job + 1 :])
    return stale_job(state._replace(jobs=jobs), job)


def see(state: State, job: int, *, is_running: bool) -> State:
    if is_running and state.jobs[job] != RUNNING:
        return state
    return state._replace(visible=(*state.visible[:job], is_running, *state.visible[job + 1 :]))


def finish(state: State, worker: Worker, status: str) -> State:
    if state.jobs[worker.owns] != RUNNING:
        return state
    return see(write_job(state, worker.owns, status), worker.owns, is_running=False)


def explore(workers: int, jobs: int, crashes: int, *, verifies: bool = True) -> dict[State, list[State]]:
    """Return every reachable state with its successors; workers are alike, so their order does not count."""
    start = State(
        is_in_progress=False,
        jobs=(WAITING,) * jobs,
        visible=(False,) * jobs,
        workers=(Worker(),) * workers,
        crashes=crashes,
    )
    graph: dict[State, list[State]] = {}
    frontier = [start]
    while frontier:
        state = frontier.pop()
        if state in graph:
            continue
        after = {in_order(one) for one in successors(state, verifies=verifies)}
        graph[state] = list(after)
        frontier += after
    return graph


def in_order(state: State) -> State:
    return state._replace(workers=tuple(sorted(state.workers)))


def syncing(state: State) -> int:
    return sum(worker.at == "sync" for worker in state.workers)


def is_settled(state: State) -> bool:
    return all(job == DONE for job in state.jobs) and not state.is_in_progress


def can_settle(graph: dict[State, list[State]]) -> set[State]:
    """Return the states from which a settled one can be reached."""
    before: dict[State, list[State]] = {state: [] for state in graph}
    for state, after in graph.items():
        for one in after:
            before[one].append(state)
    found: set[State] = set()
    frontier = [state for state in graph if is_settled(state)]
    while frontier:
        state = frontier.pop()
        if state not in found:
            found.add(state)
            frontier += before[state]
    return found


@pytest.mark.parametrize(("workers", "jobs", "crashes"), [(2, 2, 2), (3, 2, 1), (4, 1, 1)])
def test_never_do_two_workers_sync_and_every_job_can_end(workers: int, jobs: int, crashes: int) -> None:
    graph = explore(workers, jobs, crashes)

    assert max(map(syncing, graph)) == 1
    assert can_settle(graph) == graph.keys()


def test_the_search_finds_two_syncs_when_workers_do_not_look_for_rivals() -> None:
    graph = explore(2, 2, 0, verifies=False)

    assert max(map(syncing, graph)) == 2
