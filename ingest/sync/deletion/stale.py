"""Deletes the documents that have no row, and counts why: the row is gone, or a rule excludes it."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from ingest.sync.deletion_certificate import Certificate
from ingest.sync.delivery.delivery import Delivery
from ingest.sync.delivery.writer import Deletion
from ingest.sync.index.inventory import Inventory
from ingest.sync.index.ledger import Ledger
from ingest.sync.request import SyncContext
from ingest.sync.rules import BasicRules

SUSPICIOUS_SHARE: Final = 0.5
"""A sync that deletes more of the index than this says so in a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleDocuments:
    """What is to be deleted: what the inventory finds of the ledger's documents that were not met."""

    ledger: Ledger
    inventory: Inventory
    rules: BasicRules

    async def delete(self, certificate: Certificate, delivery: Delivery, context: SyncContext) -> None:
        """Delete them, unless somebody wrote them since. Safe to repeat."""
        unmet = self.ledger.unmet
        if not unmet:
            return
        fields = {rule.field for rule in self.rules.rules}
        stale = self.inventory.stale(self.ledger, certificate, fields)
        async with aclosing(stale) as pages:
            async for hits in pages:
                await delivery.delete([_deletion(hit) for hit in hits], certificate)
                context.stats.excluded += self._count_excluded(hits)
        if unmet > SUSPICIOUS_SHARE * len(self.ledger):
            self._warn(unmet, context)

    async def count_wanted(self, certificate: Certificate) -> int:
        """Count those that the rules do not exclude as they stand in the index."""
        wanted = 0
        stale = self.inventory.stale(self.ledger, certificate, {rule.field for rule in self.rules.rules})
        async with aclosing(stale) as pages:
            async for hits in pages:
                wanted += len(hits) - self._count_excluded(hits)
        return wanted

    def _count_excluded(self, hits: Sequence[Mapping[str, Any]]) -> int:
        """Count documents which the rules exclude as they stand in the index."""
        return sum(not self.rules.keep(hit.get("_source", {})) for hit in hits) if self.rules.rules else 0

    def _warn(self, unmet: int, context: SyncContext) -> None:
        excluded, known = context.stats.excluded, len(self.ledger)
        if unmet > excluded:
            context.stats.warnings.append(
                f"{unmet - excluded} of {known} documents have no row in the tables that are read, and were "
                "deleted."
            )
        if excluded:
            context.stats.warnings.append(
                f"{excluded} of {known} documents are excluded by the sync rules and were deleted."
            )
        context.log.warning("sync.deleted_many", stale=unmet, excluded=excluded, documents=known)


def _deletion(hit: Mapping[str, Any]) -> Deletion:
    return Deletion(id=hit["_id"], seq_no=hit["_seq_no"], primary_term=hit["_primary_term"])
