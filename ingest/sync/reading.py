"""Reads slices to their end: what a comparison finds different goes to the delivery.

A slice whose source is lost is read again from its start, on a new snapshot.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final, Protocol

from ingest.sync.blocks.lines import Lines
from ingest.sync.delivery.delivery import Delivery
from ingest.sync.progress.stats import ComparedBy, Tally
from ingest.sync.request import SyncContext
from ingest.sync.task_group import task_group
from sources.contract import Slice
from sources.errors import SourceUnavailableError

READING_BUDGET_SECONDS: Final = 600.0


class Comparing(Protocol):
    """A comparison of a slice with the index: which documents have to be sent."""

    @property
    def compared_by(self) -> ComparedBy:
        """How it compares."""

    def differing(self, slice_: Slice, tally: Tally) -> AsyncGenerator[Lines, None]:
        """Read a slice once, count in `tally`, and yield documents that differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads one slice after the other for a sync."""

    comparison: Comparing
    delivery: Delivery
    context: SyncContext
    readings: int
    """How often a slice is read at most when the source is lost on the way."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """By the name of a slice: why it is read this way."""

    async def read_all(self, slices: Sequence[Slice], progress_seconds: float) -> None:
        """Read and deliver everything; of several failures at once, raise the one that says what to do."""
        async with task_group() as group, self.delivery:
            reporter = group.create_task(_report_progress(self.context, progress_seconds))
            for slice_ in slices:
                await self.read(slice_)
            await self.delivery.settled()
            reporter.cancel()

    async def read(self, slice_: Slice) -> None:
        """Read one slice to its end; from its start again if the source is lost."""
        stats, log = self.context.stats, self.context.log
        progress = stats.start_slice(
            slice_.name,
            slice_.estimated_rows,
            compared_by=self.comparison.compared_by,
            reason=self.reasons.get(slice_.name, ""),
        )
        attempts = self.context.client.retrying(READING_BUDGET_SECONDS).attempts()
        while True:
            stamp = self._start_reading()
            try:
                await self._read_once(slice_, progress.tally)
            except SourceUnavailableError as error:
                await self.delivery.discard()
                if attempts.made >= self.readings or not await attempts.wait():
                    raise
                await self._abandon(slice_, stamp, progress.tally)
                log.warning("slice.read_again", slice=slice_.name, reading=attempts.made, reason=str(error))
                progress.read_again()
            else:
                break
        stats.finish_slice(progress)
        log.debug("slice.read", slice=slice_.name, rows=progress.tally.read)

    async def _read_once(self, slice_: Slice, tally: Tally) -> None:
        async with aclosing(self.comparison.differing(slice_, tally)) as differing:
            async for documents in differing:
                self.context.lease.check()
                await self.delivery.send(documents, tally)
        await self.delivery.flush(tally)

    def _start_reading(self) -> str:
        """Begin a reading; return the `_timestamp` by which what it writes can be found."""
        return self.delivery.start_reading()

    async def _abandon(self, slice_: Slice, stamp: str, tally: Tally) -> None:
        """Discard the counts of a reading that did not reach its end. Everything it sent is settled."""


async def _report_progress(context: SyncContext, every_seconds: float) -> None:
    """Log how far the current slice is, until canceled."""
    stats = context.stats
    while True:
        await asyncio.sleep(every_seconds)
        if stats.slices:
            progress = stats.slices[-1].to_wire(stats.clock())
            context.log.info("sync.progress", slice=progress.pop("name"), **progress, sent=stats.sent_bytes)
