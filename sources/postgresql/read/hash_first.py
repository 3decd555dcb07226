"""Reading only what changed: hashes first, then, in the same snapshot, the documents whose hash is not known.

    pages 0..4095     hashes -> which are not known? -> their places -> their documents
    pages 4096..8191  ...

A hash costs the server a quarter of a document, so an unchanged table is passed three to four times as fast
as it could be read. Working through runs of pages keeps what has to be remembered small and lets documents
flow from the start. Where a run turns out to be changed for the most part, the next one is read in full at
once.
"""

from array import array
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import numpy as np

from sources.contract import HASH_END, Batch, IsUnchanged
from sources.postgresql import statements
from sources.postgresql.connection import Limits
from sources.postgresql.read.blocks import batch_of, changed_batch_of
from sources.postgresql.read.copying import copied
from sources.postgresql.render.document_sql import DocumentSQL

PAGES_AT_ONCE = 4096
ROWS_AT_ONCE = 10_000
"""How many places one statement fetches."""
MOSTLY = 0.6
"""The share of changed rows from which on it is cheaper to read in full than hashes first (measured)."""
_FIRST_VERSION_WITH_RANGES = 14

Place = tuple[int, int]
"""Page and number within the page, as in `ctid`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRows:
    """What it takes to read the changed rows of a plain table."""

    connection: Any
    limits: Limits
    document_sql: DocumentSQL
    source: str
    pages: int
    is_unchanged: IsUnchanged

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Read every row once: its hash, and if that is not known, its document."""
        is_changed_mostly = False
        for first, end in self._runs():
            asked = changed = 0
            read = self._in_full(first, end) if is_changed_mostly else self._by_hash(first, end)
            async with aclosing(read) as batches:
                async for batch in batches:
                    asked += batch.count + batch.unchanged
                    changed += batch.count
                    yield batch
            is_changed_mostly = changed > asked * MOSTLY

    def _runs(self) -> Iterator[tuple[int, int | None]]:
        """Divide the table into runs of pages.

        The last is open: small tables need no condition, and a storage other than a heap may place rows
        beyond the pages it tells of.
        """
        if self.document_sql.rendering.server_version < _FIRST_VERSION_WITH_RANGES:
            yield 0, None
            return
        for first in range(0, max(self.pages, 1), PAGES_AT_ONCE):
            end = first + PAGES_AT_ONCE
            yield first, end if end < self.pages else None

    async def _in_full(self, first: int, end: int | None) -> AsyncGenerator[Batch, None]:
        async with aclosing(
            self._blocks(self._part(self.document_sql.select(self.source), first, end))
        ) as blocks:
            async for block in blocks:
                yield changed_batch_of(block, self.is_unchanged)

    async def _by_hash(self, first: int, end: int | None) -> AsyncGenerator[Batch, None]:
        hashes = self._part(self.document_sql.select_hashes(self.source), first, end)
        # Eight bytes a place: before version 14 there is one run, and it may be a whole table.
        wanted = array("Q")
        async with aclosing(self._blocks(hashes)) as blocks:
            async for block in blocks:
                known = self.is_unchanged(block)
                changed = np.flatnonzero(~known)
                if len(changed):
                    wanted.extend(page << 16 | item for page, item in places_of(block, changed.tolist()))
                yield Batch(lines=b"", count=0, unchanged=len(known) - len(changed))
        if not wanted:
            return
        await self.connection.execute(statements.BY_PLACE, timeout=self.limits.command_seconds)
        for start in range(0, len(wanted), ROWS_AT_ONCE):
            places = [(place >> 16, place & 0xFFFF) for place in wanted[start : start + ROWS_AT_ONCE]]
            query = statements.rows_at(self.document_sql.select(self.source), places)
            async with aclosing(self._blocks(query)) as blocks:
                async for block in blocks:
                    yield batch_of(block)
        await self.connection.execute(statements.BY_CHOICE, timeout=self.limits.command_seconds)

    def _part(self, select: str, first: int, end: int | None) -> str:
        if first == 0 and end is None:
            return select
        return statements.rows_between(select, first, end)

    def _blocks(self, query: str) -> AsyncGenerator[bytes, None]:
        return copied(self.connection, query, self.limits)


def places_of(block: bytes, numbers: list[int]) -> list[Place]:
    """Return the places that stand at the ends of these lines, as `(page,number)`."""
    lines = block.split(b"\n")
    places = []
    for number in numbers:
        line = lines[number]
        page, _, item = line[line.rindex(HASH_END) + 2 : -1].partition(b",")
        places.append((int(page), int(item)))
    return places
