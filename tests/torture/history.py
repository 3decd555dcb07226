"""What a run leaves to be judged: what was written, how jobs ended, what indices held, what was left.

Times are those of the monotonic clock, which all processes of a machine share.
"""

import pickle
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.history.events import Event
from tests.torture.connectors import CONNECTORS, Connector

WHOLE_TABLE = "*"
"""The key of a change that removed all rows of a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row was written, or is gone (`version` None), in a transaction that committed."""

    transaction: int
    table: str
    key: str
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """When a commit was asked for, and when it was known to have happened."""

    number: int
    sent_at: float
    settled_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The versions in an index soon after a job of its connector had completed."""

    connector: str
    job: str
    began_at: float
    ended_at: float
    versions: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Tables and index at a calm point: a digest of each document that should be there, and that is."""

    connector: str
    at: float
    after: str
    """What came before, in words."""
    expected: Mapping[str, str]
    found: Mapping[str, str]
    foreign: Mapping[str, int]
    """Version of each document that somebody else has put there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanJob:
    """A job at a calm point, as the protocol shows it, and what the index holds."""

    connector: str
    job: Mapping[str, Any]
    documents: int
    """How many documents the index holds afterwards, those of others included."""
    is_repeated: bool
    """Whether nothing was written since another clean job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What a replica holds at a calm point."""

    at: float
    pid: int
    resident_bytes: int
    descriptors: int
    """Besides network connections, whose number follows what a service does at the moment."""
    connections: int
    """To Elasticsearch, used or kept open for the next request."""
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What the database holds of the service, at a calm point or after the end."""

    at: float
    backends: int
    slots: int
    is_end: bool


@dataclass(slots=True)
class History:
    """One run."""

    connectors: Mapping[str, Connector] = field(
        default_factory=lambda: {connector.name: connector for connector in CONNECTORS}
    )
    events: list[Event] = field(default_factory=list)
    """What workers and people did to jobs and documents, from the journal of Elasticsearch."""
    changes: list[Change] = field(default_factory=list)
    transactions: dict[int, Transaction] = field(default_factory=dict)
    jobs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Every job in the end."""
    connector_documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Every connector in the end."""
    snapshots: list[Snapshot] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    clean_jobs: list[CleanJob] = field(default_factory=list)
    censuses: list[Census] = field(default_factory=list)
    leftovers: list[Leftovers] = field(default_factory=list)
    foreign: dict[str, Mapping[str, int]] = field(default_factory=dict)
    """By connector, the documents that somebody else has put into its index, with their versions."""
    deeds: Counter[str] = field(default_factory=Counter)
    """What was done to the system, and how often."""
    troubles: list[str] = field(default_factory=list)
    """What the run itself could not do, as a sentence each."""

    def connector_of(self, job: str) -> str:
        """Return whose job it is; an empty text if it is not known."""
        return str(self.jobs.get(job, {}).get("connector", {}).get("id", ""))

    def write(self, path: Path) -> None:
        """Keep it in a file, to be judged again."""
        path.write_bytes(pickle.dumps(self))


def read(path: Path) -> History:
    """Read what `write` kept. Only files of your own: reading one can run code."""
    history = pickle.loads(path.read_bytes())
    assert isinstance(history, History)
    return history
