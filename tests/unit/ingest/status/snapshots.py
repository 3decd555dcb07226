"""Snapshots to show: one of a busy service, and parts to change in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.status.snapshot import (
    ConnectorStatus,
    EndedStatus,
    LoopStatus,
    RunningStatus,
    SliceStatus,
    Snapshot,
    Totals,
    WaitingStatus,
)

NOW = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)
CONNECTORS = (
    ConnectorStatus(
        id="music",
        name="Music",
        service_type="postgresql",
        index_name="music",
        status="connected",
        error=None,
        last_sync_status="completed",
        last_synced=NOW - timedelta(minutes=2),
        verified_at=NOW - timedelta(hours=1),
        differing=0,
    ),
    ConnectorStatus(
        id="archive",
        name="Archive",
        service_type="postgresql",
        index_name="archive",
        status="error",
        error="The role may not read public.letter. Grant the role SELECT on it.",
        last_sync_status="error",
        last_synced=None,
    ),
)


def loop(name: str = "jobs", **changed: Any) -> LoopStatus:
    members: dict[str, Any] = {
        "name": name,
        "interval_seconds": 1.0,
        "turned_at": NOW - timedelta(seconds=1),
        "turn_seconds": 0.012,
        "error": None,
    }
    return LoopStatus(**members | changed)


def running(**changed: Any) -> RunningStatus:
    members: dict[str, Any] = {
        "id": "job-2",
        "connector_id": "shop",
        "job_type": "full",
        "phase": "syncing",
        "since": NOW - timedelta(minutes=3),
        "attempt": 1,
        "is_paused": False,
        "follows_by": "polling",
        "lag_seconds": 0.5,
        "counts": {"read": 1_200_000, "created": 1_000_000, "unchanged": 200_000, "sent_bytes": 10_000},
        "slices_total": 4,
        "slices_finished": 1,
        "slices": (
            SliceStatus(
                name="public.customer",
                rows=200_000,
                estimated_rows=200_000,
                rows_per_second=20_000,
                seconds_left=0,
                is_finished=True,
            ),
            SliceStatus(
                name="public.invoice",
                rows=1_000_000,
                estimated_rows=2_500_000,
                rows_per_second=9_000,
                seconds_left=167,
                is_finished=False,
            ),
        ),
    }
    return RunningStatus(**members | changed)


def ended(**changed: Any) -> EndedStatus:
    members: dict[str, Any] = {
        "id": "job-1",
        "connector_id": "music",
        "job_type": "incremental",
        "status": "completed",
        "ended_at": NOW - timedelta(minutes=2),
        "seconds": 4.2,
        "counts": {"read": 12, "created": 3, "updated": 8, "deleted": 1, "sent_bytes": 900},
        "error": None,
        "warnings": (),
    }
    return EndedStatus(**members | changed)


def snapshot(**changed: Any) -> Snapshot:
    members: dict[str, Any] = {
        "taken_at": NOW,
        "started_at": NOW - timedelta(hours=5),
        "worker": "db-host:4711:a1b2c3d4",
        "version": "0.1.0",
        "is_stopping": False,
        "loops": (
            loop("connectors", interval_seconds=5.0),
            loop("jobs"),
            loop("cleanup", interval_seconds=300.0),
        ),
        "connectors": CONNECTORS,
        "running": (running(),),
        "waiting": (
            WaitingStatus(
                id="job-3",
                connector_id="shop",
                job_type="incremental",
                since=NOW - timedelta(seconds=40),
                reason="job job-2 of the same connector, which runs here",
            ),
        ),
        "ended": (
            ended(),
            ended(id="job-0", connector_id="archive", status="error", counts={}, error="Grant SELECT."),
        ),
        "totals": Totals(
            documents={("music", "created"): 3, ("shop", "created"): 1_000_000},
            sent_bytes={"music": 900, "shop": 10_000},
            jobs={("incremental", "completed"): 1, ("full", "error"): 1},
            last_completed={"music": NOW - timedelta(minutes=2)},
        ),
        "documents_a_minute": tuple((number * 37) % 900 * 100 for number in range(60)),
    }
    return Snapshot(**members | changed)
