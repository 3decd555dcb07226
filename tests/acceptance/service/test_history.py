"""The checker of histories finds what is wrong with bad ones: a checker that cannot fail proves nothing."""

import pytest

from tests.acceptance.service.history import Event, problems

CONNECTOR_OF = {"job-1": "c", "job-2": "c"}
GOOD = [
    Event(0, "job-1", "a", "in_progress"),
    Event(1, "job-1", "a"),
    Event(2, "job-1", "a", "completed"),
    Event(3, "job-2", "b", "in_progress"),
    Event(4, "job-2", "b"),
    Event(5, "job-2", "b", "suspended"),
    Event(6, "job-2", "a", "in_progress"),
    Event(7, "job-2", "a"),
    Event(8, "job-2", "a", "completed"),
]


def test_a_good_history_has_no_problems() -> None:
    assert problems(GOOD, CONNECTOR_OF) == []


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("a job nobody ended", GOOD[:-1]),
        ("a job that was never run", GOOD[:3]),
        ("a job claimed twice", [GOOD[0], Event(0.5, "job-1", "b", "in_progress"), *GOOD[1:]]),
        ("an ended job that ends again", [*GOOD, Event(9, "job-1", "a", "error")]),
        ("an ended job that is claimed", [*GOOD, Event(9, "job-1", "a", "in_progress")]),
        ("a write after the end", [*GOOD, Event(9, "job-1", "a")]),
        ("a write of a worker that never had the job", [*GOOD[:2], Event(1.5, "job-1", "b"), *GOOD[2:]]),
        (
            "two jobs of a connector at once",
            [
                Event(0, "job-1", "a", "in_progress"),
                Event(0, "job-2", "b", "in_progress"),
                Event(1, "job-1", "a"),
                Event(2, "job-2", "b"),
                Event(3, "job-1", "a"),
                Event(4, "job-1", "a", "completed"),
                Event(5, "job-2", "b", "completed"),
            ],
        ),
    ],
)
def test_a_bad_history_is_found(name: str, events: list[Event]) -> None:
    assert problems(events, CONNECTOR_OF) != [], name
