"""Begins where an earlier sync ended: compares by history where that proves enough, by content elsewhere."""

from ingest.elasticsearch import indices
from ingest.sync.comparison.by_history import ChangesComparison, DigestComparison
from ingest.sync.kinds.conclusion import miscounted
from ingest.sync.kinds.reconciliation import reconcile_all, reconcile_slices
from ingest.sync.reading import Reader
from ingest.sync.run import SyncRun


async def continue_from(sync: SyncRun, comparison: ChangesComparison | DigestComparison) -> None:
    """Compare each slice by its history, then by content those for which that was refused or miscounted."""
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
    left = {**comparison.refused, **await miscounted(sync)}
    for name in left:
        sync.checkpoints.pop(name, None)
    if len(left) == len(slices) or any(slice_.scope is None for slice_ in slices if slice_.name in left):
        await reconcile_all(sync, next(iter(left.values()), ""))
        return
    await reconcile_slices(sync, [slice_ for slice_ in slices if slice_.name in left], left)
