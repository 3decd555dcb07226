"""Figures are computed right and targets are judged right."""

from typing import Any

import pytest

from benchmarks import figures
from benchmarks.arena import Run
from benchmarks.figures import Check, Report, Row
from benchmarks.machine import this_machine
from benchmarks.tasks import MEBIBYTE, Outcome, Server, Task


def run(seconds: float, *, rows: int = 1000, **counters: Any) -> Run:
    """Return a run that took so long."""
    outcome = Outcome(seconds=seconds, cpu_seconds=0.5, resting_bytes=0, peak_bytes=50 * MEBIBYTE)
    counted = {"indexed": rows, "deleted": 0, "bulk_bytes": 2e6, "biggest_bulk_bytes": MEBIBYTE, **counters}
    return Run(rows=rows, outcome=outcome, postgresql_cpu_seconds=1.0, sink=counted)


def test_the_median_is_shown_not_the_best_or_the_mean() -> None:
    shown = figures.of_runs([run(1.0), run(2.0), run(100.0)])

    assert shown["seconds"] == 2.0
    assert shown["docs/s"] == 500


def test_the_biggest_bulk_is_that_of_all_runs() -> None:
    shown = figures.of_runs([run(1.0, biggest_bulk_bytes=3 * MEBIBYTE), run(1.0), run(1.0)])

    assert shown["biggest bulk MiB"] == 3


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)]
)  # fmt: skip
def test_a_percentile_is_a_value_that_occurred(share: float, expected: int) -> None:
    assert figures.percentile(list(range(100, 0, -1)), share) == expected


@pytest.mark.parametrize(
    ("value", "is_ceiling", "holds"),
    [(0.6, False, True), (0.59, False, False), (0.7, False, True), (0.6, True, True), (0.61, True, False)],
)
def test_a_target_is_a_floor_or_a_ceiling(value: float, is_ceiling: bool, holds: bool) -> None:
    check = Check(name="share", value=value, target=0.6, is_ceiling=is_ceiling)

    assert check.holds is holds
    assert ("MISSED" in str(check)) is not holds


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234567.8, "1,234,568"), (45.67, "45.7"), (0.456, "0.46"), (-250.0, "-250")],
)
def test_figures_are_written_with_three_digits(value: float, text: str) -> None:
    assert figures.show(value) == text


def test_a_report_as_json_holds_the_machine_the_figures_and_the_verdicts() -> None:
    check = Check(name="docs/s", value=2.0, target=1.0)
    report = Report(name="cold", rows=[Row(name="bare loop", figures={"docs/s": 2.0})], checks=[check])

    wire = report.to_wire(this_machine("18.4"))

    assert wire["machine"]["postgresql"] == "18.4"
    assert wire["rows"] == [{"name": "bare loop", "figures": {"docs/s": 2.0}}]
    assert wire["checks"][0]["holds"] is True


def test_a_task_survives_its_way_to_the_child() -> None:
    server = Server(host="h", port=1, user="u", password="p")
    task = Task(contestant="engine", server=server, sink="http://s", table="t", rows=5, probes=True)

    assert Task.from_wire(task.to_wire()) == task
