"""The benchmarks by name. Each makes its table, lets the contestants run in turns and reports medians.

Turns matter: a machine that is busy for a moment then slows both contestants, and the ratio stays.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import cluster as real
from benchmarks import embedded_elasticsearch, figures, following, load
from benchmarks import idle as nothing_to_do
from benchmarks.arena import Arena, Run
from benchmarks.datasets import HUGE_VALUE_BYTES, SHAPES, Shape
from benchmarks.figures import Check, Report, Row
from benchmarks.follow import scenario as staying
from benchmarks.follow.follower import WAYS
from benchmarks.follow.measures import MEASURES, Sizes
from benchmarks.tasks import MEBIBYTE
from ingest.config import Bulk

LEAST_SHARE_OF_YARDSTICK = 0.6
LEAST_DOCUMENTS_PER_SECOND = 250_000
LEAST_GAIN_UNCHANGED = 3.0
LEAST_GAIN_INCREMENTAL = 10.0
LEAST_GAIN_BY_DIGEST = 3.0
MOST_MILLISECONDS_A_TABLE = 15.0
MOST_PEAK_MIB = 150
MOST_GROWTH_MIB = 16
MOST_BYTES_A_DOCUMENT = 20
MOST_LATE_SECONDS = 0.05
HOLD_SECONDS = 3.0
IDLE_CONNECTORS = 100
MOST_IDLE_PERCENT = 1.0
FEED_CHANGES = 100_000
LEAST_CHANGES_PER_SECOND = 10_000
MOST_CHANGE_AGE_MS = 1_000
FOLLOWED_ROWS = 100_000
BEAT_TOLERANCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asked for."""

    rows: int | None = None
    shape: str = "narrow"
    repeats: int = 3
    minutes: float = 0.5
    """How long what takes its time lasts."""
    parts: Sequence[str] = ()
    """Which measures of `follow`; all if none is named."""
    ways: Sequence[str] = ()

    @property
    def asked_shape(self) -> Shape:
        """The shape of the table."""
        return SHAPES[self.shape]

    def count(self, shape: Shape) -> int:
        """How many rows the table has."""
        return self.rows or shape.rows


def cold(arena: Arena, request: Request) -> Report:
    """Every document is new: the engine against the bare loop."""
    shape = request.asked_shape
    rows = request.count(shape)
    table = arena.table(shape, rows)
    runs = _in_turns(request.repeats, _bare(arena, table, rows), _cold(arena, table, rows))
    share = figures.middle(runs["cold sync"], _speed) / figures.middle(runs["bare loop"], _speed)
    checks = [
        Check(name="share of the bare loop's speed", value=share, target=LEAST_SHARE_OF_YARDSTICK),
        _bulk_ceiling(runs["cold sync"]),
    ]
    if shape.name == "narrow":
        speed = figures.middle(runs["cold sync"], _speed)
        checks.append(Check(name="docs/s", value=speed, target=LEAST_DOCUMENTS_PER_SECOND))
    return Report(name=f"cold, {shape.name}, {rows:,} rows", rows=_rows(runs), checks=checks)


def unchanged(arena: Arena, request: Request) -> Report:
    """Every document is in the index with the same hash: nothing may be sent."""
    runs, name = _second_sync(arena, request, "unchanged", change_every=0)
    operations = max(run.sink["indexed"] + run.sink["deleted"] for run in runs["second sync"])
    gain = figures.middle(runs["second sync"], _speed) / figures.middle(runs["cold sync"], _speed)
    checks = [
        Check(name="times the speed of the cold sync", value=gain, target=LEAST_GAIN_UNCHANGED),
        Check(name="index operations", value=operations, target=0, is_ceiling=True),
    ]
    return Report(name=name, rows=_rows(runs), checks=checks)


