"""What the service keeps of a connector from one tick to the next. Lost when the process ends."""

from dataclasses import dataclass, field
from datetime import datetime

from ingest.connector.agenda import Agenda
from ingest.connector.follow_schedule import FollowSchedule
from ingest.protocol import Connector
from sources.contract import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What follows from a connector as it was read once, and from `config.yml`; nothing else changes it."""

    connector: Connector
    configured_type: str | None
    """The service type that `config.yml` gave it then."""
    source_class: type[Source]
    is_registered: bool
    """Whether it describes its source."""
    digest: bytes
    """What decides whether the source can be used."""


@dataclass(slots=True, kw_only=True)
class ConnectorState:
    """When this connector was checked in and its source was checked, with what outcome."""

    agenda: Agenda = field(default_factory=Agenda)
    follow_schedule: FollowSchedule = field(default_factory=FollowSchedule)
    examined: Examined | None = None
    """Of the connector that was listed last: most are the same one for minutes."""
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
