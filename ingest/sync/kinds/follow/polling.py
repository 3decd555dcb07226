"""One look at some slices: what changed of each goes to the index, and what that leaves is compared in full.

    changed rows -> documents that differ -> acknowledged    and    rows in the same snapshot == documents

The documents are counted by what Elasticsearch acknowledged, not by asking: a search sees nothing before the
index is refreshed, and nothing is refreshed for the sake of this. That the count is right depends on nobody
else writing, which the numbers of the index's writes tell; where there are none, documents are counted by
asking.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.elasticsearch import indices
from ingest.sync.comparison.by_history import ChangesComparison
from ingest.sync.comparison.checkpoints import Checkpoint
from ingest.sync.delivery.rejections import report_rejections
from ingest.sync.kinds.follow.followed_slice import FollowedSlice
from ingest.sync.kinds.follow.recent_documents import RecentDocuments
from ingest.sync.kinds.follow.totals import add_to_totals
from ingest.sync.kinds.reconciliation import reconcile_all, reconcile_slices
from ingest.sync.progress.stats import ComparedBy, SliceStats
from ingest.sync.reading import Comparing, Reader
from ingest.sync.run import SyncRun

INTERRUPTED: Final = "Comparing it was interrupted."
WARNINGS_KEPT: Final = 50
FEW: Final = 3
MOST_SHARE: Final = 0.5
"""From this share of the slices on, and not only a few, another job compares them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """Looks at slices for a job that follows."""

    sync: SyncRun
    followed: Mapping[str, FollowedSlice]
    recent: RecentDocuments

    async def look(self, slices: Sequence[FollowedSlice]) -> bool:
        """Bring the index in step with these slices, as they are at some moment from now on.

        False if most slices would have to be compared in full, as after a restart of the source: that is for
        another job to do, when it is its turn.

        Raises what ended it; what was acknowledged until then is counted, and looking again begins anew.
        """
        try:
            refused = await self._by_versions([one for one in slices if one.has_versions])
            if refused >= max(FEW, len(self.followed) * MOST_SHARE):
                add_to_totals(self.sync.context.stats)
                return False
            await self._by_content([one for one in slices if one.checkpoint is None])
        except Exception:
            await self.abandon()
            raise
        self._report()
        return True

    async def _by_versions(self, slices: Sequence[FollowedSlice]) -> int:
        """Deliver what changed; slices of which that does not tell everything lose their checkpoint.

        Returns of how many the source could not tell.
        """
        if not slices:
            return 0
        checkpoints: dict[str, Checkpoint] = {}
        comparison = ChangesComparison(
            known=self.recent,
            rules=self.sync.request.rules,
            before={one.slice.name: one.checkpoint for one in slices if one.checkpoint is not None},
            checkpoints=checkpoints,
            map_fields=self.sync.map_fields,
        )
        await self.read(comparison, slices)
        self.sync.context.stats.forget_slices(ComparedBy.CHANGES, comparison.refused)
        await self._counted([self.followed[entry.name] for entry in self._entries])
        for one in slices:
            one.checkpoint = checkpoints.get(one.slice.name)
            one.reason = comparison.refused.get(one.slice.name, "")
            if one.checkpoint is not None and one.checkpoint.rows != one.documents + one.lacking:
                one.reason = f"It has {one.checkpoint.rows} rows and {one.documents} documents."
                one.checkpoint = None
        return len(comparison.refused)

    async def read(self, comparison: Comparing, slices: Sequence[FollowedSlice]) -> None:
        """Read slices to their end and deliver what differs; count it, whether or not that end is reached.

        Once each: what a reading that is abandoned had created would be lost to the count.
        """
        reader = Reader(
            comparison=comparison, delivery=self.sync.delivery, context=self.sync.context, readings=1
        )
        try:
            await reader.read_all([one.slice for one in slices], self.sync.request.options.progress_seconds)
        finally:
            for entry in self._entries:
                self._account(entry)
        if self._are_refused:
            self.recent.forget()
        self.recent.confirm()

    async def abandon(self) -> None:
        """Let go of what was begun: what was not sent is read again, and nothing sent arrives later."""
        await self.sync.delivery.discard()
        self.recent.forget()
        add_to_totals(self.sync.context.stats)

    async def _by_content(self, slices: Sequence[FollowedSlice]) -> None:
        """Compare every row and every document of these slices."""
        if not slices:
            return
        self.recent.forget()
        if any(one.slice.scope is None for one in slices):
            # Their documents cannot be told from those of others: all or none.
            slices = list(self.followed.values())
            for one in slices:
                one.checkpoint, one.reason = None, one.reason or INTERRUPTED
            await reconcile_all(self.sync, slices[0].reason)
            for one in slices:
                self._settle(one)
            return
        reasons = {one.slice.name: one.reason for one in slices}
        await reconcile_slices(self.sync, [one.slice for one in slices], reasons)
        for one in slices:
            self._settle(one)

    def _settle(self, one: FollowedSlice) -> None:
        """Note how a slice stands whose content was compared: as many documents as rows, but for refused."""
        entry = next(entry for entry in reversed(self._entries) if entry.name == one.slice.name)
        one.seconds = (entry.finished_at or entry.started_at) - entry.started_at
        one.is_refused = bool(entry.tally.rejected or entry.tally.dropped)
        one.lacking = entry.tally.lacking
        checkpoint = self.sync.checkpoints.pop(one.slice.name, None)
        if checkpoint is None or checkpoint.position is None:
            return
        one.checkpoint, one.documents = checkpoint, checkpoint.rows - one.lacking

    def _account(self, entry: SliceStats) -> None:
        """Count what one look left in the index, whether or not it came to its end."""
        one, tally = self.followed[entry.name], entry.tally
        one.documents += tally.created
        one.lacking += tally.lacking
        one.is_refused |= bool(tally.rejected or tally.dropped)
        if entry.finished_at is not None and entry.compared_by is ComparedBy.CHANGES:
            one.seconds = entry.finished_at - entry.started_at

    async def _counted(self, slices: Sequence[FollowedSlice]) -> None:
        """Count by asking, where nobody can tell whether others wrote."""
        if self.sync.begun is not None or not slices:
            return
        await indices.refresh(self.sync.context.client, self.sync.request.index_name)
        for one in slices:
            counted = await self.sync.inventory(one.slice).count()
            one.documents = -1 if counted is None else counted

    def _report(self) -> None:
        stats = self.sync.context.stats
        if self._are_refused:
            report_rejections(self.sync.context)
            del stats.warnings[:-WARNINGS_KEPT]
        stats.reason = ""
        add_to_totals(stats)

    @property
    def _are_refused(self) -> bool:
        return any(entry.tally.rejected or entry.tally.dropped for entry in self._entries)

    @property
    def _entries(self) -> list[SliceStats]:
        return self.sync.context.stats.slices
