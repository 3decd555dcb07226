"""Let contestants run in turns, and read their runs."""

from collections.abc import Callable, Mapping

from benchmarks import figures
from benchmarks.arena import Arena, Run
from benchmarks.figures import Check, Row
from benchmarks.scenarios.request import Request
from benchmarks.tasks import MEBIBYTE
from ingest.config import Bulk

Turn = tuple[str, Callable[[], Run]]


def in_turns(repeats: int, *turns: Turn) -> dict[str, list[Run]]:
    """Let everyone run once, then everyone again: `repeats` times."""
    runs: dict[str, list[Run]] = {name: [] for name, _ in turns}
    for _ in range(repeats):
        for name, run in turns:
            runs[name].append(run())
    return runs


def bare_turn(arena: Arena, table: str, rows: int) -> Turn:
    return "bare loop", lambda: arena.run("yardstick", table, rows)


def cold_turn(arena: Arena, table: str, rows: int) -> Turn:
    return "cold sync", lambda: arena.run("engine", table, rows, forget=True)


def second_turn(arena: Arena, table: str, rows: int, change_every: int = 0) -> Turn:
    run = after_first(
        arena, table, rows, lambda: arena.run("engine", table, rows, exists=True, change_every=change_every)
    )
    return "second sync", run


def after_first(arena: Arena, table: str, rows: int, run: Callable[[], Run]) -> Callable[[], Run]:
    """Before `run`, sync once into an empty index and once more, so that the sink has rendered its pages."""

    def second() -> Run:
        arena.run("engine", table, rows, remember=True, forget=True)
        run()
        return run()

    return second


def second_sync(
    arena: Arena, request: Request, name: str, *, change_every: int
) -> tuple[dict[str, list[Run]], str]:
    shape = request.asked_shape
    rows = request.count(shape)
    table = arena.table(shape, rows)
    runs = in_turns(
        request.repeats,
        bare_turn(arena, table, rows),
        cold_turn(arena, table, rows),
        second_turn(arena, table, rows, change_every),
    )
    return runs, f"{name}, {shape.name}, {rows:,} rows"


def rows_of(runs: Mapping[str, list[Run]]) -> list[Row]:
    return [Row(name=name, figures=figures.of_runs(found)) for name, found in runs.items()]


def bulk_ceiling(runs: list[Run]) -> Check:
    biggest = max(run.sink["biggest_bulk_bytes"] for run in runs) / MEBIBYTE
    limit = Bulk().chunk_max_mem_size_bytes / MEBIBYTE
    return Check(name="biggest request", value=biggest, target=limit, is_ceiling=True, unit=" MiB")


def searches_of(run: Run) -> int:
    return sum(count for name, count in run.sink["requests"].items() if name.endswith("/_search"))


def rate_of(run: Run) -> float:
    return run.rows_per_second


def peak_mebibytes_of(run: Run) -> float:
    return run.outcome.peak_bytes / MEBIBYTE
