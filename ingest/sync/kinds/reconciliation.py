"""Reconciliation: every row of some slices is compared with every document of theirs.

load the ledger -> each slice: comparison -> delivery -> certificate -> delete the stale -> balance
what the index                 what          sending     all was        documents           the index
holds                          differs                   acknowledged   without a row       is counted
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.elasticsearch import indices
from ingest.errors import IncompleteSyncError
from ingest.sync.comparison.by_content import ContentComparison
from ingest.sync.deletion import balance, limit
from ingest.sync.deletion.stale import StaleDocuments
from ingest.sync.deletion_certificate import certify
from ingest.sync.index.inventory import Inventory, empty_ledger
from ingest.sync.index.ledger import Ledger
from ingest.sync.index.scope import MOST_PARTS
from ingest.sync.progress.stats import Tally
from ingest.sync.reading import Reader
from ingest.sync.run import SyncRun
from sources.contract import Slice


async def reconcile_all(sync: SyncRun, reason: str = "") -> int | None:
    """Compare all slices with all documents of the source, those of tables that are gone included.

    `reason` says why, where a sync was to read less. Returns how many documents of the source there are in
    the end, in the index the sync began with, refreshed; None if they cannot be counted.
    """
    sync.context.stats.reason = reason
    return await _compare(sync, sync.prepared.slices, sync.inventory(), {}, reason)


async def reconcile_slices(sync: SyncRun, slices: Sequence[Slice], reasons: Mapping[str, str]) -> None:
    """Compare some slices with their documents: one scan of the index for many of them. They have scopes."""
    for start in range(0, len(slices), MOST_PARTS):
        some = slices[start : start + MOST_PARTS]
        await _compare(sync, some, sync.inventory(*some), reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentReader(Reader):
    """Reads what is compared with a ledger.

    Rows of an abandoned reading may be gone by the next one, so its marks in the ledger are taken back, and
    what it wrote is looked up in the index, to be deleted in the end unless a row is found for it.
    """

    ledger: Ledger
    inventory: Inventory

    def _start_reading(self) -> str:
        self.ledger.start_reading()
        return self.delivery.start_reading()

    async def _abandon(self, slice_: Slice, stamp: str, tally: Tally) -> None:
        self.ledger.abandon_reading()
        if tally.settled == tally.unchanged + tally.filtered:
            return
        written = await self.inventory.written_at(stamp)
        if len(written) < tally.indexed:
            raise IncompleteSyncError(
                f"{slice_.name} has to be read again, but of {tally.indexed} documents that were sent "
                f"meanwhile only {len(written)} can be found by their _timestamp, so those whose rows are "
                "gone could not be deleted. An ingest pipeline must leave this field as it is."
            )
        if self.ledger.reload(written) > tally.created:
            # They may belong to rows of earlier slices that share their ids, whose marks only the ledger's
            # documents can have: deleting them could be wrong.
            raise IncompleteSyncError(
                f"{slice_.name} has to be read again, and some documents that were sent meanwhile were in "
                "the index before without being known: other rows share their ids, or an answer was lost. "
                "Start the job again."
            )


async def _compare(
    sync: SyncRun,
    slices: Sequence[Slice],
    inventory: Inventory,
    reasons: Mapping[str, str],
    reason: str = "",
) -> int | None:
    context, request = sync.context, sync.request
    before = context.stats.checkpoint()
    ledger = empty_ledger(inventory.index.uuid) if sync.is_untouched else await inventory.load()
    if context.following is None or context.following.way is None:  # else it happens again and again
        context.log.info(
            "sync.started",
            index=request.index_name,
            slices=len(slices),
            documents=len(ledger),
            **({"reason": reason} if reason else {}),
        )
    comparison = ContentComparison(
        ledger=ledger,
        key_reader=sync.key_reader,
        rules=request.rules,
        rewrites=request.options.rewrite,
        map_fields=sync.map_fields,
        checkpoints=sync.checkpoints,
    )
    reader = ContentReader(
        comparison=comparison,
        delivery=sync.delivery,
        context=context,
        readings=request.options.readings,
        reasons=reasons,
        ledger=ledger,
        inventory=inventory,
    )
    await reader.read_all(slices, request.options.progress_seconds)

    certificate = await certify(sync.prepared.index, slices, context)
    stale = StaleDocuments(ledger=ledger, inventory=inventory, rules=request.rules)
    await limit.check(sync, stale, certificate)
    await stale.delete(certificate, sync.delivery, context)
    await indices.refresh(context.client, request.index_name)
    await certificate.require_current(context.client)
    return await balance.check(inventory, ledger, context.stats.since(before), context.log)
