"""Totals never fall, and each document is counted in the minute it was written in."""

from dataclasses import dataclass

from ingest.status.history import History
from tests.unit.ingest.status.snapshots import NOW, ended, running


@dataclass
class Clock:
    minutes: float = 1000.0

    def __call__(self) -> float:
        return self.minutes * 60


def test_totals_hold_what_ended_and_what_runs() -> None:
    history = History(clock=Clock())
    history.note_ended(ended(connector_id="shop", counts={"created": 5, "sent_bytes": 70}))

    totals = history.totals([running(counts={"created": 2, "rejected": 1, "sent_bytes": 30})])

    assert totals.documents["shop", "created"] == 7
    assert totals.documents["shop", "rejected"] == 1
    assert totals.sent_bytes == {"shop": 100}
    assert totals.jobs == {("incremental", "completed"): 1}
    assert totals.last_completed["shop"] == ended().ended_at


def test_a_job_that_runs_and_then_ends_is_counted_once() -> None:
    history = History(clock=Clock())
    while_running = history.totals([running(counts={"created": 9})])

    history.note_ended(ended(connector_id="shop", counts={"created": 9}))

    assert history.totals([]).documents["shop", "created"] == while_running.documents["shop", "created"] == 9


def test_a_failed_job_is_not_the_last_completed_one() -> None:
    history = History(clock=Clock())

    history.note_ended(ended(status="error"))

    assert history.totals([]).last_completed == {}


def test_documents_are_counted_in_their_minute() -> None:
    clock = Clock()
    history = History(clock=clock)
    history.sample([])
    clock.minutes += 1
    history.sample([running(counts={"created": 10})])
    clock.minutes += 2.5
    history.sample([running(counts={"created": 10, "deleted": 5, "unchanged": 99})])

    minutes = history.documents_a_minute()

    assert len(minutes) == 60
    assert minutes[-4:] == (0, 10, 0, 5)
    assert sum(minutes) == 15


def test_what_was_written_over_an_hour_ago_is_forgotten() -> None:
    clock = Clock()
    history = History(clock=clock)
    history.sample([running(counts={"created": 10})])
    for _ in range(70):
        clock.minutes += 1
        history.sample([running(counts={"created": 10})])

    assert history.documents_a_minute() == (0,) * 60


def test_a_first_document_in_the_first_minute_is_seen() -> None:
    history = History(clock=Clock())

    history.sample([running(counts={"created": 10})])

    assert history.documents_a_minute()[-1] == 10


def test_the_latest_jobs_are_kept_and_no_more() -> None:
    history = History(clock=Clock())
    for number in range(60):
        history.note_ended(ended(id=f"job-{number}", ended_at=NOW))

    assert [job.id for job in list(history.ended)[:2]] == ["job-59", "job-58"]
    assert len(history.ended) == 50
