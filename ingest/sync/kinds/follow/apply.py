"""Applies the changes of a feed: the rows they name are indexed as they are now, missing rows are deleted.

    keys -> rows under lock and snapshot -> documents unlike those sent before -> acknowledged
                                         -> ids without a row -> deleted, if they are this slice's and as seen

Moments are settled one after the other, so what one sends cannot arrive after what a later one deletes. A
slice for which keys are not enough is looked at as if it were polled.
"""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import ClassVar

from ingest.sync.blocks.lines import Lines
from ingest.sync.comparison.by_content import MapFields
from ingest.sync.deletion import limit
from ingest.sync.deletion.limit import Loss
from ingest.sync.deletion_certificate import certify_absence
from ingest.sync.delivery.writer import Deletion
from ingest.sync.index.known_documents import KnownDocuments
from ingest.sync.kinds.follow.followed_slice import FollowedSlice
from ingest.sync.kinds.follow.polling import Polling
from ingest.sync.kinds.follow.recent_documents import RecentDocuments
from ingest.sync.kinds.follow.totals import add_to_totals
from ingest.sync.progress.stats import ComparedBy, Tally
from ingest.sync.rules import BasicRules
from ingest.sync.run import SyncRun
from sources.contract import Key, Slice
from sources.feed import Moment

LOSS_SECONDS = 60.0
"""The time over which the limit on deletes adds up what a slice loses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysComparison:
    """Compares rows, read by their keys, with what was sent of them before."""

    recent: RecentDocuments
    rules: BasicRules
    keys: Mapping[str, Sequence[Key]]
    positions: Mapping[str, str]
    """Where each slice was when it was looked at."""
    map_fields: MapFields
    absent: dict[str, list[str]] = field(default_factory=dict)
    """By slice: ids without a row."""
    refused: dict[str, str] = field(default_factory=dict)
    """Slices for which keys are not enough, and why."""

    compared_by: ClassVar[ComparedBy] = ComparedBy.KEYS

    async def differing(self, slice_: Slice, tally: Tally) -> AsyncGenerator[Lines, None]:
        """Read a slice's rows and yield the documents that differ, or refuse it."""
        name = slice_.name
        narrowed = slice_ if self.rules.is_default else slice_.narrowed(self.rules.tests)
        if narrowed is None:
            self.refused[name] = ""
            return
        async with narrowed.snapshot() as snapshot:
            if (reason := snapshot.incompatibility(self.positions[name])) is not None:
                self.refused[name] = reason
                return
            async with aclosing(snapshot.rows(self.keys[name])) as batches:
                async for batch in batches:
                    if batch.mapping is not None:
                        await self.map_fields(batch.mapping)
                    lines = self.recent.unlike(batch.lines)
                    tally.read += batch.count
                    tally.unchanged += batch.count - lines.count
                    tally.nulled += batch.nulled
                    self.absent.setdefault(name, []).extend(batch.absent)
                    yield lines


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeApplier:
    """Applies to the index what a feed says has changed."""

    sync: SyncRun
    followed: Mapping[str, FollowedSlice]
    polling: Polling
    known: KnownDocuments

    async def apply(self, moment: Moment) -> bool:
        """Apply every change of a moment, so that it can be acknowledged.

        False if most slices have to be compared, which is for another job to do.
        """
        doubted = set(moment.doubted)
        keys = {
            name: some
            for name, some in moment.keys.items()
            if name not in doubted and self.followed[name].has_versions
        }
        try:
            doubted |= await self._rows(keys) if keys else set()
        except Exception:
            await self.polling.abandon()
            raise
        add_to_totals(self.sync.context.stats)
        return await self.polling.look([self.followed[name] for name in sorted(doubted)])

    async def _rows(self, keys: Mapping[str, Sequence[Key]]) -> set[str]:
        """Read and deliver; return the slices for which that is not enough."""
        followed = [self.followed[name] for name in keys]
        comparison = KeysComparison(
            recent=self.polling.recent,
            rules=self.sync.request.rules,
            keys=keys,
            positions={
                one.slice.name: one.checkpoint.position
                for one in followed
                if one.checkpoint is not None and one.checkpoint.position is not None
            },
            map_fields=self.sync.map_fields,
        )
        await self.polling.read(comparison, followed)
        self.sync.context.stats.forget_slices(ComparedBy.KEYS, comparison.refused)
        for name, ids in comparison.absent.items():
            if ids:
                await self._delete(self.followed[name], ids)
        for one in followed:
            if one.checkpoint is not None:
                # What was sent is known to be there, so its count is that of the rows.
                one.checkpoint = replace(one.checkpoint, rows=one.documents + one.lacking, sums=None)
        return set(comparison.refused)

    async def _delete(self, one: FollowedSlice, ids: Sequence[str]) -> None:
        stats, scope = self.sync.context.stats, one.slice.scope
        if scope is None:
            raise ValueError(f"{one.slice.name} has no documents of its own.")
        there = await self.known.found(ids, scope)
        if not there:
            return
        self._limit(one, len(there))
        certificate = certify_absence(self.sync.prepared.index, one.slice, len(there))
        deletions = [Deletion(id=d.id, seq_no=d.seq_no, primary_term=d.primary_term) for d in there]
        before = stats.deleted
        try:
            await self.sync.delivery.delete(deletions, certificate)
        finally:
            one.documents -= stats.deleted - before
        self.polling.recent.forget_ids(ids)

    def _limit(self, one: FollowedSlice, count: int) -> None:
        """Raise TooManyDeletesError if a slice loses too much within a minute."""
        now = time.monotonic()
        if now - one.counted_at > LOSS_SECONDS:
            one.counted, one.counted_at = one.documents, now
        lost = one.counted - (one.documents - count)
        share = self.sync.request.options.max_deleted_share
        limit.require([Loss(name=one.slice.name, before=one.counted, lost=lost)], share)
