"""Reads slices to their end: what the comparison finds different goes to the delivery.

A slice whose source is lost is read again from its start, on a new snapshot.
"""

from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from ingest.sync.comparison import Comparison
from ingest.sync.delivery import Delivery
from ingest.sync.request import SyncContext
from ingest.sync.stats import Tally
from sources.contract import Slice
from sources.errors import SourceUnavailableError

READING_BUDGET_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads one slice after the other for a sync."""

    comparison: Comparison
    delivery: Delivery
    context: SyncContext
    readings: int
    """How often a slice is read at most when the source is lost on the way."""

    async def read(self, slice_: Slice) -> None:
        """Read one slice to its end; from its start again if the source is lost."""
        stats, log = self.context.stats, self.context.log
        progress = stats.start_slice(slice_.name, slice_.estimated_rows)
        attempts = self.context.client.retrying(READING_BUDGET_SECONDS).attempts()
        while True:
            try:
                await self._read_once(slice_, progress.tally)
            except SourceUnavailableError as error:
                await self.delivery.discard()
                if attempts.made >= self.readings or not await attempts.wait():
                    raise
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
