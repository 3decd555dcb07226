"""What is wrong with a run, found from its history alone.

difference    at a calm point an index is not what its tables are
lost row      a completed job left out, or left old, a row that was committed before the job began
wrong delete  the document of a row was deleted that was there all along
foreign       a document of somebody else was changed or deleted
count         a job's counts are wrong
protocol      statuses out of order, a job of two workers, deletes without proof, a job left unfinished
leftover      connections or slots that are not used any more
growth        memory, descriptors, connections or threads of a process that grow
run           the run itself could not do what it meant to
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tests.support.history.events import Bulk, Event, StatusWritten
from tests.support.history.promises import TERMINAL, Circumstances, problems
from tests.torture.history import Census, Comparison, History, Snapshot
from tests.torture.replicas import MOST_CONNECTIONS
from tests.torture.rows import Life, Row, lives

MEBIBYTE = 2**20
MOST_GROWTH_BYTES = 24 * MEBIBYTE
MOST_MORE_DESCRIPTORS = 2
"""Connections are counted a moment after all descriptors, and there may be one or two fewer by then."""
MOST_MORE_THREADS = 4
MOST_BACKENDS = 24
"""More than all jobs that may run at a calm point need."""
MOST_SLOTS = 1
"""One connector follows by the log."""
REQUESTS_UNDER_WAY = 2
"""How many bulk requests of a worker may have been on their way when it was paused: `max_concurrency`."""
NAMED = 3
"""How many documents of a kind a finding names."""
FOLLOWER_REMEMBERS_SECONDS = 60.0
"""A job that follows may run for an hour; what it deletes it has decided within this time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def findings(history: History) -> list[Finding]:
    """Return everything that is wrong with a run."""
    rows = lives(history.changes, history.transactions)
    found = [
        *_differences(history),
        *_lost_rows(history, rows),
        *_wrong_deletes(history, rows),
        *_foreign(history),
        *_counts(history),
        *_protocol(history),
        *_two_workers(history),
        *_unconnected(history),
        *_leftovers(history),
        *_growth(history),
    ]
    return [*found, *(Finding("run", trouble) for trouble in history.troubles)]


def _differences(history: History) -> Iterator[Finding]:
    for one in history.comparisons:
        for what, ids in _difference(one).items():
            if ids:
                named = ", ".join(sorted(ids)[:NAMED])
                where = f"{one.connector} at {one.at:.1f}, {one.after}"
                yield Finding("difference", f"{where}: {len(ids)} {what}, such as {named}")


def _difference(one: Comparison) -> Mapping[str, set[str]]:
    both = one.expected.keys() & one.found.keys()
    return {
        "missing": one.expected.keys() - one.found.keys(),
        "without a row": one.found.keys() - one.expected.keys(),
        "not as their rows": {id_ for id_ in both if one.expected[id_] != one.found[id_]},
    }


def _lost_rows(history: History, rows: Mapping[Row, Life]) -> Iterator[Finding]:
    claimed = _claims(history)
    for snapshot in history.snapshots:
        if (began := claimed.get(snapshot.job)) is None:
            continue
        lost = [*_lost_in(history, rows, snapshot, began)]
        if lost:
            what = f"{snapshot.job} of {snapshot.connector} completed"
            yield Finding("lost row", f"{what} without {len(lost)}, such as {', '.join(lost[:NAMED])}")


def _lost_in(history: History, rows: Mapping[Row, Life], snapshot: Snapshot, began: float) -> Iterator[str]:
    connector = history.connectors[snapshot.connector]
    for (table, key), life in rows.items():
        id_ = connector.document_id(table, key)
        version = None if id_ is None else life.there(began, snapshot.ended_at)
        if id_ is None or version is None:
            continue
        indexed = snapshot.versions.get(id_)
        if indexed is None or indexed < version:
            yield f"{id_} (version {indexed} instead of {version})"


def _claims(history: History) -> dict[str, float]:
    """Return when each job was last claimed: only what was committed before has to be in the index."""
    return {
        event.job: event.at
        for event in history.events
        if isinstance(event, StatusWritten) and event.status == "in_progress"
    }


