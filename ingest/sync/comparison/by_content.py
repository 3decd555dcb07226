"""Comparison by content: what has to change in the index, slice by slice.

    batch of a slice -> rules: wanted? -> ledger: known as it is? -> documents that differ

It sends nothing: whoever iterates delivers what differs, or counts it. Afterwards the ledger tells which
documents have no row.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ingest.errors import IncompleteSyncError
from ingest.sync.blocks.lines import KeyReader, Keys, Lines, without_members
from ingest.sync.comparison.checkpoints import Checkpoint
from ingest.sync.index.ledger import Ledger
from ingest.sync.progress.stats import ComparedBy, Tally
from ingest.sync.rules import BasicRules
from sources.contract import HASH_END, Batch, Slice, Snapshot
from sources.lines import count_lines

LARGE_BLOCK_BYTES = 2**21
"""A block larger than this holds large values, of which no further copies are made to read its keys."""
NO_RULES = BasicRules()
MapFields = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentComparison:
    """Compares the rows of slices with what the ledger knows of the index."""

    ledger: Ledger
    key_reader: KeyReader
    rules: BasicRules = NO_RULES
    rewrites: bool = False
    """Take every wanted document as different, whatever the ledger knows."""
    map_fields: MapFields | None = None
    """Awaited with the mapping of a slice that was altered, before its documents are given."""
    checkpoints: dict[str, Checkpoint] | None = None
    """Where to note what a later sync can begin from; None for nowhere."""

    compared_by: ClassVar[ComparedBy] = ComparedBy.CONTENT

    async def differing(self, slice_: Slice, tally: Tally) -> AsyncGenerator[Lines, None]:
        """Read a slice once and yield, for each batch, the documents that differ; there may be none in it.

        Counts in `tally` what was read and what became of it here. Ends normally only when every row was
        read and compared; raises IncompleteSyncError if the source breaks its contract, and what the source
        raises. Wrap it in `aclosing`.
        """
        if self.rules.is_default:
            read = self._asked(slice_, tally)
        elif (narrowed := slice_.narrowed(self.rules.tests)) is not None:
            read = self._asked(narrowed, tally)
        else:
            read = self._judged(slice_, tally)
        known_before = self.ledger.overwriting
        async with aclosing(read) as blocks:
            async for documents in blocks:
                tally.overwriting = self.ledger.overwriting - known_before
                yield documents

    async def _asked(self, slice_: Slice, tally: Tally) -> AsyncGenerator[Lines, None]:
        """Let the source ask which rows are known, so that it need not render them."""
        asked = 0

        def is_unchanged(block: bytes) -> NDArray[np.bool_]:
            nonlocal asked
            answer = self._is_unchanged(block)
            asked += len(answer)
            return answer

        asks = len(self.ledger) > 0
        async with slice_.snapshot() as snapshot:
            async with aclosing(snapshot.batches(is_unchanged if asks else None)) as batches:
                async for batch in batches:
                    await self._taken(batch, tally)
                    tally.unchanged += batch.unchanged
                    yield Lines(batch.lines, batch.count)
            if asks and asked != tally.read:
                raise IncompleteSyncError(
                    f"{slice_.name} gave {tally.read} rows but asked about {asked}, so nothing is known "
                    "about what may be deleted: a defect of the source."
                )
            if self.checkpoints is not None:
                self.checkpoints[slice_.name] = await self._checkpoint(snapshot, tally.read)

    async def _checkpoint(self, snapshot: Snapshot, rows: int) -> Checkpoint:
        """Note where the slice is; its sum too, unless the index is filled for the first time."""
        digest = await snapshot.digest() if len(self.ledger) else None
        return Checkpoint(rows=rows, position=snapshot.position, sums=None if digest is None else digest.sums)

    async def _judged(self, slice_: Slice, tally: Tally) -> AsyncGenerator[Lines, None]:
        """Look at every document, for only its members tell whether the rules want it.

        That a document is known says nothing: it may have been sent under other rules.
        """
        async with aclosing(slice_.batches()) as batches:
            async for batch in batches:
                await self._taken(batch, tally)
                wanted = [line for line in batch.lines.splitlines(keepends=True) if self._wants(line)]
                tally.filtered += batch.count - len(wanted)
                known = self._is_unchanged(b"".join(wanted)).tolist()
                different = [line for line, is_known in zip(wanted, known, strict=True) if not is_known]
                tally.unchanged += len(wanted) - len(different)
                await asyncio.sleep(0)
                yield Lines(b"".join(different), len(different))

    async def _taken(self, batch: Batch, tally: Tally) -> None:
        if batch.mapping is not None and self.map_fields is not None:
            await self.map_fields(batch.mapping)
        _count(batch, tally)

    def _is_unchanged(self, block: bytes) -> NDArray[np.bool_]:
        keys = keys_of(self.key_reader, block)
        if not self.rewrites:
            return self.ledger.unchanged(keys)
        self.ledger.mark(keys)
        return np.zeros(len(keys), np.bool_)

    def _wants(self, line: bytes) -> bool:
        return self.rules.keep_json(b"{" + line[line.index(HASH_END) + 1 :])


def keys_of(key_reader: KeyReader, block: bytes) -> Keys:
    """Read the keys of a block, without copying the large values it may hold."""
    return key_reader.of_lines(without_members(block) if len(block) >= LARGE_BLOCK_BYTES else block)


def _count(batch: Batch, tally: Tally) -> None:
    if count_lines(batch.lines) != batch.count:
        raise IncompleteSyncError(
            "A batch does not have the number of lines it claims: a defect of the source."
        )
    tally.read += batch.count + batch.unchanged
    tally.nulled += batch.nulled
