"""Scopes overlap unless some member that both name differs."""

import pytest

from ingest.job.shared_index import overlaps


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"database": "shop"}, {"database": "shop"}, True),
        ({"database": "shop"}, {"database": "library"}, False),
        ({"database": "shop"}, {"database": "shop", "schema": "sales"}, True),
        ({"database": "shop", "schema": "public"}, {"database": "shop", "schema": "sales"}, False),
        ({"database": "shop"}, {}, True),
    ],
)
def test_scopes_overlap_unless_a_member_of_both_differs(
    one: dict[str, str], other: dict[str, str], expected: bool
) -> None:
    assert overlaps(one, other) is expected
    assert overlaps(other, one) is expected
