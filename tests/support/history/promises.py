"""What must hold of every history, whatever was broken in it. No problem found: every promise was kept.

legal statuses         a job's statuses are a path of the protocol; an ended job stays ended
one holder             only the worker that has the job writes documents for it
no overlap             two workers never write for one connector at the same time
proven deletes         deletes come last, confirmed, guarded by what was seen, after every document's verdict
no wrong delete        a document whose row is there all along is never deleted
no late writes         a worker that was told its job is over writes nothing more
exact counts           what a job reports was acknowledged to the worker that reports it
an end                 nothing is left unfinished once everything works again
bounded effort         no document is sent again and again
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.support.history.events import Action, Bulk, Event, JobRead, Reported, Scanned, StatusWritten

TERMINAL = frozenset({"completed", "error", "canceled"})
LEGAL: Mapping[str, AbstractSet[str]] = {
    "pending": {"in_progress", "canceled"},
    "in_progress": {"suspended", "canceling", *TERMINAL},
    "canceling": {"canceled", "error"},
    "suspended": {"in_progress", "canceled"},
}
COUNTS = {"index": "indexed_document_count", "delete": "deleted_document_count"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a history is judged by, besides itself."""

    connector_of: Mapping[str, str]
    """Every job that was created, and whose it is."""
    living: AbstractSet[str] = frozenset()
    """Ids of documents whose rows are there all along."""
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """How jobs are in the end, as documents."""
    connectors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    most_sends: int = 5
    """How often a job's worker may send one document."""
    reaction_seconds: float = 0.5
    """How long a worker that is told its job is over may go on writing."""
    by_table: bool = False
    """Whether jobs may have deleted table by table, as those do that begin where an earlier one ended."""
    rereads: bool = False
    """Whether tables may have been read again, after their connection was lost: what was written before is
    not counted, and may be deleted."""


def problems(events: Sequence[Event], circumstances: Circumstances) -> list[str]:
    """Return every broken promise as a sentence."""
    return [
        *_illegal_statuses(events, circumstances),
        *_writes_without_the_job(events),
        *_overlaps(events, circumstances),
        *_unproven_deletes(events, circumstances),
        *_wrong_deletes(events, circumstances),
        *_writes_after_the_end_was_seen(events, circumstances),
        *([] if circumstances.rereads else _falling_counts(events)),
        *_wrong_counts(events, circumstances),
        *_unfinished(circumstances),
        *_disordered_dates(circumstances),
        *_endless_sending(events, circumstances),
    ]


def _illegal_statuses(events: Sequence[Event], circumstances: Circumstances) -> Iterator[str]:
    statuses = dict.fromkeys(circumstances.connector_of, "pending")
    for event in events:
        if not isinstance(event, StatusWritten):
            continue
        before = statuses.get(event.job, "pending")
        after = event.status
        if after == "canceling" and before in ("pending", "suspended"):
            after = "canceled"  # what nobody runs is canceled at once
        if after not in LEGAL.get(before, set()):
            yield f"{event.job}: {event.worker or 'somebody'} wrote {after} over {before}"
        statuses[event.job] = after
    yield from (f"{job} was left {status}" for job, status in statuses.items() if status not in TERMINAL)


def _writes_without_the_job(events: Sequence[Event]) -> Iterator[str]:
    holder: dict[str, str] = {}
    for event in events:
        match event:
            case StatusWritten(status="in_progress"):
                holder[event.job] = event.worker
            case StatusWritten(status="canceling"):
                pass  # it may still have writes under way; what it does once it knows is another promise
            case StatusWritten():
                holder.pop(event.job, None)
            case Bulk() if holder.get(event.job) != event.worker:
                yield f"{event.worker} wrote documents for {event.job}, held by {holder.get(event.job)}"


