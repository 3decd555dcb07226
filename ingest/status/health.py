"""Liveness and readiness of the service, for a supervisor or a load balancer. Pure."""

from typing import Final

from ingest.status.snapshot import LoopStatus, Snapshot

MISSED_TURNS: Final = 5
"""So many intervals without a good turn, and at least the time below, and a loop counts as standing still."""
LEAST_SECONDS: Final = 60.0


def problems(snapshot: Snapshot) -> list[str]:
    """Say why the service does not work right now, a sentence each; nothing if it does."""
    if snapshot.is_stopping:
        return ["The service is stopping."]
    return [problem for loop in snapshot.loops if (problem := _problem(loop, snapshot))]


def _problem(loop: LoopStatus, snapshot: Snapshot) -> str | None:
    since = loop.turned_at or snapshot.started_at
    silent_seconds = (snapshot.taken_at - since).total_seconds()
    if loop.turned_at is None and loop.error is None:
        return f"The loop for {loop.name} has not turned yet."
    if silent_seconds <= max(LEAST_SECONDS, MISSED_TURNS * loop.interval_seconds):
        return None
    reason = f": {loop.error}" if loop.error else "."
    return f"The loop for {loop.name} has not worked for {silent_seconds:.0f} s{reason}"
