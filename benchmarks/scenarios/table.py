"""All scenarios by name: those of `speed` and `costs`, and here those that a module of its own measures."""

from collections.abc import Callable, Mapping

from benchmarks import cluster as real
from benchmarks import load
from benchmarks.arena import Arena
from benchmarks.datasets import SHAPES
from benchmarks.feed import measured as feed_measured
from benchmarks.figures import Check, Report, Row
from benchmarks.follow.follower import WAYS
from benchmarks.follow.measures import MEASURES, Sizes
from benchmarks.follow.scenario import measured as follow_measured
from benchmarks.idle import measured as idle_measured
from benchmarks.scenarios.costs import cpu_split, event_loop_latency, huge_value, memory, tables
from benchmarks.scenarios.request import Request
from benchmarks.scenarios.speed import changed_1_percent, cold, embedded, incremental, sink, unchanged
from benchmarks.tasks import MEBIBYTE

IDLE_CONNECTORS = 100
MOST_IDLE_PERCENT = 1.0
FEED_CHANGES = 100_000
LEAST_CHANGES_PER_SECOND = 10_000
MOST_CHANGE_AGE_MS = 1_000
FOLLOWED_ROWS = 100_000


def idle(arena: Arena, request: Request) -> Report:
    """A service whose connectors have nothing to do: the share of a core it takes; --rows is how many."""
    connectors = request.rows or IDLE_CONNECTORS
    share, resident = idle_measured(connectors)
    checks = [
        Check(name="of a core", value=100 * share, target=MOST_IDLE_PERCENT, is_ceiling=True, unit=" %")
    ]
    shown = {"connectors": connectors, "% of a core": 100 * share, "resident MiB": resident / MEBIBYTE}
    return Report(name="idle", rows=[Row(name="", figures=shown)], checks=checks)


def feed(arena: Arena, request: Request) -> Report:
    """Changes as the log tells them: rate, age at a steady load, a large transaction; --rows is how many."""
    changes = request.rows or FEED_CHANGES
    rows = feed_measured(changes)
    rate, steady = rows[1].figures["changes/s"], rows[2].figures["p95 ms"]
    checks = [
        Check(name="changes/s, rows read", value=rate, target=LEAST_CHANGES_PER_SECOND),
        Check(name="p95 at 1,000/s", value=steady, target=MOST_CHANGE_AGE_MS, is_ceiling=True, unit=" ms"),
    ]
    return Report(name=f"feed, {changes:,} single-row transactions", rows=rows, checks=checks)


def follow(arena: Arena, request: Request) -> Report:
    """A job that follows, by log and by polling; --rows, --part, --way, --minutes for what lasts."""
    rows = request.rows or FOLLOWED_ROWS
    sizes = Sizes(rows=rows, changes=rows, large=10 * rows, seconds=60 * request.minutes)
    return follow_measured(arena.sink, sizes, request.parts or [*MEASURES], request.ways or WAYS)


def cluster(arena: Arena, request: Request) -> Report:
    """A first sync into a real Elasticsearch: beside a raw loader of its documents, and other choices."""
    shape = SHAPES["plain"] if request.shape == "narrow" else request.asked_shape
    return real.measured(arena, shape, request.count(shape), request.repeats)


def cluster_share(arena: Arena, request: Request) -> Report:
    """A first sync into a real Elasticsearch and a raw loader of its documents, in turns."""
    shape = SHAPES["plain"] if request.shape == "narrow" else request.asked_shape
    return real.share(arena, shape, request.count(shape), request.repeats, apart=request.apart)


def waiting(arena: Arena, request: Request) -> Report:
    """A service of 200 connectors for which jobs wait; --rows is how many."""
    return load.waiting(request.rows or load.WAITING_JOBS)


def syncs(arena: Arena, request: Request) -> Report:
    """Full syncs one after another in one process: what it holds does not grow; --rows is how many."""
    return load.syncs(request.rows or load.SYNCS)


def live_tables(arena: Arena, request: Request) -> Report:
    """A running service over a database of many tables; --rows is how many."""
    return load.live_tables(request.rows or load.LIVE_TABLES)


def columns(arena: Arena, request: Request) -> Report:
    """Rows of 1,600 columns, the most PostgreSQL allows."""
    return load.columns(arena, request.rows or load.COLUMN_ROWS)


def values(arena: Arena, request: Request) -> Report:
    """A value of up to a GB in a row: it stays in PostgreSQL, is counted, and costs no memory."""
    return load.values(arena)


SCENARIOS: Mapping[str, Callable[[Arena, Request], Report]] = {
    scenario.__name__: scenario
    for scenario in (
        cold,
        unchanged,
        changed_1_percent,
        incremental,
        tables,
        memory,
        huge_value,
        cpu_split,
        event_loop_latency,
        sink,
        embedded,
        cluster,
        cluster_share,
        idle,
        feed,
        follow,
        waiting,
        syncs,
        live_tables,
        columns,
        values,
    )
}
