"""The proof without which nothing is deleted: what was read, that all of it was acknowledged, and where.

Issued by `certify` alone. Whoever uses it has it checked against the index first: one that was issued for
another index, or for an index that has been replaced since, proves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.elasticsearch import indices
from ingest.elasticsearch.client import Client
from ingest.elasticsearch.indices import ContentIndex
from ingest.errors import IncompleteSyncError
from ingest.sync.progress.stats import ComparedBy
from ingest.sync.request import SyncContext
from sources.contract import Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Every row of these slices was read and is accounted for in this index."""

    index: ContentIndex
    slices: tuple[str, ...]
    rows: int

    def require(self, index_uuid: str) -> None:
        """Raise IncompleteSyncError unless this was issued for the index with this UUID."""
        if index_uuid != self.index.uuid:
            raise IncompleteSyncError(
                f"What was proven for index {self.index.uuid} says nothing about index {index_uuid}."
            )

    async def require_current(self, client: Client) -> None:
        """Raise IndexChangedError unless the index's name still leads to the index this was issued for."""
        await indices.require_same(client, self.index)


def certify_absence(index: ContentIndex, slice_: Slice, count: int) -> Certificate:
    """Prove that single documents of a slice may go: their rows were asked for by key, and are not there.

    For whoever read the slice by these keys to its end, under its lock and in one snapshot.
    """
    return Certificate(index=index, slices=(slice_.name,), rows=count)


async def certify(index: ContentIndex, slices: Sequence[Slice], context: SyncContext) -> Certificate:
    """Prove that everything was read and acknowledged, for this job, in this index; raise otherwise."""
    names = {one.name for one in slices}
    finished = [
        one
        for one in context.stats.slices
        if one.finished_at is not None and one.compared_by is ComparedBy.CONTENT and one.name in names
    ]
    if len(finished) != len(slices):
        raise IncompleteSyncError(f"Only {len(finished)} of {len(slices)} slices were read to their end.")
    for one in finished:
        if one.tally.read != one.tally.settled:
            raise IncompleteSyncError(
                f"{one.name}: {one.tally.read} rows were read, but what became of them is known for "
                f"{one.tally.settled}."
            )
    await context.lease.confirm()
    certificate = Certificate(
        index=index,
        slices=tuple(one.name for one in finished),
        rows=sum(one.tally.read for one in finished),
    )
    await certificate.require_current(context.client)
    return certificate
