"""The offline check of a history: what workers did to jobs and indices, read from the server's journal.

    journal -> events -> problems       no problem: every promise was kept

It knows nothing of the service's code, only of requests and answers, so it can be tested with histories
that are bad.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

JOBS = "/.elastic-connectors-sync-jobs-v1/_update/"
TERMINAL = frozenset({"completed", "error", "canceled"})
ALLOWED = {
    "pending": {"in_progress"},
    "in_progress": {"suspended", "canceled", *TERMINAL},
    "suspended": {"in_progress"},
}
"""What workers may write; `canceling`, which the server writes, is not in the journal's updates."""


class Request(Protocol):
    """What the check reads of a journal entry."""

    path: str
    opaque_id: str | None
    status: int | None
    body: bytes
    began_monotonic: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was accepted: a status written on a job, or documents written for one."""

    at: float
    job: str
    worker: str
    status: str | None = None
    """None for documents."""


def events_of(requests: Iterable[Request]) -> list[Event]:
    """Return the accepted status changes and document writes, in order."""
    events = []
    for request in requests:
        if request.status is None or request.status >= 300:
            continue
        worker, _, job = (request.opaque_id or "").rpartition("/")
        if request.path.startswith(JOBS):
            status = json.loads(request.body)["doc"].get("status")
            if status is not None:
                events.append(Event(request.began_monotonic, request.path.removeprefix(JOBS), worker, status))
        elif request.path.endswith("/_bulk"):
            events.append(Event(request.began_monotonic, job, worker))
    return events


def problems(events: Sequence[Event], connector_of: dict[str, str]) -> list[str]:
    """Return every broken promise; `connector_of` says whose job each job is."""
    return [
        *_illegal_statuses(events, connector_of),
        *_writes_without_the_job(events),
        *_overlaps(events, connector_of),
    ]


def _illegal_statuses(events: Sequence[Event], connector_of: dict[str, str]) -> list[str]:
    found = []
    statuses = dict.fromkeys(connector_of, "pending")
    for event in events:
        if event.status is None:
            continue
        before = statuses.get(event.job, "pending")
        if event.status not in ALLOWED.get(before, set()):
            found.append(f"{event.job}: {event.worker} wrote {event.status} over {before}")
        statuses[event.job] = event.status
    return [
        *found,
        *(f"{job} was left {status}" for job, status in statuses.items() if status not in TERMINAL),
    ]


def _writes_without_the_job(events: Sequence[Event]) -> list[str]:
    """Find documents written by a worker that did not have the job at that moment."""
    found = []
    holder: dict[str, str] = {}
    for event in events:
        if event.status == "in_progress":
            holder[event.job] = event.worker
        elif event.status is not None:
            holder.pop(event.job, None)
        elif holder.get(event.job) != event.worker:
            found.append(f"{event.worker} wrote documents for {event.job}, held by {holder.get(event.job)}")
    return found


def _overlaps(events: Sequence[Event], connector_of: dict[str, str]) -> list[str]:
    """Find two jobs of a connector whose writes interleave."""
    spans: dict[str, dict[tuple[str, str], tuple[float, float]]] = defaultdict(dict)
    for event in events:
        if event.status is None:
            of_connector = spans[connector_of[event.job]]
            first, _ = of_connector.get((event.worker, event.job), (event.at, event.at))
            of_connector[event.worker, event.job] = (first, event.at)
    found = []
    for connector, intervals in spans.items():
        ordered = sorted((first, last, who) for who, (first, last) in intervals.items())
        for (_, end, one), (start, _, other) in pairwise(ordered):
            if start < end:
                found.append(f"{connector}: {one} and {other} wrote at the same time")
    return found
