"""A position fits, or says why not."""

from dataclasses import replace

import pytest

from sources.postgresql.changes.positions import OLDEST, Position, Server, incompatibility

THEN = Position(
    server=Server(system="7712", timeline="1", started="a1", undisturbed="b2"),
    horizon=5_000_000_000,
    fingerprint="c3",
)


def test_a_position_is_read_as_it_was_written() -> None:
    assert Position.parsed(str(THEN)) == THEN


@pytest.mark.parametrize(
    "text", ["", "1", "2 7712 1 a1 b2 5 c3", "1 7712 1 a1 b2 -5 c3", "1 7712 1 a1 b2 c3"]
)
def test_what_another_version_wrote_is_no_position(text: str) -> None:
    assert Position.parsed(text) is None
    assert incompatibility(THEN, text) == "Its position was written by another version of this service."


@pytest.mark.parametrize("age", [0, 1, OLDEST])
def test_a_position_fits_for_a_billion_transactions(age: int) -> None:
    assert incompatibility(replace(THEN, horizon=THEN.horizon + age), str(THEN)) is None


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (replace(THEN, horizon=THEN.horizon + OLDEST + 1), "a billion transactions old"),
        (replace(THEN, horizon=THEN.horizon - 1), "behind the position"),
        (replace(THEN, fingerprint="d4"), "altered, rewritten or emptied"),
        (replace(THEN, server=replace(THEN.server, system="7713")), "another database server"),
        (replace(THEN, server=replace(THEN.server, timeline="2")), "another timeline"),
        (replace(THEN, server=replace(THEN.server, started="e5")), "was started since"),
        (replace(THEN, server=replace(THEN.server, undisturbed="f6")), "recovered from a crash"),
    ],
)
def test_a_position_that_does_not_fit_says_why(now: Position, reason: str) -> None:
    assert reason in str(incompatibility(now, str(THEN)))


def test_no_position_fits_never() -> None:
    assert incompatibility(THEN, None) is not None
