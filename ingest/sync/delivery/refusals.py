"""What is said at the end about documents that are not in the index although their rows were read."""

from ingest.errors import TooManyRejectionsError
from ingest.sync.request import SyncContext
from ingest.sync.stats import ComparedBy, SliceStats


def report(context: SyncContext) -> None:
    """Warn of each slice of which documents were refused, or left as they were.

    Raises TooManyRejectionsError if all documents of a slice were refused.
    """
    hopeless: list[str] = []
    read_whole = {one.name for one in context.stats.slices if one.compared_by is ComparedBy.CONTENT}
    for slice_ in context.stats.slices:
        is_whole = slice_.compared_by is ComparedBy.CONTENT
        if not slice_.tally.rejected and not slice_.tally.stale:
            continue
        if slice_.name in read_whole and not is_whole:
            continue  # its documents were sent once more since
        sentence = _sentence(slice_)
        context.stats.warnings.append(sentence)
        context.log.warning("slice.refused", **slice_.refused_to_wire(), dropped=slice_.tally.dropped)
        if is_whole and slice_.tally.is_refused_whole:
            hopeless.append(sentence)
    if hopeless:
        raise TooManyRejectionsError(" ".join(hopeless))


def _sentence(slice_: SliceStats) -> str:
    tally = slice_.tally
    said = []
    if tally.rejected:
        ids = ", ".join(one.id for one in tally.refusals)
        reasons = {f"{one.error_type}: {one.reason}": None for one in tally.refusals}
        said.append(
            f"{slice_.name}: Elasticsearch refused {tally.rejected} of {tally.read} documents, such as {ids} "
            f"({' '.join(reasons)}). Correct the mapping or the data."
        )
    else:
        said.append(f"{slice_.name}: the ingest pipeline dropped {tally.dropped} documents.")
    if tally.stale:
        said.append(f"Of {tally.stale} of them an old version stays in the index.")
    return " ".join(said)
