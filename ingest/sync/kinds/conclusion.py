"""The end of a sync: what it came to, and what the next one can begin from.

A checkpoint is kept only if the index holds as many documents of its slice as there were rows, none of them
was refused, and every write to the index since the beginning was one of ours.
"""

from ingest.elasticsearch import indices
from ingest.elasticsearch.indices import ShardState
from ingest.sync.comparison.cursor import Checkpoint, Cursor
from ingest.sync.delivery.rejections import report_rejections
from ingest.sync.run import SyncRun
from ingest.sync.task_group import task_group

MOST_COUNTED = 1_000
"""How many slices are counted one by one at most, where their sum is not what it should be."""


async def conclude(sync: SyncRun) -> Cursor | None:
    """Make everything visible, count it, and return what the next sync can begin from.

    Whose job it is by now is looked up once more when its ending is written.
    """
    context, request, stats = sync.context, sync.request, sync.context.stats
    await indices.refresh(context.client, request.index_name)
    await indices.require_same(context.client, sync.prepared.index)
    async with task_group() as group:
        total = group.create_task(indices.count(context.client, request.index_name))
        ours = group.create_task(sync.inventory().count())
        # Somebody who writes after this look makes the next job begin with other states.
        ended = group.create_task(indices.shard_states(context.client, sync.prepared.index))
    stats.total_documents = total.result()
    report_rejections(context)
    cursor = await _cursor(sync, ours.result(), ended.result())
    context.log.debug("sync.finished", total=stats.total_documents, **stats.counts())
    return cursor


async def miscounted(sync: SyncRun) -> dict[str, str]:
    """Return, with the reason, slices with a checkpoint whose count of documents is wrong or unknown.

    The index is refreshed. Counts all documents of the source at once, and slice by slice only if need be.
    """
    expected = _expected(sync)
    is_complete = len(expected) == len(sync.prepared.slices)
    # Where nobody tells whether others wrote, what they deleted of one slice can make up for another's rows.
    sum_tells = sync.begun is not None or len(expected) > MOST_COUNTED
    if sum_tells and is_complete and await sync.inventory().count() == sum(expected.values()):
        return {}
    found = {}
    for slice_ in sync.prepared.slices:
        if slice_.name not in expected:
            continue
        count = None if slice_.scope is None else await sync.inventory(slice_).count()
        if count is None:
            found[slice_.name] = "Its documents cannot be counted."
        elif count != expected[slice_.name]:
            found[slice_.name] = f"It has {sync.checkpoints[slice_.name].rows} rows and {count} documents."
    return found


def _expected(sync: SyncRun) -> dict[str, int]:
    """Return how many documents each slice with a checkpoint should have.

    A row whose document was refused in this job has none, and would hide one whose row is gone.
    """
    lacking = {one.name: one.tally.lacking for one in sync.context.stats.slices}
    return {name: checkpoint.rows - lacking.get(name, 0) for name, checkpoint in sync.checkpoints.items()}


async def _cursor(sync: SyncRun, ours: int | None, ended: tuple[ShardState, ...] | None) -> Cursor | None:
    if not is_ours_alone(sync, ended):
        reason = "Somebody else wrote to the index while this job ran, or a request was sent twice."
        sync.context.log.info("sync.leaves_no_cursor", reason=reason)
        return None
    checkpoints = await _proven(sync, ours)
    useful = {name: one for name, one in checkpoints.items() if one.position or one.sums}
    sync.checkpoints.clear()
    sync.checkpoints.update(useful)
    return sync.cursor(ended) if useful else None


def is_ours_alone(sync: SyncRun, ended: tuple[ShardState, ...] | None) -> bool:
    """Whether the index's writes since the beginning are as many as were acknowledged to us."""
    begun = sync.begun
    if begun is None or ended is None:
        return begun is None and ended is None
    if [one.history for one in begun] != [one.history for one in ended]:
        return False
    written = sum(one.max_seq_no for one in ended) - sum(one.max_seq_no for one in begun)
    return written == sync.context.stats.written


async def _proven(sync: SyncRun, ours: int | None) -> dict[str, Checkpoint]:
    """Return the checkpoints of the slices whose documents were found to be exactly their rows."""
    if ours is None:
        return {}
    stats, checkpoints = sync.context.stats, sync.checkpoints
    doubtful = {one.name for one in stats.slices if one.tally.rejected or one.tally.dropped}
    if not doubtful and len(checkpoints) == len(sync.prepared.slices) and ours == _rows(checkpoints):
        return dict(checkpoints)
    if len(checkpoints) > MOST_COUNTED:
        return {}
    doubtful |= set(await miscounted(sync))
    return {name: checkpoint for name, checkpoint in checkpoints.items() if name not in doubtful}


def _rows(checkpoints: dict[str, Checkpoint]) -> int:
    return sum(checkpoint.rows for checkpoint in checkpoints.values())
