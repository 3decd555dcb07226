"""A difference between what a sync did and what the index holds is explained by counts, or is an error."""

from dataclasses import replace

import pytest

from ingest.sync.deletion.balance import Balance

EVEN = Balance(
    met=10, created=5, updated=3, overwriting=3, refused=0, spared=0, found=15, stripped=0
)  # fmt: skip


@pytest.mark.parametrize(
    "balance",
    [
        EVEN,
        replace(EVEN, found=16, updated=4),
        replace(EVEN, found=16, spared=1),
        replace(EVEN, found=14, stripped=1),
        replace(EVEN, found=14, created=5, updated=2),
        replace(EVEN, updated=2, refused=1),
        replace(EVEN, found=14, updated=2, refused=1),
        replace(EVEN, found=0, met=0, created=0, updated=8, overwriting=0),
    ],
    ids=[
        "nothing differs",
        "a document of another tool was overwritten",
        "a stale document was written meanwhile",
        "a document lost its content hash",
        "a document was deleted, then sent again",
        "a known document was refused",
        "a document was deleted and sent again, and another one refused",
        "only updates of what was not known, which may all be one document",
    ],
)
def test_what_can_be_counted_is_explained(balance: Balance) -> None:
    assert balance.unexplained == 0


@pytest.mark.parametrize(
    ("balance", "unexplained"),
    [
        (replace(EVEN, found=16), 1),
        (replace(EVEN, found=20, updated=4, spared=1), 3),
        (replace(EVEN, found=14), -1),
        (replace(EVEN, found=10, stripped=2), -3),
        (replace(EVEN, found=13, updated=2, refused=1), -1),
        (replace(EVEN, found=14, refused=1), -1),
    ],
)
def test_what_remains_is_not(balance: Balance, unexplained: int) -> None:
    assert balance.unexplained == unexplained
