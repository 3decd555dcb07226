"""How fast documents arrive: first syncs, second syncs, incremental jobs, and the parts beside them."""

import asyncio

from benchmarks import embedded_elasticsearch, figures
from benchmarks.arena import Arena, Run
from benchmarks.datasets import SHAPES
from benchmarks.figures import Check, Report, Row
from benchmarks.scenarios.request import Request
from benchmarks.scenarios.turns import (
    bare_turn,
    bulk_ceiling,
    cold_turn,
    in_turns,
    rate_of,
    rows_of,
    searches_of,
    second_sync,
)

LEAST_SHARE_OF_YARDSTICK = 0.6
LEAST_DOCUMENTS_PER_SECOND = 250_000
LEAST_GAIN_UNCHANGED = 3.0
LEAST_GAIN_INCREMENTAL = 10.0
LEAST_GAIN_BY_DIGEST = 3.0


def cold(arena: Arena, request: Request) -> Report:
    """Every document is new: the engine against the bare loop."""
    shape = request.asked_shape
    rows = request.count(shape)
    table = arena.table(shape, rows)
    runs = in_turns(request.repeats, bare_turn(arena, table, rows), cold_turn(arena, table, rows))
    share = figures.middle(runs["cold sync"], rate_of) / figures.middle(runs["bare loop"], rate_of)
    checks = [
        Check(name="share of the bare loop's speed", value=share, target=LEAST_SHARE_OF_YARDSTICK),
        bulk_ceiling(runs["cold sync"]),
    ]
    if shape.name == "narrow":
        speed = figures.middle(runs["cold sync"], rate_of)
        checks.append(Check(name="docs/s", value=speed, target=LEAST_DOCUMENTS_PER_SECOND))
    return Report(name=f"cold, {shape.name}, {rows:,} rows", rows=rows_of(runs), checks=checks)


def unchanged(arena: Arena, request: Request) -> Report:
    """Every document is in the index with the same hash: nothing may be sent."""
    runs, name = second_sync(arena, request, "unchanged", change_every=0)
    operations = max(run.sink["indexed"] + run.sink["deleted"] for run in runs["second sync"])
    gain = figures.middle(runs["second sync"], rate_of) / figures.middle(runs["cold sync"], rate_of)
    checks = [
        Check(name="times the speed of the cold sync", value=gain, target=LEAST_GAIN_UNCHANGED),
        Check(name="index operations", value=operations, target=0, is_ceiling=True),
    ]
    return Report(name=name, rows=rows_of(runs), checks=checks)


def changed_1_percent(arena: Arena, request: Request) -> Report:
    """One document in a hundred is in the index with another hash: only these may be sent."""
    runs, name = second_sync(arena, request, "changed_1_percent", change_every=100)
    expected = -(-runs["second sync"][0].rows // 100)
    operations = max(run.sink["indexed"] + run.sink["deleted"] for run in runs["second sync"])
    gain = figures.middle(runs["second sync"], rate_of) / figures.middle(runs["cold sync"], rate_of)
    checks = [Check(name="index operations", value=operations, target=expected, is_ceiling=True)]
    return Report(
        name=name,
        rows=rows_of(runs),
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
    speed = {name: figures.middle(found, rate_of) for name, found in runs.items()}
    searches = max(searches_of(run) for name in ("unchanged", "full, unchanged") for run in runs[name])
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
    return Report(name=name, rows=rows_of(runs), checks=checks, notes=notes)


def sink(arena: Arena, request: Request) -> Report:
    """The null sink alone, fed from memory: it must not be what limits the others."""
    rows = request.count(SHAPES["narrow"])
    table = arena.table(SHAPES["narrow"], rows)
    runs = in_turns(
        request.repeats,
        ("from memory", lambda: arena.run("poster", table, rows)),
        bare_turn(arena, table, rows),
    )
    gain = figures.middle(runs["from memory"], rate_of) / figures.middle(runs["bare loop"], rate_of)
    notes = [f"{figures.show(gain)} times the speed of the bare loop"]
    return Report(name=f"sink, {rows:,} documents", rows=rows_of(runs), notes=notes)


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
