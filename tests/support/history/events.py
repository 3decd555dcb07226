"""What workers did, read from the journal of the embedded Elasticsearch.

    journal -> events -> promises.problems

Independent of the service's code: it is made only of requests, of what they changed and of the answers
that arrived, so neither a defect of the service nor a lost answer can hide what happened.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from sandbox.elasticsearch.server.journal import Entry

JOBS_INDEX = "/.elastic-connectors-sync-jobs-v1"
JOBS_ROUTE = "/_connector/_sync_job/"
GUARD = "update"
"""The action that keeps a bulk request from creating an index, and changes nothing."""
UNDELIVERED = ("Drop", "Reset", "Truncate")
"""Faults after which the worker has not read the answer that the journal holds."""

Version = tuple[int, int]
"""Sequence number and primary term."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWritten:
    """A status was written on a job by a worker (empty: by a person)."""

    at: float
    job: str
    worker: str = ""
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRead:
    """A worker was told what its job is."""

    at: float
    job: str
    worker: str
    status: str
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A worker's counts were accepted."""

    at: float
    job: str
    worker: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A worker was shown documents of the content index with their versions."""

    at: float
    job: str
    worker: str
    versions: Mapping[str, Version]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action of a bulk request: whether it changed anything, and which status the worker was given."""

    operation: str
    id: str
    guard: Version | None = None
    was_applied: bool = True
    verdict: int | None = 200
    """None if the worker got no answer."""
    result: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether the worker knows what became of it and need not send it again."""
        return self.verdict is not None and self.verdict < 500 and self.verdict != 429

    @property
    def is_acknowledged(self) -> bool:
        """Whether the worker may count it."""
        return self.verdict is not None and self.verdict < 300 and self.result not in ("noop", "not_found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """Documents were written or deleted in one request."""

    at: float
    until: float
    job: str
    worker: str
    actions: tuple[Action, ...]


Event = StatusWritten | JobRead | Reported | Scanned | Bulk


def events_of(requests: Iterable[Entry]) -> list[Event]:
    """Return everything workers and persons did to jobs and content, in the order it began."""
    return [event for request in requests if (event := _event_of(request)) is not None]


def _event_of(request: Entry) -> Event | None:
    worker, _, job = unquote(request.opaque_id or "").rpartition("/")
    path = request.path
    if path.startswith(f"{JOBS_INDEX}/_update/"):
        return _status_written(request, worker)
    if path.startswith(f"{JOBS_INDEX}/_doc/") and request.method == "GET" and worker:
        return _job_read(request, worker)
    if path.startswith(JOBS_ROUTE) and path.endswith("/_cancel") and _is_success(request):
        return StatusWritten(at=request.began_monotonic, job=_job_in(path), status="canceling")
    if path.startswith(JOBS_ROUTE) and path.endswith("/_stats") and _is_success(request):
        counts = {name: value for name, value in json.loads(request.body).items() if isinstance(value, int)}
        return Reported(at=request.began_monotonic, job=_job_in(path), worker=worker, counts=counts)
    if path.endswith("/_bulk"):
        return _bulk(request, worker, job)
    if path == "/_search" and worker:
        return _scanned(request, worker, job)
    return None


def _status_written(request: Entry, worker: str) -> StatusWritten | None:
    status = json.loads(request.body)["doc"].get("status")
    if status is None or not request.effect.indexed:
        return None
    job = request.path.removeprefix(f"{JOBS_INDEX}/_update/")
    return StatusWritten(at=request.began_monotonic, job=job, worker=worker, status=status)


def _job_read(request: Entry, worker: str) -> JobRead | None:
    source = (_delivered(request) or {}).get("_source")
    if source is None:
        return None
    return JobRead(
        at=_end(request),
        job=request.path.removeprefix(f"{JOBS_INDEX}/_doc/"),
        worker=worker,
        status=source["status"],
        holder=source.get("worker_hostname") or "",
    )


def _scanned(request: Entry, worker: str, job: str) -> Scanned | None:
    hits = (_delivered(request) or {}).get("hits", {}).get("hits", [])
    versions = {hit["_id"]: (hit["_seq_no"], hit["_primary_term"]) for hit in hits if "_seq_no" in hit}
    if not versions:
        return None
    return Scanned(at=_end(request), job=job, worker=worker, versions=versions)


def _bulk(request: Entry, worker: str, job: str) -> Bulk:
    indexed, deleted = set(request.effect.indexed), set(request.effect.deleted)
    asked = list(_actions_in(request.body))
    items = (_delivered(request) or {}).get("items", [])
    answered = [members for item in items for operation, members in item.items() if operation != GUARD]
    if len(answered) != len(asked):
        answered = [{}] * len(asked)
    actions = tuple(
        Action(
            operation=operation,
            id=target["_id"],
            guard=(target["if_seq_no"], target["if_primary_term"]) if "if_seq_no" in target else None,
            was_applied=target["_id"] in (deleted if operation == "delete" else indexed),
            verdict=item.get("status"),
            result=item.get("result"),
        )
        for (operation, target), item in zip(asked, answered, strict=True)
    )
    # A request that was given up is not waited for, so the time of its answer means nothing.
    until = request.applied_monotonic if request.is_given_up else None
    until = _end(request) if until is None else until
    return Bulk(at=request.began_monotonic, until=until, job=job, worker=worker, actions=actions)


def _actions_in(body: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    lines = (json.loads(line) for line in body.splitlines() if line)
    for line in lines:
        ((operation, target),) = line.items()
        if operation != "delete":
            next(lines)
        if operation != GUARD:
            yield operation, target


def _delivered(request: Entry) -> Any:
    """Return the answer as the worker got it; None if it got none, no success, or nothing it can read."""
    was_cut = request.fault is not None and request.fault.startswith(UNDELIVERED)
    if was_cut or request.is_given_up or not _is_success(request):
        return None
    try:
        answer = json.loads(request.answer)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and None not in answer.values() else None


def _is_success(request: Entry) -> bool:
    return request.status is not None and request.status < 300


def _end(request: Entry) -> float:
    return request.began_monotonic if request.ended_monotonic is None else request.ended_monotonic


def _job_in(path: str) -> str:
    return path.removeprefix(JOBS_ROUTE).partition("/")[0]
