"""What a contestant is asked to do and what it reports afterwards: the messages between parent and child.

A contestant runs in a fresh process, so that its processor time and its peak memory are its own.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

INDEX = "benchmark"
DATABASE = "benchmark"
MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where PostgreSQL is."""

    host: str
    port: int
    user: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run of one contestant over one table."""

    contestant: str
    """`engine`, `yardstick`, `poster` or `loader`."""
    server: Server
    sink: str
    """The sink's URL."""
    table: str
    """Its name; for the engine also several, divided by commas."""
    rows: int
    job: str = "full"
    """`full` or `incremental`."""
    cursor: dict[str, Any] | None = None
    """What an earlier run left."""
    probes: bool = False
    """Also measure how late a waiting task is woken and how long a heartbeat takes."""

    configuration: dict[str, Any] = field(default_factory=dict)
    """Values of the connector that are not those of a new one."""
    pipeline: str | None = None
    """The pipeline documents pass, if not that of a new connector."""
    chunk_bytes: int | None = None
    """The most bytes of a request, and `in_flight` the most requests, if not those of a new installation."""
    in_flight: int | None = None
    bodies: str | None = None
    """A folder of bulk bodies for the loader, a file each."""

    def to_wire(self) -> dict[str, Any]:
        """Render for the child."""
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        """Read what `to_wire` rendered."""
        return cls(**{**wire, "server": Server(**wire["server"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a contestant did."""

    counts: dict[str, int]
    cursor: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a contestant says of its own run."""

    seconds: float
    """From before the first connection to after the last answer; imports are not counted."""
    cpu_seconds: float
    resting_bytes: int
    """Resident memory once everything was imported, before the run."""
    peak_bytes: int
    counts: dict[str, int] = field(default_factory=dict)
    cursor: dict[str, Any] | None = None
    """What a later run can begin from."""
    lateness_seconds: list[float] = field(default_factory=list)
    heartbeat_seconds: list[float] = field(default_factory=list)
