"""Reads slices to their end: what the comparison finds different goes to the delivery.

A slice whose source is lost is read again from its start, on a new snapshot. Rows of the first reading may
be gone by then, so nothing of it may count: its marks are taken back, and what it wrote is looked up in the
index, to be deleted in the end unless a row is met for it.
"""

from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from ingest.errors import IncompleteSyncError
from ingest.sync.comparison import Comparison
from ingest.sync.delivery import Delivery
from ingest.sync.inventory import Inventory
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
    inventory: Inventory
    context: SyncContext
    readings: int
    """How often a slice is read at most when the source is lost on the way."""

    async def read(self, slice_: Slice) -> None:
        """Read one slice to its end; from its start again if the source is lost."""
        stats, log = self.context.stats, self.context.log
        progress = stats.start_slice(slice_.name, slice_.estimated_rows)
        attempts = self.context.client.retrying(READING_BUDGET_SECONDS).attempts()
        while True:
            self.comparison.ledger.start_reading()
            stamp = self.delivery.start_reading()
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

    async def _abandon(self, slice_: Slice, stamp: str, tally: Tally) -> None:
        """Undo a reading that did not reach its end. Everything it sent is settled."""
        ledger = self.comparison.ledger
        ledger.abandon_reading()
        if tally.settled == tally.unchanged + tally.filtered:
            return
        written = await self.inventory.written_at(stamp)
        if len(written) < tally.indexed:
            raise IncompleteSyncError(
                f"{slice_.name} has to be read again, but of {tally.indexed} documents that were sent "
                f"meanwhile only {len(written)} can be found by their _timestamp, so those whose rows are "
                "gone could not be deleted. An ingest pipeline must leave this field as it is."
            )
        if ledger.reload(written) > tally.created:
            # They may belong to rows of earlier slices that share their ids, whose marks only the ledger's
            # documents can have: deleting them could be wrong.
            raise IncompleteSyncError(
                f"{slice_.name} has to be read again, and some documents that were sent meanwhile were in "
                "the index before without being known: other rows share their ids, or an answer was lost. "
                "Start the job again."
            )
