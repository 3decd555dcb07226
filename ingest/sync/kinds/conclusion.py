"""The end of a sync: what it came to, and what the next one can begin from.

A checkpoint is kept only if the index holds as many documents of its slice as there were rows, none of them
was refused, and every write to the index since the beginning was one of ours.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ingest.elasticsearch import indices
from ingest.elasticsearch.indices import ShardState
from ingest.sync.comparison.checkpoints import Checkpoint
from ingest.sync.comparison.cursor import Cursor
from ingest.sync.delivery.rejections import report_rejections
from ingest.sync.index.scope import MOST_PARTS
from ingest.sync.run import SyncRun
from ingest.sync.task_group import task_group
from sources.contract import Slice

MOST_COUNTED: Final = 1_000
"""How many slices are counted one by one at most, where Elasticsearch does not tell of others' writes."""
GROUPS: Final = (MOST_PARTS, 20, 1)
"""How many slices are counted at once, and then, if one of them is not as it should be, and then."""
UNCOUNTABLE: Final = "Its documents cannot be counted."


async def conclude(sync: SyncRun, counted: int | None = None) -> Cursor | None:
    """Make everything visible, count it, and return what the next sync can begin from.

    `counted` is what a reconciliation of everything found right before, in the refreshed index. Whose job it
    is by now is looked up once more when its ending is written.
    """
    context, request, stats = sync.context, sync.request, sync.context.stats
    if sync.begun is None:
        counted = None  # nobody tells whether others wrote since
    if counted is None:
        await indices.refresh(context.client, request.index_name)
    await indices.require_same(context.client, sync.prepared.index)
    async with task_group() as group:
        total = group.create_task(indices.count(context.client, request.index_name))
        ours = group.create_task(_ours(sync, counted))
        # Somebody who writes after this look makes the next job begin with other states.
        ended = group.create_task(indices.shard_states(context.client, sync.prepared.index))
    stats.total_documents = total.result()
    report_rejections(context)
    cursor = await _cursor(sync, ours.result(), ended.result())
    context.log.debug("sync.finished", total=stats.total_documents, **stats.counts())
    return cursor


async def _ours(sync: SyncRun, counted: int | None) -> int | None:
    return await sync.inventory().count() if counted is None else counted


async def miscounted(sync: SyncRun) -> dict[str, str]:
    """Return, with the reason, slices with a checkpoint whose count of documents is wrong or unknown.

    The index is refreshed. Counts all documents of the source at once, and parts of them only if need be.
    """
    expected = _expected(sync)
    is_complete = len(expected) == len(sync.prepared.slices)
    # Where nobody tells whether others wrote, what they deleted of one slice can make up for another's rows.
    sum_tells = sync.begun is not None or len(expected) > MOST_COUNTED
    if sum_tells and is_complete and await sync.inventory().count() == sum(expected.values()):
        return {}
    asked = [one for one in sync.prepared.slices if one.name in expected]
    found = {one.name: UNCOUNTABLE for one in asked if one.scope is None}
    countable = [one for one in asked if one.scope is not None]
    counts = await _unequal(sync, countable, expected, GROUPS if sync.begun is not None else GROUPS[-1:])
    for name, count in counts.items():
        rows = sync.checkpoints[name].rows
        found[name] = UNCOUNTABLE if count is None else f"It has {rows} rows and {count} documents."
    return found


async def _unequal(
    sync: SyncRun, slices: Sequence[Slice], expected: Mapping[str, int], sizes: Sequence[int]
) -> dict[str, int | None]:
    """Return slices that have not as many documents as expected, and how many they have.

    Counts them in groups of the first of these sizes, and a group whose sum is wrong in groups of the next.
    No slice has fewer than expected, for every row's document was acknowledged; so a sum that is right is
    right for each. That nobody else deleted documents the writes tell in the end.
    """
    size, *smaller = sizes
    found: dict[str, int | None] = {}
    for start in range(0, len(slices), size):
        some = slices[start : start + size]
        count = await sync.inventory(*some).count()
        if count == sum(expected[one.name] for one in some):
            continue
        if smaller and count is not None:
            found |= await _unequal(sync, some, expected, smaller)
        else:
            found |= {one.name: count for one in some}
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
    if sync.begun is None and len(checkpoints) > MOST_COUNTED:
        return {}
    doubtful |= set(await miscounted(sync))
    return {name: checkpoint for name, checkpoint in checkpoints.items() if name not in doubtful}


def _rows(checkpoints: dict[str, Checkpoint]) -> int:
    return sum(checkpoint.rows for checkpoint in checkpoints.values())
