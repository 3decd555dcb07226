"""The limit on deletes: a table that is suddenly almost empty is more often a mistake than intended.

    before   documents of a slice when the job began
    lost     those of them for which there is no row any more: what is left of `before` without the rows read

A slice that would lose more than the allowed share ends the job before anything is deleted. Tables that are
read no more, new ids for the same rows, and rows that the sync rules exclude are no such case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ingest.elasticsearch import indices
from ingest.errors import TooManyDeletesError
from ingest.sync.deletion.stale import StaleDocuments
from ingest.sync.deletion_certificate import Certificate
from ingest.sync.run import SyncRun
from sources.errors import shortlist

LEAST_DOCUMENTS: Final = 1_000
"""Below so many documents a table may lose all of them."""
MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What a slice had, and what it would lose."""

    name: str
    before: int
    lost: int

    def passes(self, max_deleted_share: float) -> bool:
        """Whether so many documents may be deleted."""
        return self.before < LEAST_DOCUMENTS or self.lost <= max_deleted_share * self.before


async def check(sync: SyncRun, stale: StaleDocuments, certificate: Certificate) -> None:
    """Raise TooManyDeletesError if a slice would lose more of its documents than the request allows."""
    share = sync.request.options.max_deleted_share
    if share >= 1 or stale.ledger.unmet <= share * LEAST_DOCUMENTS:
        return  # whatever is deleted, no slice loses too many
    require(await _losses(sync, stale, certificate), share)


def require(losses: Sequence[Loss], share: float) -> None:
    """Raise TooManyDeletesError if one of these slices loses more than this share."""
    stopped = [one for one in losses if not one.passes(share)]
    if not stopped:
        return
    named = shortlist([f"{one.name} ({one.lost:,} of {one.before:,})" for one in stopped], MOST_NAMED)
    raise TooManyDeletesError(
        f"More than {share:.0%} of the documents of {named} have no row in the tables that are read, so "
        "nothing was deleted. If that is meant, set max_deleted_share of the connector to 100, sync once, "
        "and set it back."
    )


async def _losses(sync: SyncRun, stale: StaleDocuments, certificate: Certificate) -> list[Loss]:
    """Return what each slice would lose; all of them as one where they cannot be told apart."""
    await indices.refresh(sync.context.client, sync.request.index_name)
    whole = sync.request.index_name
    if sync.request.rules.rules:
        # Rows that PostgreSQL left out by the rules were not read, so the documents themselves have to tell.
        lost = await stale.count_wanted(certificate)
        return [Loss(name=whole, before=len(stale.ledger), lost=lost)]
    tallies = {one.name: one.tally for one in sync.context.stats.slices}
    losses = []
    for slice_ in sync.prepared.slices:
        if (tally := tallies.get(slice_.name)) is None or slice_.name not in certificate.slices:
            continue
        count = None if slice_.scope is None else await sync.inventory(slice_).count()
        if count is None:
            return [Loss(name=whole, before=len(stale.ledger), lost=stale.ledger.unmet)]
        before = count - tally.created
        losses.append(Loss(name=slice_.name, before=before, lost=before - tally.read))
    return losses