def changed_1_percent(arena: Arena, request: Request) -> Report:
    """One document in a hundred is in the index with another hash: only these may be sent."""
    runs, name = _second_sync(arena, request, "changed_1_percent", change_every=100)
    expected = -(-runs["second sync"][0].rows // 100)
    operations = max(run.sink["indexed"] + run.sink["deleted"] for run in runs["second sync"])
    gain = figures.middle(runs["second sync"], _speed) / figures.middle(runs["cold sync"], _speed)
    checks = [Check(name="index operations", value=operations, target=expected, is_ceiling=True)]
    return Report(
        name=name,
        rows=_rows(runs),
        checks=checks,
        notes=[f"{figures.show(gain)} times the speed of the cold sync"],
    )


def incremental(arena: Arena, request: Request) -> Report:
    """What a job costs that begins where another ended: nothing changed, a hundredth changed, audited."""
    shape = request.asked_shape
    rows = request.count(shape)
    table = arena.table(shape, rows)
    runs: dict[str, list[Run]] = {}
    for number in range(request.repeats):
        # A sink that remembers is slower: the others are compared with a first sync into one that does not.
        turns = {"cold sync": arena.run("engine", table, rows, forget=True)}
        first = arena.run("engine", table, rows, remember=True, forget=True)
        turns["unchanged"] = again = arena.run(
            "engine", table, rows, exists=True, job="incremental", begin_from=first
        )
        audit = arena.run("engine", table, rows, exists=True, begin_from=again)
        turns["full, unchanged"] = arena.run("engine", table, rows, exists=True, begin_from=audit)
        arena.execute(shape.change(number))
        turns["1% changed"] = arena.run(
            "engine", table, rows, exists=True, job="incremental", begin_from=turns["full, unchanged"]
        )
        for name, run in turns.items():
            runs.setdefault(name, []).append(run)
    speed = {name: figures.middle(found, _speed) for name, found in runs.items()}
    searches = max(_searches(run) for name in ("unchanged", "full, unchanged") for run in runs[name])
    checks = [
        Check(name="unchanged", value=speed["unchanged"] / speed["cold sync"], target=LEAST_GAIN_INCREMENTAL),
        Check(
            name="full, unchanged",
            value=speed["full, unchanged"] / speed["cold sync"],
            target=LEAST_GAIN_BY_DIGEST,
        ),
        Check(name="searches of the index", value=searches, target=0, is_ceiling=True),
    ]
    gain = figures.show(speed["1% changed"] / speed["cold sync"])
    notes = [f"targets are times the speed of the cold sync; with 1% changed it is {gain}"]
    name = f"incremental, {shape.name}, {rows:,} rows"
    return Report(name=name, rows=_rows(runs), checks=checks, notes=notes)


def tables(arena: Arena, request: Request) -> Report:
    """Many tables of a row each: what a table costs besides its rows."""
    count = request.rows or 1_000
    names = arena.tables(count)
    runs: dict[str, list[Run]] = {"first sync": [], "incremental, unchanged": []}
    for _ in range(request.repeats):
        first = arena.run("engine", names, count, remember=True, forget=True)
        again = arena.run("engine", names, count, exists=True, job="incremental", begin_from=first)
        runs["first sync"].append(first)
        runs["incremental, unchanged"].append(again)
    checks = [
        Check(
            name=f"{name}, processor time of service and PostgreSQL a table",
            value=figures.middle(
                found, lambda run: 1000 * (run.outcome.cpu_seconds + run.postgresql_cpu_seconds) / count
            ),
            target=MOST_MILLISECONDS_A_TABLE,
            is_ceiling=True,
            unit=" ms",
        )
        for name, found in runs.items()
    ]
    return Report(name=f"tables, {count:,} of a row each", rows=_rows(runs), checks=checks)


def memory(arena: Arena, request: Request) -> Report:
    """Peak resident memory of a fresh process at N and ten times N rows, for a first and a second sync."""
    few = request.count(SHAPES["narrow"])
    runs: dict[str, list[Run]] = {}
    for rows in (few, 10 * few):
        table = arena.table(SHAPES["narrow"], rows)
        runs[f"bare loop, {rows:,}"] = [_bare(arena, table, rows)[1]()]
        runs[f"first sync, {rows:,}"] = [arena.run("engine", table, rows, remember=True, forget=True)]
        runs[f"second sync, {rows:,}"] = [arena.run("engine", table, rows, exists=True)]
        arena.sink.configure(forget=True)
    checks = []
    for kind in ("first", "second"):
        small, large = (_peak(runs[f"{kind} sync, {rows:,}"][0]) for rows in (few, 10 * few))
        room = MOST_GROWTH_MIB + MOST_BYTES_A_DOCUMENT * 9 * few / MEBIBYTE
        checks += [
            Check(name=f"{kind} sync, peak", value=small, target=MOST_PEAK_MIB, is_ceiling=True, unit=" MiB"),
            Check(
                name=f"{kind} sync, growth", value=large - small, target=room, is_ceiling=True, unit=" MiB"
            ),
        ]
    resting = runs[f"first sync, {few:,}"][0].outcome.resting_bytes / MEBIBYTE
    notes = [f"{figures.show(resting)} MiB of it before the first row: the interpreter and its modules"]
    return Report(
        name=f"memory, narrow, {few:,} and {10 * few:,} rows", rows=_rows(runs), checks=checks, notes=notes
    )


def huge_value(arena: Arena, request: Request) -> Report:
    """One value of 50 MB among ordinary rows: no request above the limit, memory bounded."""
    runs: dict[str, list[Run]] = {}
    for shape in (SHAPES["narrow"], SHAPES["huge"]):
        rows = request.count(shape)
        table = arena.table(shape, rows)
        runs |= {
            f"{name}, {shape.name}": found
            for name, found in _in_turns(
                request.repeats, _bare(arena, table, rows), _cold(arena, table, rows)
            ).items()
        }
    checks = [
        _bulk_ceiling(runs["cold sync, huge"]),
        Check(
            name="peak",
            value=figures.middle(runs["cold sync, huge"], _peak),
            target=MOST_PEAK_MIB,
            is_ceiling=True,
            unit=" MiB",
        ),
    ]
    size = HUGE_VALUE_BYTES / 1e6
    return Report(name=f"huge_value, one of {size:.0f} MB", rows=_rows(runs), checks=checks)


def cpu_split(arena: Arena, request: Request) -> Report:
    """Where the processor time of a document goes: service, PostgreSQL, and the sink for comparison."""
    rows = []
    for shape in (SHAPES["narrow"], SHAPES["wide"], SHAPES["text"]):
        count = request.count(shape)
        table = arena.table(shape, count)
        runs = _in_turns(
            request.repeats,
            _bare(arena, table, count),
            _cold(arena, table, count),
            _second(arena, table, count),
        )
        for name, found in runs.items():
            rows.append(Row(name=f"{name}, {shape.name}", figures=_microseconds(found)))
    return Report(name="cpu_split, microseconds a document", rows=rows)


def event_loop_latency(arena: Arena, request: Request) -> Report:
    """How late a waiting task is woken during a sync, and whether heartbeats pass while bulks are held."""
    shape = request.asked_shape
    count = request.count(shape)
    table = arena.table(shape, count)

    def probed(contestant: str, **options: Any) -> Callable[[], Run]:
        return lambda: arena.run(contestant, table, count, probes=True, **options)

    runs = _in_turns(
        request.repeats,
        ("bare loop", probed("yardstick", forget=True)),
        ("cold sync", probed("engine", forget=True)),
        ("second sync", _after_first(arena, table, count, probed("engine", exists=True))),
        ("all bulks held", probed("engine", forget=True, hold_seconds=HOLD_SECONDS)),
    )
    rows = [Row(name=name, figures=_latencies(found)) for name, found in runs.items()]
    late = [
        time
        for name in ("cold sync", "second sync")
        for run in runs[name]
        for time in run.outcome.lateness_seconds
    ]
    beats = [time for run in runs["all bulks held"] for time in run.outcome.heartbeat_seconds]
    checks = [
        Check(
            name="99th percentile of the wait while syncing",
            value=1000 * figures.percentile(late, 0.99),
            target=1000 * MOST_LATE_SECONDS,
            is_ceiling=True,
            unit=" ms",
        ),
        Check(
            name=f"slowest heartbeat with all bulks held for {HOLD_SECONDS:.0f} s",
            value=1000 * max(beats),
            target=1000 * BEAT_TOLERANCE_SECONDS,
            is_ceiling=True,
            unit=" ms",
        ),
    ]
    return Report(name=f"event_loop_latency, {shape.name}, {count:,} rows", rows=rows, checks=checks)


def sink(arena: Arena, request: Request) -> Report:
    """The null sink alone, fed from memory: it must not be what limits the others."""
    rows = request.count(SHAPES["narrow"])
    table = arena.table(SHAPES["narrow"], rows)
    runs = _in_turns(
        request.repeats,
        ("from memory", lambda: arena.run("poster", table, rows)),
        _bare(arena, table, rows),
    )
    gain = figures.middle(runs["from memory"], _speed) / figures.middle(runs["bare loop"], _speed)
    notes = [f"{figures.show(gain)} times the speed of the bare loop"]
    return Report(name=f"sink, {rows:,} documents", rows=_rows(runs), notes=notes)


def embedded(arena: Arena, request: Request) -> Report:
    """The embedded Elasticsearch: how fast it starts, takes, keeps and gives documents, and is synced."""
    rows = request.rows or 1_000_000
    found = asyncio.run(embedded_elasticsearch.run(rows))
    synced = request.count(SHAPES["ten"])
    table = arena.table(SHAPES["ten"], synced)
    first, second = asyncio.run(
        embedded_elasticsearch.synced(
            lambda url: arena.outcome("engine", table, synced, into=url).seconds, times=2
        )
    )
    checks = [
        Check(name="documents indexed a second", value=found["index_documents_per_second"], target=50_000),
        Check(name="with discard", value=found["discard_documents_per_second"], target=100_000),
        Check(name="start", value=found["start_milliseconds"], target=300, is_ceiling=True, unit=" ms"),
        Check(name="memory", value=found["memory_mebibytes"], target=954, is_ceiling=True, unit=" MiB"),
        Check(
            name="first sync, share of plain indexing",
            value=synced / first / found["index_documents_per_second"],
            target=0.5,
        ),
        Check(name="second sync, times the speed of the first", value=first / second, target=1.0),
    ]
    names = ("index_documents_per_second", "discard_documents_per_second", "scan_documents_per_second")
    shown = {name.replace("_documents_per_second", " docs/s"): found[name] for name in names}
    shown |= {"first sync docs/s": synced / first, "second sync docs/s": synced / second}
    return Report(name=f"embedded, {rows:,} documents", rows=[Row(name="", figures=shown)], checks=checks)


def idle(arena: Arena, request: Request) -> Report:
    """A service whose connectors have nothing to do: the share of a core it takes; --rows is how many."""
    connectors = request.rows or IDLE_CONNECTORS
    share, resident = nothing_to_do.measured(connectors)
    checks = [
        Check(name="of a core", value=100 * share, target=MOST_IDLE_PERCENT, is_ceiling=True, unit=" %")
    ]
    shown = {"connectors": connectors, "% of a core": 100 * share, "resident MiB": resident / MEBIBYTE}
    return Report(name="idle", rows=[Row(name="", figures=shown)], checks=checks)


def feed(arena: Arena, request: Request) -> Report:
    """Changes as the log tells them: rate, age at a steady load, a large transaction; --rows is how many."""
    changes = request.rows or FEED_CHANGES
    rows = following.measured(changes)
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
    return staying.measured(arena.sink, sizes, request.parts or [*MEASURES], request.ways or WAYS)


def cluster(arena: Arena, request: Request) -> Report:
    """A first sync into a real Elasticsearch: beside a raw loader of its documents, and other choices."""
    shape = SHAPES["plain"] if request.shape == "narrow" else request.asked_shape
    return real.measured(arena, shape, request.count(shape), request.repeats)


def cluster_share(arena: Arena, request: Request) -> Report:
    """A first sync into a real Elasticsearch and a raw loader of its documents, in turns."""
    shape = SHAPES["plain"] if request.shape == "narrow" else request.asked_shape
    return real.share(arena, shape, request.count(shape), request.repeats)


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

Turn = tuple[str, Callable[[], Run]]


def _in_turns(repeats: int, *turns: Turn) -> dict[str, list[Run]]:
    """Let everyone run once, then everyone again: `repeats` times."""
    runs: dict[str, list[Run]] = {name: [] for name, _ in turns}
    for _ in range(repeats):
        for name, run in turns:
            runs[name].append(run())
    return runs


def _bare(arena: Arena, table: str, rows: int) -> Turn:
    return "bare loop", lambda: arena.run("yardstick", table, rows)


def _cold(arena: Arena, table: str, rows: int) -> Turn:
    return "cold sync", lambda: arena.run("engine", table, rows, forget=True)


def _second(arena: Arena, table: str, rows: int, change_every: int = 0) -> Turn:
    run = _after_first(
        arena, table, rows, lambda: arena.run("engine", table, rows, exists=True, change_every=change_every)
    )
    return "second sync", run


def _after_first(arena: Arena, table: str, rows: int, run: Callable[[], Run]) -> Callable[[], Run]:
    """Before `run`, sync once into an empty index and once more, so that the sink has rendered its pages."""

    def second() -> Run:
        arena.run("engine", table, rows, remember=True, forget=True)
        run()
        return run()

    return second


def _second_sync(
    arena: Arena, request: Request, name: str, *, change_every: int
) -> tuple[dict[str, list[Run]], str]:
    shape = request.asked_shape
    rows = request.count(shape)
    table = arena.table(shape, rows)
    runs = _in_turns(
        request.repeats,
        _bare(arena, table, rows),
        _cold(arena, table, rows),
        _second(arena, table, rows, change_every),
    )
    return runs, f"{name}, {shape.name}, {rows:,} rows"


def _rows(runs: Mapping[str, list[Run]]) -> list[Row]:
    return [Row(name=name, figures=figures.of_runs(found)) for name, found in runs.items()]


def _bulk_ceiling(runs: list[Run]) -> Check:
    biggest = max(run.sink["biggest_bulk_bytes"] for run in runs) / MEBIBYTE
    limit = Bulk().chunk_max_mem_size_bytes / MEBIBYTE
    return Check(name="biggest request", value=biggest, target=limit, is_ceiling=True, unit=" MiB")


def _microseconds(runs: list[Run]) -> dict[str, float]:
    return {
        "service": figures.middle(runs, lambda run: 1e6 * run.outcome.cpu_seconds / run.rows),
        "PostgreSQL": figures.middle(runs, lambda run: 1e6 * run.postgresql_cpu_seconds / run.rows),
        "sink": figures.middle(runs, lambda run: 1e6 * run.sink["cpu_seconds"] / run.rows),
        "wall": figures.middle(runs, lambda run: 1e6 * run.outcome.seconds / run.rows),
    }


def _latencies(runs: list[Run]) -> dict[str, float]:
    late = [1000 * time for run in runs for time in run.outcome.lateness_seconds]
    beats = [1000 * time for run in runs for time in run.outcome.heartbeat_seconds]
    return {
        "docs/s": figures.middle(runs, _speed),
        "wait ms p50": figures.percentile(late, 0.5),
        "p99": figures.percentile(late, 0.99),
        "max": max(late),
        "heartbeat ms p50": figures.percentile(beats, 0.5),
        "slowest": max(beats),
    }


def _searches(run: Run) -> int:
    return sum(count for name, count in run.sink["requests"].items() if name.endswith("/_search"))


def _speed(run: Run) -> float:
    return run.rows_per_second


def _peak(run: Run) -> float:
    return run.outcome.peak_bytes / MEBIBYTE
