"""Ready means that the service works: its loops turn."""

from datetime import timedelta
from typing import Any

import pytest

from ingest.status import health
from tests.unit.ingest.status.snapshots import NOW, loop, snapshot


def test_a_service_whose_loops_turn_has_no_problems() -> None:
    assert health.problems(snapshot()) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        pytest.param({"loops": (loop(turned_at=NOW - timedelta(seconds=90)),)}, "90 s", id="stands still"),
        pytest.param(
            {"loops": (loop(turned_at=NOW - timedelta(seconds=90), error="No answer."),)},
            "No answer.",
            id="fails again and again",
        ),
        pytest.param({"loops": (loop(turned_at=None),)}, "not turned yet", id="just started"),
        pytest.param({"loops": (loop(turned_at=None, error="No answer."),)}, "No answer.", id="never worked"),
        pytest.param({"is_stopping": True}, "stopping", id="stopping"),
    ],
)
def test_what_is_wrong_is_said(changed: dict[str, Any], named: str) -> None:
    (problem,) = health.problems(snapshot(**changed))

    assert named in problem


def test_a_slow_loop_has_five_of_its_intervals() -> None:
    slow = loop("cleanup", interval_seconds=300.0, turned_at=NOW - timedelta(seconds=1400))

    assert health.problems(snapshot(loops=(slow,))) == []


def test_one_failure_does_not_make_a_service_unready() -> None:
    failed = loop(turned_at=NOW - timedelta(seconds=10), error="No answer.")

    assert health.problems(snapshot(loops=(failed,))) == []