def _overlaps(events: Sequence[Event], circumstances: Circumstances) -> Iterator[str]:
    spans: dict[str, dict[tuple[str, str], tuple[float, float]]] = defaultdict(dict)
    for event in events:
        if isinstance(event, Bulk):
            of_connector = spans[circumstances.connector_of[event.job]]
            first, _ = of_connector.get((event.worker, event.job), (event.at, event.at))
            of_connector[event.worker, event.job] = (first, event.at)
    for connector, intervals in spans.items():
        ordered = sorted((first, last, who) for who, (first, last) in intervals.items())
        for (_, end, one), (start, _, other) in pairwise(ordered):
            if start < end:
                yield f"{connector}: {one} and {other} wrote at the same time"


@dataclass(slots=True)
class _Attempt:
    """What one worker did for one job since it took it."""

    verdicts: dict[str, Action] = field(default_factory=dict)
    """The last action for each document that was indexed."""
    last_indexed_at: float = -1.0
    confirmed_at: float = -1.0
    seen: dict[str, tuple[float, tuple[int, int]]] = field(default_factory=dict)
    first_delete_at: float | None = None
    acknowledged: dict[str, set[str]] = field(default_factory=lambda: {"index": set(), "delete": set()})


def _attempts(events: Sequence[Event]) -> Iterator[tuple[Event, _Attempt]]:
    """Walk through the events, each with what its worker did for its job until then."""
    attempts: dict[tuple[str, str], _Attempt] = {}
    for event in events:
        if isinstance(event, StatusWritten) and event.status == "in_progress":
            attempts[event.worker, event.job] = _Attempt()
        attempt = attempts.setdefault((event.worker, event.job), _Attempt())
        yield event, attempt
        _note(event, attempt)


def _note(event: Event, attempt: _Attempt) -> None:
    match event:
        case JobRead(status="in_progress") if event.holder == event.worker:
            attempt.confirmed_at = max(attempt.confirmed_at, event.at)
        case Scanned():
            attempt.seen |= {id_: (event.at, version) for id_, version in event.versions.items()}
        case Bulk():
            for action in event.actions:
                _note_action(event, action, attempt)


def _note_action(bulk: Bulk, action: Action, attempt: _Attempt) -> None:
    if action.is_acknowledged:
        attempt.acknowledged["delete" if action.operation == "delete" else "index"].add(action.id)
    if action.operation == "delete":
        attempt.first_delete_at = bulk.at if attempt.first_delete_at is None else attempt.first_delete_at
    else:
        attempt.verdicts[action.id] = action
        attempt.last_indexed_at = max(attempt.last_indexed_at, bulk.until)


def _unproven_deletes(events: Sequence[Event], circumstances: Circumstances) -> Iterator[str]:
    for event, attempt in _attempts(events):
        if not isinstance(event, Bulk):
            continue
        deletes = [action for action in event.actions if action.operation == "delete"]
        who = f"{event.worker} for {event.job}"
        has_begun = attempt.first_delete_at is not None and not circumstances.by_table
        if len(deletes) < len(event.actions) and has_begun:
            yield f"{who} wrote documents after it had begun to delete"
        if not deletes:
            continue
        if open_ids := [id_ for id_, action in attempt.verdicts.items() if not action.is_final]:
            yield f"{who} deleted before it knew what became of {open_ids}"
        if event.at < attempt.last_indexed_at:
            yield f"{who} deleted while documents were still under way"
        if attempt.confirmed_at <= attempt.last_indexed_at or attempt.confirmed_at > event.at:
            yield f"{who} deleted without having confirmed, after the last document, that the job is its own"
        for action in deletes:
            seen = attempt.seen.get(action.id)
            if action.guard is None or seen is None or seen[0] > event.at or seen[1] != action.guard:
                yield f"{who} deleted {action.id} guarded by {action.guard}, not by what it saw: {seen}"
            if action.id in attempt.verdicts and not circumstances.rereads:
                yield f"{who} deleted {action.id}, which it had written itself"


