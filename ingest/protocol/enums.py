"""The enumerations of the protocol: statuses, job types, trigger methods, validation states."""

from enum import StrEnum


class ConnectorStatus(StrEnum):
    """Where a connector is between creation and a working connection."""

    CREATED = "created"
    NEEDS_CONFIGURATION = "needs_configuration"
    CONFIGURED = "configured"
    CONNECTED = "connected"
    ERROR = "error"


class JobStatus(StrEnum):
    """Where a sync job is; also the words of a connector's `last_sync_status`."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    CANCELING = "canceling"
    CANCELED = "canceled"
    SUSPENDED = "suspended"
    COMPLETED = "completed"
    ERROR = "error"

    @property
    def is_terminal(self) -> bool:
        """Whether no transition leaves this status."""
        return self in (JobStatus.COMPLETED, JobStatus.CANCELED, JobStatus.ERROR)

    @property
    def is_waiting(self) -> bool:
        """Whether a worker may claim the job."""
        return self in (JobStatus.PENDING, JobStatus.SUSPENDED)


class JobType(StrEnum):
    """What a sync job does."""

    FULL = "full"
    INCREMENTAL = "incremental"
    ACCESS_CONTROL = "access_control"


class TriggerMethod(StrEnum):
    """Who asked for a sync job."""

    ON_DEMAND = "on_demand"
    SCHEDULED = "scheduled"


class ValidationState(StrEnum):
    """What is known about a set of sync rules."""

    EDITED = "edited"
    INVALID = "invalid"
    VALID = "valid"
