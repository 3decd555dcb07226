"""Comparison: what has to change in the index, slice by slice.

    batch of a slice -> ledger: known as it is? -> rules: wanted? -> documents that differ

It reads and decides and sends nothing. Whoever iterates delivers what differs, or counts it. Afterwards the
ledger tells which documents no row was met for.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.errors import IncompleteSyncError
from ingest.sync.blocks.lines import KeyReader, Lines, count_lines, without_members
from ingest.sync.ledger import Ledger
from ingest.sync.rules import BasicRules
from ingest.sync.stats import Tally
from sources.contract import HASH_END, Batch, Slice

LARGE_BLOCK_BYTES = 2**21
"""A block larger than this holds large values, of which no further copies are made to read its keys."""
NO_RULES = BasicRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Compares the rows of slices with what the ledger knows of the index."""

    ledger: Ledger
    key_reader: KeyReader
    rules: BasicRules = NO_RULES
    rewrites: bool = False
    """Take every wanted document as different, whatever the ledger knows."""

    async def differing(self, slice_: Slice, tally: Tally) -> AsyncGenerator[Lines, None]:
        """Read a slice once and yield, for each batch, the documents that differ; there may be none in it.

        Counts in `tally` what was read and what became of it here. Ends normally only when every row was
        read and asked about; raises IncompleteSyncError if the source breaks its contract, and what the
        source raises. Wrap it in `aclosing`.
        """
        slice_, rules = self._divided(slice_)
        reading = _Reading(self, rules)
        asks = len(self.ledger) > 0
        async with aclosing(slice_.batches(reading.is_unchanged if asks else None)) as batches:
            async for batch in batches:
                yield await reading.taken(batch, tally)
        if asks and reading.asked != tally.read:
            raise IncompleteSyncError(
                f"{slice_.name} gave {tally.read} rows but asked about {reading.asked}, so nothing is known "
                "about what may be deleted: a defect of the source."
            )

    def _divided(self, slice_: Slice) -> tuple[Slice, BasicRules]:
        """Leave the rules to the source if it can apply them; return the slice and the rules left to us."""
        if not self.rules.is_default and (narrowed := slice_.narrowed(self.rules.tests)) is not None:
            return narrowed, NO_RULES
        return slice_, self.rules


class _Reading:
    """One reading of one slice."""

    def __init__(self, comparison: Comparison, rules: BasicRules) -> None:
        self.asked = 0
        self._ledger = comparison.ledger
        self._key_reader = comparison.key_reader
        self._rewrites = comparison.rewrites
        self._rules = rules

    def is_unchanged(self, block: bytes) -> NDArray[np.bool_]:
        if len(block) >= LARGE_BLOCK_BYTES:
            block = without_members(block)
        keys = self._key_reader.of_lines(block)
        self.asked += len(keys)
        # A row the rules exclude must lose its document: with rules, changed rows are marked when they are
        # kept.
        unchanged = self._ledger.unchanged(keys, mark_changed=self._rules.is_default)
        return np.zeros(len(keys), np.bool_) if self._rewrites else unchanged

    async def taken(self, batch: Batch, tally: Tally) -> Lines:
        """Count a batch and return what of it is wanted."""
        if count_lines(batch.lines) != batch.count:
            raise IncompleteSyncError(
                "A batch does not have the number of lines it claims: a defect of the source."
            )
        tally.read += batch.count + batch.unchanged
        tally.unchanged += batch.unchanged
        tally.nulled += batch.nulled
        if self._rules.is_default or not batch.count:
            return Lines(batch.lines, batch.count)
        kept = self._kept(batch.lines)
        tally.filtered += batch.count - kept.count
        await asyncio.sleep(0)
        return kept

    def _kept(self, lines: bytes) -> Lines:
        kept = [line for line in lines.split(b"\n") if line and self._rules.keep_json(_document_of(line))]
        block = b"".join(line + b"\n" for line in kept)
        if len(self._ledger):
            self._ledger.mark(self._key_reader.of_lines(block))
        return Lines(block, len(kept))


def _document_of(line: bytes) -> bytes:
    return b"{" + line[line.index(HASH_END) + 1 :]
