"""A full sync: makes the index say what the source says, without trusting what the index should hold.

    begin -> does the cursor fit? -> slices whose digest is unchanged -> the rest by content -> conclude
                    | no                                                                           |
                    +--> everything by content ------------------------------------> a new cursor

Only a digest over all rows, equal to the one of an earlier job, spares a slice the comparison by content.
"""

from ingest.sync.comparison.by_history import DigestComparison
from ingest.sync.comparison.cursor import Cursor, incompatibility
from ingest.sync.kinds.conclusion import conclude
from ingest.sync.kinds.continuation import continue_from
from ingest.sync.kinds.reconciliation import reconcile_all
from ingest.sync.request import SyncContext, SyncRequest
from ingest.sync.run import SyncRun


async def full_sync(request: SyncRequest, context: SyncContext) -> Cursor | None:
    """Make the index say what the source says, whatever either held before.

    Returns only if every row was read, or proven by its slice's digest to be what it was, and every document
    acknowledged, refused or known to be unchanged, and what the source no longer has was deleted. Raises an
    error of `ingest.errors` or `sources.errors` otherwise; the context's counts are exact either way.
    Returned is what the next sync can begin from, if it can.
    """
    sync = await SyncRun.begin(request, context)
    cursor = await Cursor.from_wire(request.cursor)
    knows_index = sync.begun is not None and incompatibility(sync.cursor(sync.begun), cursor) is None
    counted = None
    if cursor is None or not knows_index or request.options.rewrite:
        counted = await reconcile_all(sync)
    else:
        comparison = DigestComparison(
            rules=request.rules, before=cursor.checkpoints, checkpoints=sync.checkpoints
        )
        await continue_from(sync, comparison)
    return await conclude(sync, counted)
