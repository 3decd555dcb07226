"""The judge of `make torture` finds every kind of finding in histories made by hand, and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.history.events import Action, Bulk, JobRead, Scanned, StatusWritten
from tests.torture import history as histories
from tests.torture import report
from tests.torture.checker import REQUESTS_UNDER_WAY, findings
from tests.torture.connectors import CONNECTORS
from tests.torture.history import (
    Census,
    Change,
    CleanJob,
    Comparison,
    History,
    Leftovers,
    Snapshot,
    Transaction,
)

ID = "torture_public_note_{}".format


def bulk(at: float, *actions: Action, worker: str = "one", job: str = "job") -> Bulk:
    return Bulk(at=at, until=at + 0.1, job=job, worker=worker, actions=actions)


def written(at: float, status: str, worker: str = "one", job: str = "job") -> StatusWritten:
    return StatusWritten(at=at, job=job, worker=worker, status=status)


def indexed(key: int) -> Action:
    return Action(operation="index", id=ID(key))


def deleted(key: int) -> Action:
    return Action(operation="delete", id=ID(key), guard=(5, 1))


def job_document(connector: str = "plain", **members: Any) -> Mapping[str, Any]:
    counts = {"indexed_document_count": 1, "deleted_document_count": 1, "total_document_count": 2}
    return {
        "id": "job", "job_type": "full", "status": "completed", "connector": {"id": connector},
        "error": None, **counts, **members,
    }  # fmt: skip


def good() -> History:
    """Rows 1 and 2 are there all along, 1 is changed, 3 is deleted before a job that deletes its document."""
    history = History()
    write_rows(history)
    history.events = [
        written(10, "in_progress"),
        Scanned(at=11, job="job", worker="one", versions={ID(3): (5, 1)}),
        bulk(12, indexed(1)),
        JobRead(at=13, job="job", worker="one", status="in_progress", holder="one"),
        bulk(14, deleted(3)),
        written(15, "completed"),
    ]
    history.jobs = {"job": job_document()}
    history.snapshots = [
        Snapshot(
            connector="plain",
            job="job",
            began_at=16,
            ended_at=17,
            versions={ID(1): 4, ID(2): 2, "foreign-1": 0},
        )
    ]
    documents = {ID(1): "a", ID(2): "b"}
    history.foreign = {"plain": {"foreign-1": 1}}
    history.comparisons = [
        Comparison(
            connector="plain", at=50, after="storm 1", expected=documents, found=documents,
            foreign={"foreign-1": 1},
        )
    ]  # fmt: skip
    clean = job_document(
        id="clean", indexed_document_count=0, deleted_document_count=0, total_document_count=3
    )
    history.clean_jobs = [CleanJob(connector="plain", job=clean, documents=3, is_repeated=True)]
    history.censuses = [
        Census(at=at, pid=7, resident_bytes=90_000_000, descriptors=6, connections=12, threads=5)
        for at in range(9)
    ]
    history.leftovers = [
        Leftovers(at=50, backends=3, slots=1, is_end=False),
        Leftovers(at=60, backends=0, slots=0, is_end=True),
    ]
    history.connector_documents = {one.name: {"status": "connected"} for one in CONNECTORS}
    return history


def write_rows(history: History) -> None:
    """Rows 1, 2 and 3 are inserted, 1 and 2 changed, and 3 is deleted."""
    history.transactions = {
        number: Transaction(number=number, sent_at=at, settled_at=at + 0.1)
        for number, at in enumerate((1.0, 2.0, 3.0, 40.0))
    }
    history.changes = [
        Change(transaction=0, table="note", key="1", version=1),
        Change(transaction=0, table="note", key="2", version=2),
        Change(transaction=0, table="note", key="3", version=3),
        Change(transaction=1, table="note", key="1", version=4),
        Change(transaction=2, table="note", key="3", version=None),
        Change(transaction=3, table="note", key="2", version=5),
    ]


def a_missing_document(history: History) -> None:
    history.comparisons[0] = replace(history.comparisons[0], found={ID(1): "a"})


def a_document_without_a_row(history: History) -> None:
    history.comparisons[0] = replace(history.comparisons[0], expected={ID(1): "a"})


def a_document_unlike_its_row(history: History) -> None:
    history.comparisons[0] = replace(history.comparisons[0], found={ID(1): "a", ID(2): "old"})


def a_row_left_out(history: History) -> None:
    history.snapshots[0] = replace(history.snapshots[0], versions={ID(1): 4})


def a_row_left_old(history: History) -> None:
    history.snapshots[0] = replace(history.snapshots[0], versions={ID(1): 1, ID(2): 2})


def a_row_deleted_that_is_there(history: History) -> None:
    history.events.insert(-1, bulk(14, deleted(1)))
    history.jobs = {"job": job_document(deleted_document_count=2)}


def a_follower_deletes_a_row_that_is_there(history: History) -> None:
    history.jobs["following"] = job_document("log", id="following", status="in_progress")
    row = Action(operation="delete", id=ID(1))
    history.events += [
        written(10, "in_progress", job="following"),
        bulk(30, row, job="following"),
    ]


def a_foreign_document_changed(history: History) -> None:
    history.comparisons[0] = replace(history.comparisons[0], foreign={"foreign-1": 2})


def a_foreign_document_deleted(history: History) -> None:
    history.comparisons[0] = replace(history.comparisons[0], foreign={})


def a_total_that_is_wrong(history: History) -> None:
    history.clean_jobs[0] = replace(history.clean_jobs[0], documents=2)


def work_where_nothing_had_changed(history: History) -> None:
    job = {**history.clean_jobs[0].job, "indexed_document_count": 1}
    history.clean_jobs[0] = replace(history.clean_jobs[0], job=job)


def work_that_is_not_counted(history: History) -> None:
    history.events.append(bulk(45, indexed(1), job="clean"))
    history.clean_jobs[0] = replace(history.clean_jobs[0], is_repeated=False)


def an_incremental_job_that_ends_twice(history: History) -> None:
    history.jobs["other"] = job_document(id="other", job_type="incremental")
    ends = [written(at, status, job="other") for at, status in ((20, "completed"), (21, "error"))]
    history.events += [written(19, "in_progress", job="other"), *ends]


def counts_that_nobody_acknowledged(history: History) -> None:
    history.jobs = {"job": job_document(indexed_document_count=2)}


def a_clean_job_in_error(history: History) -> None:
    job = {**history.clean_jobs[0].job, "status": "error", "error": "Nothing works."}
    history.clean_jobs[0] = replace(history.clean_jobs[0], job=job)


def a_job_that_ends_twice(history: History) -> None:
    history.events.append(written(16, "error"))


def a_job_left_unfinished(history: History) -> None:
    history.jobs["other"] = job_document(id="other", status="in_progress")


def two_workers_in_turns(history: History) -> None:
    history.events[2:3] = [
        bulk(11.1, indexed(1)),
        written(11.2, "suspended", "two"),
        written(11.3, "in_progress", "two"),
        bulk(11.4, indexed(1), worker="two"),
        *(bulk(11.5 + number / 10, indexed(1)) for number in range(REQUESTS_UNDER_WAY + 1)),
    ]


def a_follower_that_goes_on_without_its_job(history: History) -> None:
    history.jobs["following"] = job_document("log", id="following", status="suspended")
    history.events += [
        written(20, "in_progress", job="following"),
        written(30, "suspended", "two", job="following"),
        *(bulk(31 + number, indexed(1), job="following") for number in range(REQUESTS_UNDER_WAY + 1)),
    ]


def two_followers_in_turns(history: History) -> None:
    for job in ("one", "two"):
        history.jobs[job] = job_document("log", id=job, status="in_progress")
        history.events.append(written(20, "in_progress", job, job=job))
    for number in range(3):
        name = ("one", "two")[number % 2]
        history.events.append(bulk(21 + number, indexed(1), worker=name, job=name))


def a_connector_in_error(history: History) -> None:
    history.connector_documents = {**history.connector_documents, "poll": {"status": "error"}}


def a_connection_left(history: History) -> None:
    history.leftovers[1] = replace(history.leftovers[1], backends=1)


def a_slot_left(history: History) -> None:
    history.leftovers[1] = replace(history.leftovers[1], slots=1)


def a_slot_of_an_earlier_job(history: History) -> None:
    history.leftovers[0] = replace(history.leftovers[0], slots=2)


def connections_without_end(history: History) -> None:
    history.leftovers[0] = replace(history.leftovers[0], backends=60)


def growth(**members: int) -> Callable[[History], None]:
    def grow(history: History) -> None:
        history.censuses = [
            replace(one, **{name: getattr(one, name) + step * number for name, step in members.items()})
            for number, one in enumerate(history.censuses)
        ]

    return grow


def a_run_that_could_not_go_on(history: History) -> None:
    history.troubles.append("not within 300 s: log has caught up")


BAD: list[tuple[Callable[[History], None], str]] = [
    (a_missing_document, "difference"),
    (a_document_without_a_row, "difference"),
    (a_document_unlike_its_row, "difference"),
    (a_row_left_out, "lost row"),
    (a_row_left_old, "lost row"),
    (a_row_deleted_that_is_there, "wrong delete"),
    (a_follower_deletes_a_row_that_is_there, "wrong delete"),
    (a_foreign_document_changed, "foreign"),
    (a_foreign_document_deleted, "foreign"),
    (a_total_that_is_wrong, "count"),
    (work_where_nothing_had_changed, "count"),
    (work_that_is_not_counted, "count"),
    (counts_that_nobody_acknowledged, "count"),
    (an_incremental_job_that_ends_twice, "protocol"),
    (a_clean_job_in_error, "protocol"),
    (a_job_that_ends_twice, "protocol"),
    (a_job_left_unfinished, "protocol"),
    (two_workers_in_turns, "protocol"),
    (two_followers_in_turns, "protocol"),
    (a_follower_that_goes_on_without_its_job, "protocol"),
    (a_connector_in_error, "protocol"),
    (a_connection_left, "leftover"),
    (a_slot_left, "leftover"),
    (a_slot_of_an_earlier_job, "leftover"),
    (connections_without_end, "leftover"),
    (growth(resident_bytes=8_000_000), "growth"),
    (growth(descriptors=1), "growth"),
    (growth(connections=5), "growth"),
    (growth(threads=2), "growth"),
    (a_run_that_could_not_go_on, "run"),
]


def test_a_good_history_has_no_findings() -> None:
    assert findings(good()) == []


@pytest.mark.parametrize(("spoil", "kind"), BAD)
def test_every_kind_of_finding_is_found(spoil: Callable[[History], None], kind: str) -> None:
    history = good()
    spoil(history)

    found = findings(history)

    assert kind in {one.kind for one in found}


def test_a_row_that_may_have_been_gone_need_not_be_in_the_index() -> None:
    history = good()
    history.transactions[3] = Transaction(number=3, sent_at=10.5, settled_at=16.5)
    history.changes[-1] = Change(transaction=3, table="note", key="2", version=None)
    a_row_left_out(history)

    assert findings(history) == []


def test_a_table_that_was_emptied_takes_all_its_rows_with_it() -> None:
    history = good()
    history.transactions[3] = Transaction(number=3, sent_at=5, settled_at=6)
    history.changes[-1] = Change(transaction=3, table="note", key=histories.WHOLE_TABLE, version=None)
    history.snapshots[0] = replace(history.snapshots[0], versions={})

    assert findings(history) == []


def test_requests_under_way_when_a_worker_is_paused_are_forgiven() -> None:
    history = good()
    history.events.append(bulk(16, indexed(1)))

    assert findings(history) == []


def test_a_history_that_was_kept_is_judged_alike(tmp_path: Path) -> None:
    history = good()
    a_missing_document(history)
    history.write(tmp_path / "history")

    kept = histories.read(tmp_path / "history")

    assert findings(kept) == findings(history)
    assert report.text(kept, findings(kept)) == report.text(history, findings(history))
    assert "1 missing" in report.text(kept, findings(kept))
