"""The final count: does the index hold as many documents as this sync left there?

    must hold   documents known before whose row was met, and those Elasticsearch says it created
    holds       what it counts now

The two may differ for reasons that can be counted. A difference beyond those has no known explanation, so the
sync is not complete, whatever was acknowledged.
"""

from dataclasses import dataclass
from typing import Any

from ingest.elasticsearch.mappings import CONTENT_HASH
from ingest.errors import IncompleteSyncError
from ingest.sync.index.inventory import Inventory
from ingest.sync.index.ledger import Ledger
from ingest.sync.progress.stats import Stats


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a sync did, and what is in the index after it."""

    met: int
    """Documents known before for which a row was met."""
    created: int
    updated: int
    overwriting: int
    """Rows sent whose document was known before."""
    refused: int
    """Documents that Elasticsearch refused, or the pipeline dropped: what was there before stays."""
    spared: int
    """Stale documents that were not deleted because somebody wrote them meanwhile."""
    found: int
    """Documents of ours in the index now."""
    stripped: int
    """Documents of this source without our content hash."""

    @property
    def unexplained(self) -> int:
        """How many documents there are too many, or, as a negative number, too few, for no known reason."""
        surplus = self.found - self.met - self.created
        if surplus > 0:
            return max(0, surplus - self._unknown_before - self.spared)
        return min(0, surplus + self._deleted_before + self.stripped)

    @property
    def _unknown_before(self) -> int:
        """Updates of documents that were not known.

        Another tool wrote them, two rows share their id, or an attempt whose answer was lost created them.
        """
        return max(0, self.updated + self.refused - self.overwriting)

    @property
    def _deleted_before(self) -> int:
        """Known documents that somebody may have deleted before their row was sent.

        Each was created again or refused. Nobody remembers which of the refused were known: perhaps all.
        """
        return max(0, self.overwriting - self.updated)


async def check(inventory: Inventory, ledger: Ledger, stats: Stats, log: Any) -> int | None:
    """Raise IncompleteSyncError for a difference that nothing explains; warn of those a person should know.

    `stats` are of what was compared with this ledger, and the index is refreshed. One whose mapping does not
    let our documents be counted is not checked. Returns how many there are.
    """
    found = await inventory.count()
    if found is None:
        return None
    stripped = await inventory.count(foreign=True) if found < ledger.met + stats.created else 0
    unexplained = Balance(
        met=ledger.met,
        created=stats.created,
        updated=stats.updated,
        overwriting=ledger.overwriting,
        refused=stats.rejected + stats.dropped,
        spared=stats.spared,
        found=found,
        stripped=stripped or 0,
    ).unexplained
    if unexplained:
        kind = "more" if unexplained > 0 else "fewer"
        raise IncompleteSyncError(
            f"The index holds {abs(unexplained)} documents {kind} than this sync left in it. Something else "
            "writes to it, or an ingest pipeline changes what becomes of documents. Start the job again; if "
            "that does not help, give the connector an index of its own."
        )
    _report_missing(found, stats, log)
    return found


def _report_missing(found: int, stats: Stats, log: Any) -> None:
    """Say so if there are fewer documents than rows.

    Rows that share an id leave one document, the one that was written last.
    """
    if stats.rejected or stats.dropped:
        return
    missing = stats.indexed + stats.unchanged - found
    if missing > 0 and found == 0:
        stats.warnings.append(
            f"The ingest pipeline removes {CONTENT_HASH} from the documents, so every sync sends all rows "
            "again. Let the pipeline keep this field."
        )
        log.warning("sync.content_hash_removed", rows=missing)
    elif missing > 0:
        stats.warnings.append(f"{missing} rows have the id of another row, so one of each is in the index.")
        log.warning("sync.shared_ids", rows=missing)
