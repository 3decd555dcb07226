"""What is measured of one process that follows in one way: each measure fills the table anew."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.follow.follower import following
from benchmarks.follow.load import Load
from benchmarks.sink import Sink
from benchmarks.tasks import MEBIBYTE

STEADY_PER_SECOND = 1_000
SAMPLE_SECONDS = 1.0
LOOK_SECONDS = 0.05
SETTLE_SECONDS = 6.0
"""After catching up, before an idle process is watched."""
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is done."""

    rows: int
    """Of the table."""
    changes: int
    """Made one after the other as fast as the server can."""
    large: int
    """Rows changed in one transaction."""
    seconds: float
    """How long rows change steadily, and how long nothing changes."""


Measure = Callable[[Load, Sink, str, Sizes], Mapping[str, float]]


def sustained(load: Load, sink: Sink, way: str, sizes: Sizes) -> Mapping[str, float]:
    """Single-row transactions as fast as the server can: until the last is acknowledged; who works."""
    load.fill(sizes.rows)
    sink.configure(forget=True, keep=True)
    with following(load, sink.url, way) as follower:
        sink.configure(exists=True, keep=True)
        began, before = time.perf_counter(), (follower.cpu_seconds, load.cpu_seconds)
        writing = load.change(sizes.changes)
        counted = _until_acknowledged(sink, load)
        seconds = time.perf_counter() - began
        writing.result()
        spent = (follower.cpu_seconds - before[0], load.cpu_seconds - before[1])
        peak = follower.peak_bytes
        follower.end()
    micro = 1e6 / sizes.changes
    return {
        "changes/s": sizes.changes / seconds,
        "service us": spent[0] * micro,
        "PostgreSQL us": spent[1] * micro,
        "sink us": counted["cpu_seconds"] * micro,
        "documents a bulk": counted["indexed"] / counted["bulks"],
        "peak MiB": peak / MEBIBYTE,
    }


def steady(load: Load, sink: Sink, way: str, sizes: Sizes) -> Mapping[str, float]:
    """A thousand changes a second: their age when they are acknowledged, and whether memory grows."""
    load.fill(sizes.rows)
    sink.configure(forget=True, keep=True)
    with following(load, sink.url, way) as follower:
        sink.configure(exists=True, keep=True)
        before = follower.cpu_seconds
        writing = load.change_steadily(STEADY_PER_SECOND, sizes.seconds)
        resident = []
        while not writing.done():
            time.sleep(SAMPLE_SECONDS)
            resident.append(follower.resident_bytes / MEBIBYTE)
        counted = _until_acknowledged(sink, load)
        share = (follower.cpu_seconds - before) / sizes.seconds
        peak = follower.peak_bytes
        follower.end()
    ages = Counter({int(age): count for age, count in counted["ages_ms"].items()})
    fifth = max(1, len(resident) // 5)
    return {
        "changes/s": ages.total() / sizes.seconds,
        **{f"p{share} ms": percentile(ages, share / 100) for share in (50, 95, 99)},
        "% of a core": 100 * share,
        "resident MiB": median(resident[-fifth:]),
        "grown MiB": median(resident[-fifth:]) - median(resident[fifth : 2 * fifth] or resident),
        "peak MiB": peak / MEBIBYTE,
    }


def large(load: Load, sink: Sink, way: str, sizes: Sizes) -> Mapping[str, float]:
    """Every row changes in one transaction: until the last is acknowledged, and the most memory."""
    load.fill(sizes.large)
    sink.configure(forget=True, keep=True)
    with following(load, sink.url, way) as follower:
        sink.configure(exists=True, keep=True)
        follower.forget_peak()
        resting, before = follower.resident_bytes, (follower.cpu_seconds, load.cpu_seconds)
        load.change_at_once().result()
        began = time.perf_counter()
        while _counted(sink)["indexed"] < sizes.large:
            time.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - began
        spent = (follower.cpu_seconds - before[0], load.cpu_seconds - before[1])
        peak = follower.peak_bytes
        follower.end()
    micro = 1e6 / sizes.large
    return {
        "changes/s": sizes.large / seconds,
        "seconds from commit": seconds,
        "service us": spent[0] * micro,
        "PostgreSQL us": spent[1] * micro,
        "resident MiB": resting / MEBIBYTE,
        "peak MiB": peak / MEBIBYTE,
    }


def idle(load: Load, sink: Sink, way: str, sizes: Sizes) -> Mapping[str, float]:
    """Nothing changes: the share of a core that following takes."""
    load.fill(sizes.rows)
    sink.configure(forget=True, keep=True)
    with following(load, sink.url, way) as follower:
        time.sleep(SETTLE_SECONDS)
        before = (follower.cpu_seconds, load.cpu_seconds)
        time.sleep(sizes.seconds)
        spent = (follower.cpu_seconds - before[0], load.cpu_seconds - before[1])
        resident = follower.resident_bytes
        follower.end()
    return {
        "% of a core": 100 * spent[0] / sizes.seconds,
        "PostgreSQL %": 100 * spent[1] / sizes.seconds,
        "resident MiB": resident / MEBIBYTE,
    }


MEASURES: Mapping[str, Measure] = {one.__name__: one for one in (sustained, steady, large, idle)}


def percentile(ages: Counter[int], share: float) -> float:
    """Return the age that this share of the changes do not exceed."""
    passed = 0
    for age in sorted(ages):
        passed += ages[age]
        if passed >= share * ages.total():
            return float(age)
    raise ValueError("Nothing was acknowledged.")


def _until_acknowledged(sink: Sink, load: Load) -> dict[str, Any]:
    """Wait until the sink has the newest change; return what it counted."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (counted := _counted(sink))["newest_change"] < load.newest:
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"Change {load.newest} has not come; the newest is {counted['newest_change']}."
            )
        time.sleep(LOOK_SECONDS)
    return counted


def _counted(sink: Sink) -> dict[str, Any]:
    counted = sink.counters()
    if counted["unknown"]:
        raise ValueError(f"the sink could not answer {counted['unknown']}")
    return counted
