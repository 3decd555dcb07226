"""What a sync costs: memory, processor time by part, time a table, waits of the event loop."""

from collections.abc import Callable
from typing import Any

from benchmarks import figures
from benchmarks.arena import Arena, Run
from benchmarks.datasets import HUGE_VALUE_BYTES, SHAPES
from benchmarks.figures import Check, Report, Row
from benchmarks.scenarios.request import Request
from benchmarks.scenarios.turns import (
    after_first,
    bare_turn,
    bulk_ceiling,
    cold_turn,
    in_turns,
    peak_mebibytes_of,
    rate_of,
    rows_of,
    second_turn,
)
from benchmarks.tasks import MEBIBYTE

MOST_MILLISECONDS_A_TABLE = 15.0
MOST_PEAK_MIB = 150
MOST_GROWTH_MIB = 16
MOST_BYTES_A_DOCUMENT = 20
MOST_LATE_SECONDS = 0.05
HOLD_SECONDS = 3.0
BEAT_TOLERANCE_SECONDS = 0.5


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
    return Report(name=f"tables, {count:,} of a row each", rows=rows_of(runs), checks=checks)


def memory(arena: Arena, request: Request) -> Report:
    """Peak resident memory of a fresh process at N and ten times N rows, for a first and a second sync."""
    few = request.count(SHAPES["narrow"])
    runs: dict[str, list[Run]] = {}
    for rows in (few, 10 * few):
        table = arena.table(SHAPES["narrow"], rows)
        runs[f"bare loop, {rows:,}"] = [bare_turn(arena, table, rows)[1]()]
        runs[f"first sync, {rows:,}"] = [arena.run("engine", table, rows, remember=True, forget=True)]
        runs[f"second sync, {rows:,}"] = [arena.run("engine", table, rows, exists=True)]
        arena.sink.configure(forget=True)
    checks = []
    for kind in ("first", "second"):
        small, large = (peak_mebibytes_of(runs[f"{kind} sync, {rows:,}"][0]) for rows in (few, 10 * few))
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
        name=f"memory, narrow, {few:,} and {10 * few:,} rows", rows=rows_of(runs), checks=checks, notes=notes
    )


def huge_value(arena: Arena, request: Request) -> Report:
    """One value of 50 MB among ordinary rows: no request above the limit, memory bounded."""
    runs: dict[str, list[Run]] = {}
    for shape in (SHAPES["narrow"], SHAPES["huge"]):
        rows = request.count(shape)
        table = arena.table(shape, rows)
        runs |= {
            f"{name}, {shape.name}": found
            for name, found in in_turns(
                request.repeats, bare_turn(arena, table, rows), cold_turn(arena, table, rows)
            ).items()
        }
    checks = [
        bulk_ceiling(runs["cold sync, huge"]),
        Check(
            name="peak",
            value=figures.middle(runs["cold sync, huge"], peak_mebibytes_of),
            target=MOST_PEAK_MIB,
            is_ceiling=True,
            unit=" MiB",
        ),
    ]
    size = HUGE_VALUE_BYTES / 1e6
    return Report(name=f"huge_value, one of {size:.0f} MB", rows=rows_of(runs), checks=checks)


def cpu_split(arena: Arena, request: Request) -> Report:
    """Where the processor time of a document goes: service, PostgreSQL, and the sink for comparison."""
    rows = []
    for shape in (SHAPES["narrow"], SHAPES["wide"], SHAPES["text"]):
        count = request.count(shape)
        table = arena.table(shape, count)
        runs = in_turns(
            request.repeats,
            bare_turn(arena, table, count),
            cold_turn(arena, table, count),
            second_turn(arena, table, count),
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

    runs = in_turns(
        request.repeats,
        ("bare loop", probed("yardstick", forget=True)),
        ("cold sync", probed("engine", forget=True)),
        ("second sync", after_first(arena, table, count, probed("engine", exists=True))),
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
        "docs/s": figures.middle(runs, rate_of),
        "wait ms p50": figures.percentile(late, 0.5),
        "p99": figures.percentile(late, 0.99),
        "max": max(late),
        "heartbeat ms p50": figures.percentile(beats, 0.5),
        "slowest": max(beats),
    }
