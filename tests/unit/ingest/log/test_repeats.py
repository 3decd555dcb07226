"""A warning that comes again and again is said once a minute, with how often it was left out."""

from typing import Any

import pytest
import structlog

from ingest.log.repeats import MOST_REMEMBERED, QUIET_SECONDS, Repeats
from tests.support.fake_transport import FakeTime


def passed(repeats: Repeats, level: str = "warning", **facts: Any) -> dict[str, Any] | None:
    """Return the facts that are logged; None if the line is left out."""
    try:
        return dict(repeats(None, level, {"event": "connectors.failed", **facts}))
    except structlog.DropEvent:
        return None


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def repeats(time: FakeTime) -> Repeats:
    return Repeats(time.clock)


def test_the_same_warning_is_left_out_and_counted(repeats: Repeats, time: FakeTime) -> None:
    first = passed(repeats, reason="It did not answer within 10 s.")
    again = [passed(repeats, reason=f"It did not answer within {seconds} s.") for seconds in (9, 8, 7)]
    time.now = QUIET_SECONDS
    later = passed(repeats, reason="It did not answer within 10 s.")
    time.now = 2 * QUIET_SECONDS
    last = passed(repeats, reason="It did not answer within 10 s.")

    assert first is not None
    assert again == [None] * 3
    assert later is not None
    assert later["repeated"] == 3
    assert last is not None
    assert "repeated" not in last


@pytest.mark.parametrize(
    "facts", [{"reason": "refused"}, {"connector_id": "b"}, {"sync_job_id": "j"}, {"event": "jobs.failed"}]
)
def test_what_says_something_else_passes(repeats: Repeats, facts: dict[str, Any]) -> None:
    common = {"reason": "no answer", "connector_id": "a"}
    passed(repeats, **common)

    assert passed(repeats, **{**common, **facts}) is not None


@pytest.mark.parametrize("level", ["debug", "info", "error", "exception", "critical"])
def test_only_warnings_are_limited(repeats: Repeats, level: str) -> None:
    assert all(passed(repeats, level, reason="x") is not None for _ in range(3))


def test_what_is_remembered_is_bounded(repeats: Repeats) -> None:
    for number in range(MOST_REMEMBERED + 1):
        passed(repeats, connector_id=f"connector {'x' * number}")

    assert passed(repeats, connector_id="connector ") is not None


def test_a_value_that_cannot_be_shown_costs_nothing(repeats: Repeats) -> None:
    class Broken:
        def __str__(self) -> str:
            raise ValueError

    assert passed(repeats, reason=Broken()) is not None
