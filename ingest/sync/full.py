"""The two kinds of sync: both make the index say what the source says.

    begin -> does the cursor fit? -> what is as it was, or what changed -> the rest by content -> conclude
                    | no                                                                              |
                    +--> everything by content ------------------------------------------> a new cursor

A full sync proves by content that a slice is as it was, an incremental one by its history. For what cannot be
proven so, both compare every row with every document, as the first sync does.
"""

from ingest.elasticsearch import indices
from ingest.sync.comparison.past import ChangesComparison, DigestComparison
from ingest.sync.conclusion import conclude, counted_otherwise
from ingest.sync.content import compare_everything, compare_slice
from ingest.sync.cursor import Cursor, misfit
from ingest.sync.index.known import KnownDocuments
from ingest.sync.reading import Reader
from ingest.sync.request import SyncContext, SyncRequest
from ingest.sync.undertaking import Undertaking


async def full_sync(request: SyncRequest, context: SyncContext) -> Cursor | None:
    """Make the index say what the source says, whatever anybody believes of either.

    Returns only if every row was read, or proven by its slice's digest to be what it was, and every document
    acknowledged, refused or known to be unchanged, and what the source no longer has was deleted. Raises an
    error of `ingest.errors` or `sources.errors` otherwise; the context's counts are exact either way.
    Returned is what the next sync can begin from, if it can.
    """
    sync = await Undertaking.begin(request, context)
    cursor = Cursor.from_wire(request.cursor)
    knows_index = sync.begun is not None and misfit(sync.cursor(sync.begun), cursor) is None
    if cursor is None or not knows_index or request.options.rewrite:
        await compare_everything(sync)
    else:
        comparison = DigestComparison(rules=request.rules, before=cursor.marks, marks=sync.marks)
        await _begin_from(sync, comparison)
    return await conclude(sync)


async def incremental_sync(request: SyncRequest, context: SyncContext) -> Cursor | None:
    """Make the index say what the source says, by what changed since the last sync that completed.

    Promises what `full_sync` does, under the assumptions of decision 14.
    """
    sync = await Undertaking.begin(request, context)
    cursor = Cursor.from_wire(request.cursor)
    reason = misfit(sync.cursor(sync.begun), cursor)
    if cursor is None or reason is not None:
        await compare_everything(sync, reason or "")
    else:
        comparison = ChangesComparison(
            known=KnownDocuments(client=context.client, index_name=request.index_name),
            rules=request.rules,
            before=cursor.marks,
            marks=sync.marks,
            map_fields=sync.map_fields,
            rewrites=request.options.rewrite,
        )
        await _begin_from(sync, comparison)
    return await conclude(sync)


async def _begin_from(sync: Undertaking, comparison: ChangesComparison | DigestComparison) -> None:
    """Settle what an earlier sync helps to settle, then compare the content of the other slices."""
    slices, stats = sync.prepared.slices, sync.context.stats
    sync.context.log.info(
        "sync.started",
        index=sync.request.index_name,
        slices=len(slices),
        compared_by=comparison.compared_by.value,
    )
    options = sync.request.options
    reader = Reader(
        comparison=comparison, delivery=sync.delivery, context=sync.context, readings=options.readings
    )
    await reader.read_all(slices, options.progress_seconds)
    stats.forget_slices(comparison.compared_by, comparison.refused)
    await indices.refresh(sync.context.client, sync.request.index_name)
    left = {**comparison.refused, **await counted_otherwise(sync)}
    for name in left:
        sync.marks.pop(name, None)
    if len(left) == len(slices) or any(slice_.scope is None for slice_ in slices if slice_.name in left):
        await compare_everything(sync, next(iter(left.values()), ""))
        return
    for slice_ in slices:
        if slice_.name in left:
            await compare_slice(sync, slice_, left[slice_.name])
