"""The checker finds what is wrong with bad histories: a checker that cannot fail proves nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.support.history.events import Action, Bulk, Event, JobRead, Reported, Scanned, StatusWritten
from tests.support.history.promises import Circumstances, problems


def status(at: float, written: str, *, job: str = "job-1", worker: str = "a") -> StatusWritten:
    return StatusWritten(at=at, job=job, worker=worker, status=written)


def told(at: float, said: str = "in_progress", *, holder: str = "a") -> JobRead:
    return JobRead(at=at, job="job-1", worker="a", status=said, holder=holder)


def bulk(at: float, *actions: Action, job: str = "job-1", worker: str = "a") -> Bulk:
    return Bulk(at=at, until=at + 0.1, job=job, worker=worker, actions=actions)


def index(id_: str, **members: Any) -> Action:
    return Action(operation="index", id=id_, **members)


def delete(id_: str, **members: Any) -> Action:
    return Action(operation="delete", id=id_, **{"guard": (7, 1), **members})


def reported(at: float, indexed: int) -> Reported:
    return Reported(at=at, job="job-1", worker="a", counts={"indexed_document_count": indexed})


SCAN = Scanned(at=3, job="job-1", worker="a", versions={"gone": (7, 1)})
GOOD: list[Event] = [
    status(0, "in_progress"),
    bulk(1, index("one"), index("two", verdict=429)),
    bulk(1.5, index("two")),
    reported(1.8, 2),
    told(2),
    SCAN,
    told(3.1),
    bulk(4, delete("gone")),
    status(5, "completed"),
    status(6, "in_progress", job="job-2", worker="b"),
    bulk(7, index("one"), job="job-2", worker="b"),
    status(8, "suspended", job="job-2", worker="b"),
    status(9, "in_progress", job="job-2"),
    bulk(10, index("one"), job="job-2"),
    status(11, "completed", job="job-2"),
]
COUNTED = {
    "status": "completed",
    "indexed_document_count": 2,
    "deleted_document_count": 1,
    "started_at": "2030-01-01T00:00:00.000000Z",
    "last_seen": "2030-01-01T00:00:05.000000Z",
    "completed_at": "2030-01-01T00:00:05.000000Z",
}
CIRCUMSTANCES = Circumstances(
    connector_of={"job-1": "c", "job-2": "c"},
    living=frozenset({"one", "two"}),
    jobs={"job-1": COUNTED},
    connectors={"c": {"last_sync_status": "completed"}},
)


def changed(position: int, *instead: Event) -> list[Event]:
    """Return the good history with other events in place of one."""
    return [*GOOD[:position], *instead, *GOOD[position + 1 :]]


def after(position: int, *events: Event) -> list[Event]:
    """Return the good history with more events after one."""
    return [*GOOD[: position + 1], *events, *GOOD[position + 1 :]]


def test_a_good_history_has_no_problems() -> None:
    assert problems(GOOD, CIRCUMSTANCES) == []


BAD: dict[str, tuple[Sequence[Event], str]] = {
    "a job nobody ended": (GOOD[:-1], "left in_progress"),
    "a job that never ran": (GOOD[:9], "left pending"),
    "a job claimed twice": (after(0, status(0.5, "in_progress", worker="b")), "over in_progress"),
    "an ended job that ends again": (after(8, status(5.5, "error")), "error over completed"),
    "an ended job that is claimed": (after(8, status(5.5, "in_progress", worker="b")), "over completed"),
    "a canceled job that completes": (after(7, status(4.5, "canceling", worker="")), "over canceling"),
    "an ended job that is canceled": (after(8, status(5.5, "canceling", worker="")), "over completed"),
    "a write after the end": (after(8, bulk(5.5, index("one"))), "held by None"),
    "a write of a worker that never had the job": (
        after(1, bulk(1.2, index("one"), worker="b")),
        "held by a",
    ),
    "two jobs of a connector at once": (
        [
            *GOOD[:1],
            status(0.5, "in_progress", job="job-2", worker="b"),
            GOOD[1],
            bulk(1.2, index("one"), job="job-2", worker="b"),
            *GOOD[2:9],
            *GOOD[11:],
        ],
        "at the same time",
    ),
    "a delete before the verdict": (changed(2), "what became of ['two']"),
    "a delete after an answer nobody heard": (
        changed(2, bulk(1.5, index("two", verdict=None))),
        "what became of ['two']",
    ),
    "a delete while a document is under way": (
        changed(2, replace(bulk(1.5, index("two")), until=4.5)),
        "still under way",
    ),
    "a delete without asking whose job it is": (
        [event for event in GOOD if not isinstance(event, JobRead)],
        "without having confirmed",
    ),
    "a delete after asking too early": (
        [*GOOD[:2], told(1.2), *(event for event in GOOD[2:] if not isinstance(event, JobRead))],
        "without having confirmed",
    ),
    "a document after the first delete": (after(7, bulk(4.2, index("three"))), "had begun to delete"),
    "a delete of what was just written": (
        changed(7, bulk(4, delete("gone"), delete("one", was_applied=False))),
        "written itself",
    ),
    "a delete without a guard": (changed(7, bulk(4, delete("gone", guard=None))), "guarded by None"),
    "a delete guarded by another version": (changed(7, bulk(4, delete("gone", guard=(8, 1)))), "(8, 1)"),
    "a delete of what was never seen": (changed(5), "guarded by"),
    "a delete of a row that is there": (
        changed(7, bulk(4, delete("gone"), delete("two"))),
        "whose row is there",
    ),
    "a write long after the worker was told": (
        after(1, told(0.5, "canceling")),
        "knew that the job was over",
    ),
    "counts that fall": (after(3, reported(1.9, 1)), "took back"),
    "a document counted that was not acknowledged": (
        changed(2, bulk(1.5, index("two", verdict=400))),
        "counts 2",
    ),
    "an acknowledged document not counted": (after(2, bulk(1.6, index("three"))), "3 were acknowledged"),
    "a document sent for ever": (after(2, *(bulk(1.6, index("two")) for _ in range(5))), "sent two 7 times"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_history_is_found(name: str) -> None:
    events, said = BAD[name]

    found = problems(events, CIRCUMSTANCES)

    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"status": "in_progress"}, "is in_progress in the end"),
        ({"status": "suspended"}, "is suspended in the end"),
        ({"indexed_document_count": 3}, "counts 3"),
        ({"deleted_document_count": 0}, "counts 0"),
        ({"completed_at": "2029-12-31T00:00:00.000000Z"}, "does not hold"),
        ({"started_at": "2030-01-01T00:00:09.000000Z"}, "does not hold"),
    ],
    ids=str,
)
def test_a_bad_end_of_a_job_is_found(job: dict[str, Any], said: str) -> None:
    found = problems(GOOD, replace(CIRCUMSTANCES, jobs={"job-1": COUNTED | job}))

    assert any(said in problem for problem in found), found


def test_a_connector_left_in_progress_is_found() -> None:
    found = problems(GOOD, replace(CIRCUMSTANCES, connectors={"c": {"last_sync_status": "in_progress"}}))

    assert found == ["c says in_progress in the end"]


def test_a_job_in_error_may_know_of_less_than_was_done() -> None:
    events: Sequence[Event] = changed(8, status(5, "error"))
    ended = COUNTED | {"status": "error", "indexed_document_count": 1, "deleted_document_count": 0}

    assert problems(events, replace(CIRCUMSTANCES, jobs={"job-1": ended})) == []
