"""The tables of the state machine: what may happen to them, and which documents they should become."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sources.contract import Source
from tests.faults.machine.changes import RowChange

NAMES = ("a", "b", "c", "pairs")
READER, PASSWORD = "machine_reader", "canary-7f3d-of-the-reader"

Documents = dict[str, dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class Tables(ABC):
    """Tables somewhere, and what they held at which time."""

    sources: Mapping[str, type[Source]]
    """What reads them, by type of connector."""
    unjudged_changes: int = 0
    """How often anything but rows may have changed."""
    past: list[tuple[float, Documents]] = field(default_factory=list)
    """Which documents the rows should be, each with the time from which on they were."""

    @abstractmethod
    async def change(self, change: RowChange) -> None:
        """Change rows; what is not there is not changed."""

    @abstractmethod
    async def documents(self) -> Documents:
        """Return the documents that the rows should be."""

    @abstractmethod
    def configuration(self) -> dict[str, Any]:
        """Return values with which a connector reads every table, deleting as much as it has to."""

    @abstractmethod
    async def lose_readers(self) -> None:
        """Break every reading that is under way."""

    @abstractmethod
    async def readers(self) -> int:
        """Return how many connections the service has."""

    @abstractmethod
    async def put_in_order(self) -> None:
        """Create what is missing, and make it readable."""

    async def note_rows(self) -> None:
        """Remember what the rows are from now on."""
        documents = await self.documents()
        if not self.past or self.past[-1][1] != documents:
            self.past.append((time.monotonic(), documents))

    def between(self, start: float, end: float) -> list[Documents]:
        """Return every state there was in this time."""
        ends = [when for when, _ in self.past[1:]] + [float("inf")]
        spans = zip(self.past, ends, strict=True)
        return [rows for (since, rows), until in spans if since <= end and until >= start]
