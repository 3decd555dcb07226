"""The one retry policy: full jitter, a ceiling, `Retry-After`, a budget."""

from datetime import UTC, datetime

import pytest

from ingest.elasticsearch.retry import Backoff, is_transient, retry_after_seconds


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def longest(_low: float, high: float) -> float:
    return high


def backoff(time: Time, budget_seconds: float) -> Backoff:
    return Backoff(budget_seconds=budget_seconds, clock=time.clock, sleep=time.sleep, uniform=longest)


async def test_waits_double_up_to_the_ceiling_and_end_before_the_budget() -> None:
    time = Time()
    attempts = backoff(time, 200.0).attempts()

    while await attempts.wait():
        pass

    assert time.slept == [1, 2, 4, 8, 16, 32, 60, 60]
    assert attempts.made == 9


async def test_every_wait_is_drawn_from_zero_to_its_bound() -> None:
    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    attempts = Backoff(budget_seconds=10, uniform=uniform).attempts()
    for _ in range(3):
        attempts.next_delay()

    assert drawn == [(0, 1), (0, 2), (0, 4)]


async def test_retry_after_is_waited_for() -> None:
    time = Time()

    assert await backoff(time, 100.0).attempts().wait(30.0)
    assert time.slept == [30.0]


async def test_a_wait_that_would_outlast_the_budget_is_not_begun() -> None:
    time = Time()

    assert not await backoff(time, 20.0).attempts().wait(30.0)
    assert time.slept == []


async def test_no_budget_means_one_attempt() -> None:
    assert not await Backoff(budget_seconds=0).attempts().wait()


def test_the_bound_does_not_overflow_after_many_attempts() -> None:
    attempts = Backoff(budget_seconds=1e9, uniform=longest).attempts()

    delays = [attempts.next_delay() for _ in range(3000)]

    assert delays[-1] == 60.0


@pytest.mark.parametrize("status", [408, 429, 499, 500, 502, 503, 504])
def test_these_may_work_later(status: int) -> None:
    assert is_transient(status)


@pytest.mark.parametrize("status", [200, 201, 301, 400, 401, 403, 404, 409, 413])
def test_these_are_final(status: int) -> None:
    assert not is_transient(status)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("3600", 120),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0),
        ("soon", 0),
        ("", 0),
        ("-5", 0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, seconds: float) -> None:
    now = datetime(2026, 11, 22, 10, tzinfo=UTC)

    assert retry_after_seconds({"Retry-After": header}, now) == seconds