def deletes(history: History) -> Iterator[tuple[Bulk, str, float]]:
    """Return every delete that was carried out: its request, its document, when its job had been claimed."""
    claimed: dict[str, float] = {}
    for event in history.events:
        if isinstance(event, StatusWritten) and event.status == "in_progress":
            claimed[event.job] = event.at
        if isinstance(event, Bulk):
            for action in event.actions:
                if action.operation == "delete" and action.was_applied:
                    yield event, action.id, claimed.get(event.job, event.at)


def _wrong_deletes(history: History, rows: Mapping[Row, Life]) -> Iterator[Finding]:
    documents = {
        name: {connector.document_id(*row): life for row, life in rows.items()}
        for name, connector in history.connectors.items()
    }
    for bulk, id_, claimed_at in deletes(history):
        name = history.connector_of(bulk.job)
        if name not in history.connectors:
            continue
        since = claimed_at
        if history.connectors[name].follows:
            since = max(since, bulk.at - FOLLOWER_REMEMBERS_SECONDS)
        life = documents[name].get(id_)
        if life is not None and life.there(since, bulk.until) is not None:
            text = (
                f"{bulk.worker} for {bulk.job} of {name} deleted {id_} at {bulk.at:.1f}, whose row is there"
            )
            yield Finding("wrong delete", text)


def _foreign(history: History) -> Iterator[Finding]:
    for one in history.comparisons:
        before = history.foreign.get(one.connector, {})
        touched = [id_ for id_, version in before.items() if one.foreign.get(id_) != version]
        if touched:
            yield Finding("foreign", f"{one.connector}: {', '.join(sorted(touched)[:NAMED])} touched")


def _counts(history: History) -> Iterator[Finding]:
    acknowledged = Counter(
        bulk.job
        for bulk in history.events
        if isinstance(bulk, Bulk)
        for action in bulk.actions
        if action.is_acknowledged
    )
    for clean in history.clean_jobs:
        job, who = clean.job, f"{clean.job['id']} of {clean.connector}"
        if job["status"] != "completed":
            yield Finding("protocol", f"{who} at a calm point is {job['status']}: {job.get('error')}")
            continue
        if job["total_document_count"] != clean.documents:
            total = job["total_document_count"]
            yield Finding("count", f"{who} counts {total} documents, the index has {clean.documents}")
        changed = job["indexed_document_count"] + job["deleted_document_count"]
        if changed != (told := acknowledged[job["id"]]):
            yield Finding("count", f"{who} counts {changed} changes, it was told of {told}")
        if clean.is_repeated and changed:
            yield Finding("count", f"{who} changed {changed} documents though nothing had changed")


def _protocol(history: History) -> Iterator[Finding]:
    """Judge full jobs as any history of the service is judged, and of all others their statuses.

    What an incremental job deletes it has not seen in a scan that the journal shows.
    """
    jobs = {
        job: history.connector_of(job)
        for job, document in history.jobs.items()
        if _ran_out(history, document)
    }
    full = {job: name for job, name in jobs.items() if history.jobs[job]["job_type"] == "full"}
    judged = Circumstances(
        connector_of=full,
        jobs={job: history.jobs[job] for job in full},
        most_sends=1_000,  # each may meet many faults
        reaction_seconds=5,
        by_table=True,
        rereads=True,
    )
    others = Circumstances(connector_of={job: name for job, name in jobs.items() if job not in full})
    events = _without_stragglers(history)
    statuses = [event for event in events if isinstance(event, StatusWritten)]
    found = [
        *problems([event for event in events if event.job in full], judged),
        *problems([event for event in statuses if event.job in others.connector_of], others),
    ]
    for problem in found:
        yield Finding("count" if "counts" in problem else "protocol", problem)


def _ran_out(history: History, job: Mapping[str, Any]) -> bool:
    """Say whether a job had to end: one that follows is suspended when its service stops."""
    return job["status"] in TERMINAL or not history.connectors[job["connector"]["id"]].follows


