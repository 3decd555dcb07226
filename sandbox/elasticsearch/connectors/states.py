"""The two state machines of the Connector Protocol, as tables."""

from collections.abc import Mapping

CONNECTOR_STATUSES = ("created", "needs_configuration", "configured", "connected", "error")
SYNC_STATUSES = ("canceling", "canceled", "completed", "error", "in_progress", "pending", "suspended")
JOB_TYPES = ("full", "incremental", "access_control")
TRIGGER_METHODS = ("on_demand", "scheduled")

CONNECTOR_TRANSITIONS: Mapping[str, frozenset[str]] = {
    "created": frozenset({"needs_configuration", "error"}),
    "needs_configuration": frozenset({"configured", "error"}),
    "configured": frozenset({"needs_configuration", "configured", "connected", "error"}),
    "connected": frozenset({"configured", "connected", "error"}),
    "error": frozenset({"configured", "connected", "error"}),
}

SYNC_JOB_TRANSITIONS: Mapping[str, frozenset[str]] = {
    "pending": frozenset({"in_progress", "canceled"}),
    "in_progress": frozenset({"canceling", "completed", "suspended", "error"}),
    "suspended": frozenset({"in_progress", "canceled"}),
    "canceling": frozenset({"canceled", "error"}),
    "completed": frozenset(),
    "canceled": frozenset(),
    "error": frozenset(),
}


def connector_may_become(current: str, target: str) -> bool:
    """Tell whether `PUT _status` may move a connector from one status to another."""
    return target in CONNECTOR_TRANSITIONS.get(current, frozenset())


def sync_job_may_become(current: str, target: str) -> bool:
    """Tell whether cancel and error may move a job from one status to another."""
    return target in SYNC_JOB_TRANSITIONS.get(current, frozenset())


def status_after_service_type(current: str) -> str:
    """The status of a connector whose service type was set: its configuration no longer fits."""
    return "created" if current == "created" else "needs_configuration"


def status_after_native(current: str) -> str:
    """The status of a connector whose native flag was set."""
    return "configured" if current == "connected" else current


def status_after_error(error: str | None) -> str:
    """The status of a connector whose error was set or cleared."""
    return "error" if error else "connected"
