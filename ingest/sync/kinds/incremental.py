"""An incremental sync: applies what changed since the last job that completed.

begin -> does the cursor fit? -> rows changed since, by slice -> the rest by content -> conclude
                | no                                                                      |
                +--> everything by content -------------------------------> a new cursor
"""

from ingest.sync.comparison.by_history import ChangesComparison
from ingest.sync.comparison.cursor import Cursor, incompatibility
from ingest.sync.index.known_documents import KnownDocuments
from ingest.sync.kinds.conclusion import conclude
from ingest.sync.kinds.continuation import continue_from
from ingest.sync.kinds.reconciliation import reconcile_all
from ingest.sync.request import SyncContext, SyncRequest
from ingest.sync.run import SyncRun


async def incremental_sync(request: SyncRequest, context: SyncContext) -> Cursor | None:
    """Make the index say what the source says, by what changed since the last sync that completed.

    Promises what `full_sync` does, under the assumptions of decision 14.
    """
    sync = await SyncRun.begin(request, context)
    await catch_up(sync)
    return await conclude(sync)


async def catch_up(sync: SyncRun) -> None:
    """Settle what changed since the last sync that completed; `conclude` says what that came to."""
    request, context = sync.request, sync.context
    cursor = await Cursor.from_wire(request.cursor)
    reason = incompatibility(sync.cursor(sync.begun), cursor)
    if cursor is None or reason is not None:
        await reconcile_all(sync, reason or "")
    else:
        comparison = ChangesComparison(
            known=KnownDocuments(client=context.client, index_name=request.index_name),
            rules=request.rules,
            before=cursor.checkpoints,
            checkpoints=sync.checkpoints,
            map_fields=sync.map_fields,
            rewrites=request.options.rewrite,
        )
        await continue_from(sync, comparison)
