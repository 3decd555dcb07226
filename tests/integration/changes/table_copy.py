"""A copy of a table that is kept by what a source says changed, and compared with the table after each step.

This is the argument of decision 0014 as a program: changed rows are put into the copy, and if it then holds
as many rows as the table, it has to be the table.
"""

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from sources.contract import Slice, Snapshot
from sources.postgresql import PostgreSQL
from tests.support.database import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one look at the table came to."""

    reason: str | None
    """Why what changed could not be told; None if it could."""
    changed: frozenset[str] = frozenset()
    """The keys of the rows that were read as changed, as the ends of their ids."""
    is_proven: bool = False
    """Whether the counts agreed, so that nothing else had to be read."""


@dataclass(slots=True, kw_only=True)
class TableCopy:
    """A copy of the first table of a source."""

    source: PostgreSQL
    documents: dict[str, Any] = field(default_factory=dict)
    position: str | None = None

    async def follow(self) -> Step:
        """Bring the copy up to date, and make sure that it is."""
        async with (await self._slice()).snapshot() as snapshot:
            reason = snapshot.incompatibility(self.position)
            step = await self._changes(snapshot) if reason is None else Step(reason=reason)
            everything = await _reading(snapshot)
            if not step.is_proven:
                self.documents = everything.documents
            assert self.documents == everything.documents
            assert await snapshot.count() == len(everything.documents)
            self.position = snapshot.position
        return step

    async def _slice(self) -> Slice:
        async with self.source as source:
            return (await source.slices(None, 0))[0]

    async def _changes(self, snapshot: Snapshot) -> Step:
        assert self.position is not None
        reading = Reading()
        async with aclosing(snapshot.changes(self.position)) as batches:
            async for batch in batches:
                reading.add(batch)
        self.documents = self.documents | reading.documents
        return Step(
            reason=None,
            changed=frozenset(identifier.rpartition("_")[2] for identifier in reading.documents),
            is_proven=len(self.documents) == await snapshot.count(),
        )


async def _reading(snapshot: Snapshot) -> Reading:
    reading = Reading()
    async with aclosing(snapshot.batches()) as batches:
        async for batch in batches:
            reading.add(batch)
    return reading
