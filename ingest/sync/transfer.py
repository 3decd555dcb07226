"""Reads slices and hands to the writer what has to be sent.

    batch of a slice -> rules keep or drop -> chunks -> a slot is free -> one task a chunk -> verdicts

When no slot is free the source is simply not read. A slice whose source is lost is read again from its start.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ingest.elasticsearch.retry import Attempts
from ingest.errors import IncompleteSyncError
from ingest.lease import Lease
from ingest.sync.blocks.chunks import Chunk, Chunker
from ingest.sync.blocks.lines import KeyReader, count_lines, without_members
from ingest.sync.bulk.slots import Slots
from ingest.sync.bulk.writer import BulkWriter
from ingest.sync.ledger import Ledger
from ingest.sync.rules import BasicRules
from ingest.sync.stats import SliceStats, Stats, Tally
from sources.contract import HASH_END, Batch, Slice
from sources.errors import SourceUnavailableError

LARGE_BLOCK_BYTES: Final = 2**21
"""A block larger than this holds large values, of which no further copies are made to read its keys."""
NO_RULES: Final = BasicRules()


@dataclass(slots=True, kw_only=True)
class Transfer:
    """Reads slices and hands what has to be sent to the writer."""

    writer: BulkWriter
    chunker: Chunker
    slots: Slots
    ledger: Ledger
    key_reader: KeyReader
    rules: BasicRules
    rewrites: bool
    lease: Lease
    stats: Stats
    readings: int
    """How often a slice is read at most when the source is lost on the way."""
    reading_attempts: Callable[[], Attempts]
    log: Any
    _outstanding: set[asyncio.Task[None]] = field(default_factory=set)
    _asked: int = 0
    _left: BasicRules = NO_RULES
    """The rules which the slice being read does not apply itself."""

    async def read(self, slice_: Slice, group: asyncio.TaskGroup) -> None:
        """Read one slice to its end; from its start again, on a new snapshot, if the source is lost."""
        progress = self.stats.start_slice(slice_.name, slice_.estimated_rows)
        if not self.rules.is_default and (narrowed := slice_.narrowed(self.rules.tests)) is not None:
            slice_, self._left = narrowed, NO_RULES
        else:
            self._left = self.rules
        attempts = self.reading_attempts()
        while True:
            try:
                await self._read_once(slice_, progress, group)
            except SourceUnavailableError as error:
                # What is under way must land first: it must not overwrite what the next reading sends.
                self.chunker.discard()
                await self.settled()
                if attempts.made >= self.readings or not await attempts.wait():
                    raise
                self.log.warning(
                    "slice.read_again", slice=slice_.name, reading=attempts.made, reason=str(error)
                )
                progress.read_again()
            else:
                break
        self.stats.finish_slice(progress)
        self.log.debug("slice.read", slice=slice_.name, rows=progress.tally.read)

    async def settled(self) -> None:
        """Wait until everything sent has its final verdict."""
        while self._outstanding:
            await asyncio.wait(self._outstanding)

    async def report_progress(self, every_seconds: float) -> None:
        """Log how far the current slice is, until canceled."""
        while True:
            await asyncio.sleep(every_seconds)
            if self.stats.slices:
                progress = self.stats.slices[-1].to_wire(self.stats.clock())
                self.log.info(
                    "sync.progress", slice=progress.pop("name"), **progress, sent=self.stats.sent_bytes
                )

    async def _read_once(self, slice_: Slice, progress: SliceStats, group: asyncio.TaskGroup) -> None:
        tally, self._asked = progress.tally, 0
        async with aclosing(slice_.batches(self._is_unchanged if len(self.ledger) else None)) as batches:
            async for batch in batches:
                self.lease.check()
                await self._take(batch, tally, group)
        if len(self.ledger) and self._asked != tally.read:
            raise IncompleteSyncError(
                f"{slice_.name} gave {tally.read} rows but asked about {self._asked}, so nothing is known "
                "about what may be deleted: a defect of the source."
            )
        if (rest := self.chunker.flush()) is not None:
            await self._send(rest, tally, group)

    async def _take(self, batch: Batch, tally: Tally, group: asyncio.TaskGroup) -> None:
        if count_lines(batch.lines) != batch.count:
            raise IncompleteSyncError(
                "A batch does not have the number of lines it claims: a defect of the source."
            )
        tally.read += batch.count + batch.unchanged
        tally.unchanged += batch.unchanged
        tally.nulled += batch.nulled
        lines, count = batch.lines, batch.count
        if not self._left.is_default and count:
            lines, count = self._kept(lines)
            tally.filtered += batch.count - count
            await asyncio.sleep(0)
        for chunk in self.chunker.add(lines, count):
            await self._send(chunk, tally, group)

    async def _send(self, chunk: Chunk, tally: Tally, group: asyncio.TaskGroup) -> None:
        await self.slots.acquire()
        task = group.create_task(self._deliver(chunk, tally))
        self._outstanding.add(task)
        task.add_done_callback(self._outstanding.discard)

    async def _deliver(self, chunk: Chunk, tally: Tally) -> None:
        try:
            await self.writer.index(chunk, tally)
        finally:
            self.slots.release()

    def _is_unchanged(self, block: bytes) -> NDArray[np.bool_]:
        if len(block) >= LARGE_BLOCK_BYTES:
            block = without_members(block)
        keys = self.key_reader.of_lines(block)
        self._asked += len(keys)
        # A row the rules exclude must lose its document: with rules, changed rows are marked when they are
        # kept.
        unchanged = self.ledger.unchanged(keys, mark_changed=self._left.is_default)
        return np.zeros(len(keys), np.bool_) if self.rewrites else unchanged

    def _kept(self, lines: bytes) -> tuple[bytes, int]:
        """Return the lines the basic rules keep, and how many they are."""
        kept = [line for line in lines.split(b"\n") if line and self._left.keep_json(_document_of(line))]
        block = b"".join(line + b"\n" for line in kept)
        if len(self.ledger):
            self.ledger.mark(self.key_reader.of_lines(block))
        return block, len(kept)


def _document_of(line: bytes) -> bytes:
    return b"{" + line[line.index(HASH_END) + 1 :]
