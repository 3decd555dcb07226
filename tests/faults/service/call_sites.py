"""Which calls a service makes, found in the journal of one that worked undisturbed.

A call site is a kind of request, and which of its kind within a job. Requests of one kind are alike in
method, path (ids left out) and the shape of their search.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.elasticsearch.server.journal import Entry
from tests.faults.service.shop import INDEX


@dataclass(frozen=True, slots=True)
class Kind:
    """What requests of one kind have in common."""

    is_of_a_job: bool
    method: str
    path: str
    shape: str

    def __str__(self) -> str:
        return " ".join(
            filter(None, ("job:" if self.is_of_a_job else "", self.method, self.path, self.shape))
        )


@dataclass(frozen=True, slots=True)
class CallSite:
    """The nth request of a kind."""

    kind: Kind
    nth: int

    def __str__(self) -> str:
        return f"{self.kind} #{self.nth}"


def is_of_the_service(entry: Entry) -> bool:
    """Whether the service sent this, not a person."""
    return entry.headers.get("User-Agent", "").startswith("elastic-ingest")


def kind_of(entry: Entry) -> Kind:
    """Return the kind of a request of the service."""
    path = "/".join(map(_without_id, entry.path.split("/")))
    return Kind(entry.opaque_id is not None, entry.method, path, _shape_of(entry))


def call_sites(entries: Iterable[Entry]) -> list[CallSite]:
    """Return every call site of the service's requests, in the order in which they were first reached.

    What is asked again and again on the service's own account is one call site, however often.
    """
    counts = Counter(kind_of(entry) for entry in entries if is_of_the_service(entry))
    return [
        CallSite(kind, nth)
        for kind, count in counts.items()
        for nth in range(1, 1 + (count if kind.is_of_a_job else 1))
    ]


def common(first: Iterable[CallSite], second: Iterable[CallSite]) -> list[CallSite]:
    """Return the call sites that two runs have in common: how often a timer fires differs."""
    others = set(second)
    return [site for site in first if site in others]


def _without_id(segment: str) -> str:
    return segment if segment.startswith(("_", ".")) or segment in ("", INDEX) else "*"


def _shape_of(entry: Entry) -> str:
    if entry.path.endswith("/_bulk"):
        return str(next(iter(orjson.loads(entry.body.partition(b"\n")[0]))))
    if not entry.path.endswith("/_search"):
        return ""
    return ",".join(sorted(set(_names_in(entry.json().get("query")))))


def _names_in(query: Any) -> Iterator[str]:
    """Yield the kinds of clauses of a query with the fields they are about."""
    if isinstance(query, list):
        for one in query:
            yield from _names_in(one)
    elif isinstance(query, dict):
        for name, below in query.items():
            if name in ("term", "terms", "range", "exists"):
                yield f"{name}:{','.join(below)}"
            else:
                yield from _names_in(below)
