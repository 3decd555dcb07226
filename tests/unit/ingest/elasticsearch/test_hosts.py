"""Which of several hosts is asked next."""

from dataclasses import dataclass, field

import pytest

from ingest.elasticsearch.hosts import LONGEST_REST_SECONDS, Hosts


@dataclass(slots=True)
class Clock:
    now: float = 0.0
    hosts: Hosts = field(init=False)

    def __post_init__(self) -> None:
        self.hosts = Hosts(("a", "b", "c"), clock=lambda: self.now)

    def chosen(self, count: int) -> str:
        return "".join(self.hosts.choose() for _ in range(count))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_hosts_take_turns(clock: Clock) -> None:
    assert clock.chosen(7) == "abcabca"


def test_a_host_that_failed_is_left_out_and_then_tried_once(clock: Clock) -> None:
    clock.hosts.failed("b")

    assert clock.chosen(4) == "acac"
    clock.now = 1.0
    assert clock.chosen(3) == "abc"


def test_each_failure_in_a_row_doubles_the_time_up_to_a_limit(clock: Clock) -> None:
    rests = []
    for _ in range(100):
        clock.hosts.failed("a")
        began = clock.now
        while "a" not in clock.chosen(3):
            clock.now += 1.0
        rests.append(clock.now - began)

    assert rests[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert set(rests[6:]) == {LONGEST_REST_SECONDS}


def test_one_answer_makes_a_host_as_good_as_new(clock: Clock) -> None:
    for _ in range(10):
        clock.hosts.failed("a")

    clock.hosts.answered("a")

    assert clock.chosen(3) == "abc"
    clock.hosts.failed("a")
    clock.now += 1.0
    assert "a" in clock.chosen(3)


def test_while_all_have_failed_the_one_whose_time_ends_first_is_asked(clock: Clock) -> None:
    for host in "cabb":
        clock.hosts.failed(host)
        clock.now += 0.1

    assert clock.chosen(2) == "cc"


def test_a_single_host_is_always_asked(clock: Clock) -> None:
    alone = Hosts(("a",), clock=lambda: clock.now)
    alone.failed("a")

    assert alone.choose() == "a"