def _wrong_deletes(events: Sequence[Event], circumstances: Circumstances) -> Iterator[str]:
    for event in events:
        if isinstance(event, Bulk):
            for action in event.actions:
                if action.operation == "delete" and action.was_applied and action.id in circumstances.living:
                    yield f"{event.worker} for {event.job} deleted {action.id}, whose row is there"


def _writes_after_the_end_was_seen(events: Sequence[Event], circumstances: Circumstances) -> Iterator[str]:
    told: dict[tuple[str, str], float] = {}
    for event in events:
        key = (event.worker, event.job)
        match event:
            case StatusWritten(status="in_progress"):
                told.pop(key, None)
            case JobRead() if event.holder == event.worker and event.status != "in_progress":
                told.setdefault(key, event.at)
            case Bulk() if key in told and event.at > told[key] + circumstances.reaction_seconds:
                yield f"{event.worker} wrote documents for {event.job} though it knew that the job was over"


def _falling_counts(events: Sequence[Event]) -> Iterator[str]:
    last: dict[tuple[str, str], Mapping[str, int]] = {}
    for event in events:
        key = (event.worker, event.job)
        if isinstance(event, StatusWritten) and event.status == "in_progress":
            last.pop(key, None)
        if isinstance(event, Reported):
            before = last.get(key, {})
            for name in COUNTS.values():
                if event.counts.get(name, 0) < before.get(name, 0):
                    yield f"{event.worker} for {event.job} took back some of {name}"
            last[key] = event.counts


def _wrong_counts(events: Sequence[Event], circumstances: Circumstances) -> Iterator[str]:
    """Compare the counts of jobs that their own worker ended with what it was told.

    Only a completed job must count everything: another may have ended before its worker read the answer.
    """
    holder: dict[str, str] = {}
    ended_by_itself: dict[str, _Attempt] = {}
    for event, attempt in _attempts(events):
        if isinstance(event, StatusWritten):
            if event.status == "in_progress":
                holder[event.job] = event.worker
            elif holder.get(event.job) == event.worker:
                ended_by_itself[event.job] = attempt
    for job, attempt in ended_by_itself.items():
        document = circumstances.jobs.get(job, {})
        for operation, name in COUNTS.items():
            if name not in document:
                continue
            counted, acknowledged = document[name], len(attempt.acknowledged[operation])
            must_count_all = document["status"] == "completed" and not circumstances.rereads
            if counted > acknowledged or (must_count_all and counted < acknowledged):
                yield f"{job} counts {counted} as {name}, but {acknowledged} were acknowledged"


def _unfinished(circumstances: Circumstances) -> Iterator[str]:
    for job, document in circumstances.jobs.items():
        if document["status"] not in TERMINAL:
            yield f"{job} is {document['status']} in the end"
    for connector, document in circumstances.connectors.items():
        if document.get("last_sync_status") not in TERMINAL | {None}:
            yield f"{connector} says {document['last_sync_status']} in the end"


def _disordered_dates(circumstances: Circumstances) -> Iterator[str]:
    for job, document in circumstances.jobs.items():
        names = [name for name in ("started_at", "last_seen", "completed_at") if document.get(name)]
        dates = [datetime.fromisoformat(document[name]) for name in names]
        # One that never ran may be looked at by a worker at the moment it is canceled.
        if document.get("started_at") and dates != sorted(dates):
            yield f"{job}: {' <= '.join(names)} does not hold"


def _endless_sending(events: Sequence[Event], circumstances: Circumstances) -> Iterator[str]:
    sends: Counter[tuple[str, str, str]] = Counter()
    for event in events:
        if isinstance(event, StatusWritten) and event.status == "in_progress":
            for key in [key for key in sends if key[:2] == (event.worker, event.job)]:
                del sends[key]
        if isinstance(event, Bulk):
            sends.update((event.worker, event.job, action.id) for action in event.actions)
    for (worker, job, id_), count in sends.items():
        if count > circumstances.most_sends:
            yield f"{worker} for {job} sent {id_} {count} times"
