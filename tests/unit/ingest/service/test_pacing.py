"""Pauses between looks, and whose job is next."""

import asyncio

import pytest

from ingest.protocol import SyncJob, Version
from ingest.service.pacing import LONGEST_DEFERRAL_SECONDS, LONGEST_PAUSE_SECONDS, Pace, Turns


def middle(low: float, high: float) -> float:
    return (low + high) / 2


def job(number: int, connector_id: str) -> SyncJob:
    return SyncJob(id=f"job-{number}", version=Version(number, 1), connector_id=connector_id)


def ids(jobs: list[SyncJob]) -> list[str]:
    return [one.id for one in jobs]


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_pauses_carry_jitter_around_the_interval() -> None:
    pauses = [Pace(10.0).next_pause() for _ in range(200)]

    assert min(pauses) >= 9.0
    assert max(pauses) <= 11.0
    assert len(set(pauses)) > 100


def test_pauses_grow_while_it_fails_and_shrink_at_once_when_it_works() -> None:
    pace = Pace(1.0, uniform=middle)
    pauses = []
    for _ in range(8):
        pace.failed()
        pauses.append(pace.next_pause())
    pace.succeeded()

    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    assert pace.next_pause() == 1.0


def test_a_refused_key_is_tried_once_a_minute() -> None:
    pace = Pace(1.0, uniform=middle)

    pace.refused()

    assert pace.next_pause() == LONGEST_PAUSE_SECONDS


def test_a_pause_longer_than_the_longest_stays_as_long_while_it_fails() -> None:
    pace = Pace(300.0, uniform=middle)
    pace.failed()

    assert pace.next_pause() == 300.0


def test_something_due_soon_shortens_the_next_pause_alone() -> None:
    pace = Pace(30.0, uniform=middle)
    pace.look_within(4.0)
    pace.look_within(7.0)

    assert [pace.next_pause(), pace.next_pause()] == [4.0, 30.0]


async def test_a_wake_ends_the_pause() -> None:
    pace = Pace(3600.0)
    waiting = asyncio.ensure_future(pace.pause())
    await asyncio.sleep(0)

    pace.wake()

    await waiting


def test_the_oldest_job_of_each_connector_is_chosen_as_far_as_there_is_room() -> None:
    waiting = [job(1, "a"), job(2, "a"), job(3, "b"), job(4, "c")]

    assert ids(Turns().choose(waiting, busy=(), room=2)) == ["job-1", "job-3"]


def test_a_connector_with_many_jobs_does_not_starve_the_others() -> None:
    turns = Turns()
    waiting = [job(number, "busy") for number in range(10)] + [job(20, "quiet")]
    order = []
    while waiting:
        chosen = turns.choose(waiting, busy=(), room=1)[0]
        turns.serve(chosen.connector_id)
        waiting.remove(chosen)
        order.append(chosen.id)

    assert order[:3] == ["job-0", "job-20", "job-1"]


def test_a_connector_whose_job_runs_here_is_left_out() -> None:
    assert ids(Turns().choose([job(1, "a"), job(2, "b")], busy={"a"}, room=5)) == ["job-2"]


def test_a_connector_that_could_not_be_claimed_is_left_alone_for_longer_and_longer() -> None:
    clock = Clock()
    turns = Turns(monotonic=clock)
    pauses = []
    for _ in range(8):
        turns.defer("a")
        start = clock.now
        while not turns.choose([job(1, "a")], busy=(), room=1):
            clock.now += 0.5
        pauses.append(clock.now - start)

    assert pauses == [1, 2, 4, 8, *[LONGEST_DEFERRAL_SECONDS] * 4]


@pytest.mark.parametrize("forgive", [Turns.serve, Turns.reconsider])
def test_a_deferred_connector_is_back_at_once_when_it_changed_or_was_served(forgive: object) -> None:
    turns = Turns()
    turns.defer("a")

    assert callable(forgive)
    forgive(turns, "a")

    assert turns.choose([job(1, "a")], busy=(), room=1)