def _without_stragglers(history: History) -> list[Event]:
    """Leave out requests that a worker may have had under way when it was paused: they cannot be recalled."""
    kept: list[Event] = []
    for event, is_held, number in _held(history):
        if is_held or number > REQUESTS_UNDER_WAY:
            kept.append(event)
    return kept


def _held(history: History) -> Iterator[tuple[Event, bool, int]]:
    """Yield each event, whether its worker has the job if it writes, and which write without it it is."""
    holder: dict[str, str] = {}
    without: dict[tuple[str, str], int] = {}
    for event in history.events:
        match event:
            case StatusWritten(status="in_progress"):
                holder[event.job] = event.worker
                without.pop((event.worker, event.job), None)
            case StatusWritten(status="canceling"):
                pass  # who has it may not know yet
            case StatusWritten():
                holder.pop(event.job, None)
            case Bulk() if holder.get(event.job) != event.worker:
                key = (event.worker, event.job)
                without[key] = without.get(key, 0) + 1
                yield event, False, without[key]
                continue
        yield event, True, 0


def _two_workers(history: History) -> Iterator[Finding]:
    """Find workers that take turns: followers are in no other check of this."""
    last: dict[str, tuple[str, str]] = {}
    past: set[tuple[str, tuple[str, str]]] = set()
    for event in _without_stragglers(history):
        if isinstance(event, StatusWritten) and event.status == "in_progress":
            past.discard((history.connector_of(event.job), (event.worker, event.job)))
        if not isinstance(event, Bulk):
            continue
        connector, who = history.connector_of(event.job), (event.worker, event.job)
        before = last.get(connector, who)
        if before != who:
            past.add((connector, before))
        if (connector, who) in past:
            yield Finding("protocol", f"{who} wrote for {connector} again after {before} had")
            past.discard((connector, who))
        last[connector] = who
    for event, is_held, number in _held(history):
        if not is_held and number == REQUESTS_UNDER_WAY + 1:
            yield Finding("protocol", f"{event.worker} goes on writing for {event.job}, which it has lost")


def _unconnected(history: History) -> Iterator[Finding]:
    for name, document in history.connector_documents.items():
        if document.get("status") != "connected":
            yield Finding(
                "protocol", f"{name} is {document.get('status')} in the end: {document.get('error')}"
            )


def _leftovers(history: History) -> Iterator[Finding]:
    for one in history.leftovers:
        most_backends, most_slots = (0, 0) if one.is_end else (MOST_BACKENDS, MOST_SLOTS)
        if one.backends > most_backends:
            yield Finding("leftover", f"{one.backends} connections to PostgreSQL at {one.at:.1f}")
        if one.slots > most_slots:
            yield Finding("leftover", f"{one.slots} replication slots at {one.at:.1f}")


def _growth(history: History) -> Iterator[Finding]:
    """Compare the last third of each process's life with the first: what running jobs hold comes and goes."""
    limits: Mapping[str, tuple[Callable[[Census], int], int]] = {
        "resident bytes": (lambda one: one.resident_bytes, MOST_GROWTH_BYTES),
        "descriptors": (lambda one: one.descriptors, MOST_MORE_DESCRIPTORS),
        "threads": (lambda one: one.threads, MOST_MORE_THREADS),
    }
    ordered = sorted(history.censuses, key=lambda one: (one.pid, one.at))
    for pid, group in groupby(ordered, key=lambda one: one.pid):
        life = list(group)
        third = len(life) // 3
        if not third:
            continue
        for what, (measure, limit) in limits.items():
            first, last = max(map(measure, life[:third])), min(map(measure, life[-third:]))
            if last > first + limit:
                yield Finding("growth", f"process {pid} holds {last} instead of {first} {what}")
        connections = min(one.connections for one in life[-third:])
        if connections > MOST_CONNECTIONS:
            yield Finding("growth", f"process {pid} keeps {connections} connections to Elasticsearch")
