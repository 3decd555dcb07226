"""Running totals of a job that reads its slices repeatedly: one entry a slice, however long it runs."""

from ingest.sync.progress.stats import COUNTS, REFUSALS_SHOWN, SliceStats, Stats


def add_to_totals(stats: Stats) -> None:
    """Add what was counted of each slice to what was counted of it before."""
    for one in stats.slices:
        known = stats.earlier.setdefault((one.name, one.compared_by), one)
        if known is not one:
            _add(known, one)
    stats.slices.clear()


def _add(known: SliceStats, later: SliceStats) -> None:
    for name in COUNTS:
        setattr(known.tally, name, known.shown(name) + later.shown(name))
    known.tally.skipped = later.tally.skipped
    known.tally.refusals = [*known.tally.refusals, *later.tally.refusals][-REFUSALS_SHOWN:]
    known.started_at, known.finished_at = later.started_at, later.finished_at
    known.reason, known.estimated_rows = later.reason, later.estimated_rows
