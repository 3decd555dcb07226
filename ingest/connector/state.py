"""What the service keeps of a connector from one tick to the next. Lost when the process ends."""

from dataclasses import dataclass, field
from datetime import datetime

from ingest.connector.agenda import Agenda
from ingest.connector.follow_schedule import FollowSchedule


@dataclass(slots=True, kw_only=True)
class ConnectorState:
    """When this connector was checked in and its source was checked, with what outcome."""

    agenda: Agenda = field(default_factory=Agenda)
    follow_schedule: FollowSchedule = field(default_factory=FollowSchedule)
    follows: tuple[bytes, bool] | None = None
    """A configuration, and whether it asks to follow."""
    last_seen: datetime | None = None
    """The latest check-in, ours or another replica's."""
    check_in_at: float | None = None
    """When the next check-in is due if nobody else does it; None before our first."""
    usable: bytes | None = None
    """The configuration with which the source was last found usable."""
    unusable: bytes | None = None
    """The configuration with which it was found unusable, if that was later."""
    check_again_at: float = 0.0
    passed_over: str = ""
    """Why nothing was done for it, as it was logged last."""
