"""The figures of a run, for people and as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.history.events import Bulk
from tests.torture.checker import MEBIBYTE, Finding, deletes
from tests.torture.history import History


def figures(history: History) -> dict[str, Any]:
    """Return what was done and what was looked at."""
    jobs = Counter(f"{job['job_type']}, {job['status']}" for job in history.jobs.values())
    bulks = [event for event in history.events if isinstance(event, Bulk)]
    return {
        "transactions": len(history.transactions),
        "rows written or deleted": len(history.changes),
        "jobs": dict(sorted(jobs.items())),
        "done to the system": dict(sorted(history.deeds.items())),
        "bulk requests": len(bulks),
        "documents compared at calm points": sum(len(one.found) for one in history.comparisons),
        "calm points": len(history.comparisons) // max(len(history.connectors), 1),
        "jobs whose index was looked at": len(history.snapshots),
        "versions looked at": sum(len(one.versions) for one in history.snapshots),
        "deletes checked": sum(1 for _ in deletes(history)),
        "eldest replica": eldest(history),
        "most backends": max((one.backends for one in history.leftovers), default=0),
        "most slots": max((one.slots for one in history.leftovers), default=0),
        "left after the end": [
            {"backends": one.backends, "slots": one.slots} for one in history.leftovers if one.is_end
        ],
    }


def eldest(history: History) -> Mapping[str, Any]:
    """Return what the process that ran longest held, first, last and at most."""
    if not history.censuses:
        return {}
    counted = Counter(one.pid for one in history.censuses)
    (pid, _), *_ = counted.most_common(1)
    life = [one for one in history.censuses if one.pid == pid]
    measures = {
        "resident MiB": [round(one.resident_bytes / MEBIBYTE) for one in life],
        "descriptors": [one.descriptors for one in life],
        "connections to Elasticsearch": [one.connections for one in life],
        "threads": [one.threads for one in life],
    }
    return {
        name: {"first": values[0], "last": values[-1], "most": max(values)}
        for name, values in measures.items()
    }


def text(history: History, found: Sequence[Finding]) -> str:
    """Return figures and findings for people."""
    lines = [f"{name}: {_shown(value)}" for name, value in figures(history).items()]
    lines += ["", f"{len(found)} findings", *(f"  {finding}" for finding in found)]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
    return str(value)
