"""The report of a benchmark: medians of interleaved runs, ratios within them, targets met or missed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.arena import Run
from benchmarks.machine import Machine
from benchmarks.tasks import MEBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table of figures: what was measured, and its figures by name."""

    name: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A figure with the value it must reach."""

    name: str
    value: float
    target: float
    is_ceiling: bool = False
    """The value must stay at or below the target instead of reaching it."""
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.target if self.is_ceiling else self.value >= self.target

    def __str__(self) -> str:
        word = "at most" if self.is_ceiling else "at least"
        verdict = "holds" if self.holds else "MISSED"
        return (
            f"{self.name}: {show(self.value)}{self.unit} ({word} {show(self.target)}{self.unit}: {verdict})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of one benchmark."""

    name: str
    rows: Sequence[Row]
    checks: Sequence[Check] = field(default_factory=tuple)
    notes: Sequence[str] = field(default_factory=tuple)

    def to_wire(self, machine: Machine) -> dict[str, Any]:
        """Render as JSON for other programs."""
        checks = [{**asdict(check), "holds": check.holds} for check in self.checks]
        rows = [asdict(row) for row in self.rows]
        head = {"name": self.name, "machine": asdict(machine)}
        return {**head, "rows": rows, "checks": checks, "notes": list(self.notes)}

    def print_to(self, console: Console) -> None:
        """Render for a person: rows of the same figures in one table."""
        console.print(self.name, style="italic", highlight=False)
        for columns, rows in groupby(self.rows, key=lambda row: tuple(row.figures)):
            table = Table()
            for column in ("", *columns):
                table.add_column(column, justify="right" if column else "left")
            for row in rows:
                table.add_row(row.name, *(show(row.figures[name]) for name in columns))
            console.print(table)
        for line in (*map(str, self.checks), *self.notes):
            console.print(f"  {line}", highlight=False)


def of_runs(runs: Sequence[Run]) -> dict[str, float]:
    """Return the medians of what every benchmark shows of a contestant."""
    return {
        "docs/s": middle(runs, lambda run: run.rows_per_second),
        "seconds": middle(runs, lambda run: run.outcome.seconds),
        "CPU s": middle(runs, lambda run: run.outcome.cpu_seconds),
        "PostgreSQL CPU s": middle(runs, lambda run: run.postgresql_cpu_seconds),
        "peak MiB": middle(runs, lambda run: run.outcome.peak_bytes / MEBIBYTE),
        "sent MB": middle(runs, lambda run: run.sink["bulk_bytes"] / 1e6),
        "operations": middle(runs, lambda run: run.sink["indexed"] + run.sink["deleted"]),
        "biggest bulk MiB": max(run.sink["biggest_bulk_bytes"] for run in runs) / MEBIBYTE,
    }


def middle(runs: Sequence[Run], of: Callable[[Run], float]) -> float:
    """Return the median of a figure over several runs."""
    return median(of(run) for run in runs)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies, the nearest one that occurred."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def show(value: float) -> str:
    """Write a figure with about three significant digits."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
