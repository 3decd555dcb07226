"""The benchmark `follow`: every measure both ways, one after the other, against the targets."""

from collections.abc import Sequence

from benchmarks.figures import Check, Report, Row
from benchmarks.follow.follower import LOG
from benchmarks.follow.load import load
from benchmarks.follow.measures import MEASURES, Sizes
from benchmarks.sink import Sink

LEAST_CHANGES_PER_SECOND = 10_000
MOST_AGE_MS = 1_000
MOST_GROWN_MIB = 8
MOST_PEAK_MIB = 200
MOST_IDLE_PERCENT = 0.5

Target = tuple[str, str, float, str]
TARGETS: Sequence[Target] = (
    ("sustained", "changes/s", LEAST_CHANGES_PER_SECOND, ""),
    ("steady", "p95 ms", MOST_AGE_MS, " ms"),
    ("steady", "grown MiB", MOST_GROWN_MIB, " MiB"),
    ("large", "peak MiB", MOST_PEAK_MIB, " MiB"),
    ("idle", "% of a core", MOST_IDLE_PERCENT, " %"),
)
"""Of following the log: measure, figure, target and its unit. All but the first are ceilings."""


def measured(sink: Sink, sizes: Sizes, parts: Sequence[str], ways: Sequence[str]) -> Report:
    """Measure these parts of following, in these ways."""
    found = {}
    with load() as changing:
        for part in parts:
            for way in ways:
                found[part, way] = MEASURES[part](changing, sink, way, sizes)
    checks = [
        Check(
            name=f"{part}, {figure}",
            value=found[part, LOG][figure],
            target=target,
            is_ceiling=part != "sustained",
            unit=unit,
        )
        for part, figure, target, unit in TARGETS
        if (part, LOG) in found
    ]
    rows = [Row(name=f"{part}, {way}", figures=figures) for (part, way), figures in found.items()]
    return Report(
        name=f"follow, {sizes.rows:,} rows, {sizes.large:,} at once, {sizes.seconds:.0f} s",
        rows=rows,
        checks=checks,
    )
