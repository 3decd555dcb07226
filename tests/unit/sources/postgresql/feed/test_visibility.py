"""Which transactions a snapshot sees, and where the log ends."""

import pytest

from sources.postgresql.feed.visibility import Visible, end_of_record, position_of


@pytest.mark.parametrize(
    ("snapshot", "xids", "is_seen"),
    [
        ("10:10:", {9}, True),
        ("10:10:", {10}, False),
        ("10:10:", {11}, False),
        ("8:12:8,10", {9, 11}, True),
        ("8:12:8,10", {9, 10}, False),
        ("8:12:8,10", set(), True),
        (f"{2**32 + 5}:{2**32 + 5}:", {2**32 - 1, 4}, True),
        (f"{2**32 + 5}:{2**32 + 5}:", {5}, False),
        (f"{2**33 + 3}:{2**33 + 9}:{2**33 + 3}", {3}, False),
    ],
)
def test_a_transaction_is_seen_once_it_has_ended_for_everybody(
    snapshot: str, xids: set[int], is_seen: bool
) -> None:
    assert Visible.parsed(snapshot).includes(xids) is is_seen


def test_positions_are_read_as_the_server_writes_them() -> None:
    assert position_of("16/B374D848") == 0x16_B374D848
    assert position_of("0/0") == 0


@pytest.mark.parametrize(
    ("position", "end"),
    [(8192 + 24, 8192), (16 * 2**20 + 40, 16 * 2**20), (8192, 8192), (8192 + 48, 8192 + 48), (100, 100)],
)
def test_the_header_of_a_page_is_behind_the_last_record(position: int, end: int) -> None:
    assert end_of_record(position) == end
