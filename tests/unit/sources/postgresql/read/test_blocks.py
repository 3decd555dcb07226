"""Blocks become batches: marks counted and removed, known rows left out, nothing else touched."""

import numpy as np
import pytest

from sources.postgresql.read.blocks import batch_of, changed_batch_of
from sources.postgresql.read.hash_first import places_of

BLOCK = b'"a"\x011\x02"x":\x03null}\n"b"\x012\x02"x":1}\n"c"\x013\x02"x":\x03null,"y":\x03null}\n'


def test_marks_of_nulled_values_are_counted_and_removed() -> None:
    batch = batch_of(BLOCK)

    assert (batch.count, batch.nulled, batch.unchanged) == (3, 3, 0)
    assert batch.lines == BLOCK.replace(b"\x03", b"")


@pytest.mark.parametrize(
    ("known", "kept", "nulled"),
    [
        ([False, False, False], [b"a", b"b", b"c"], 3),
        ([True, False, False], [b"b", b"c"], 2),
        ([False, True, True], [b"a"], 1),
        ([True, True, True], [], 0),
    ],
)
def test_known_rows_are_counted_and_left_out(known: list[bool], kept: list[bytes], nulled: int) -> None:
    batch = changed_batch_of(BLOCK, lambda block: np.array(known))

    assert [line[1:2] for line in batch.lines.splitlines()] == kept
    assert (batch.count, batch.unchanged, batch.nulled) == (len(kept), 3 - len(kept), nulled)


def test_places_are_read_from_the_ends_of_lines() -> None:
    block = b'"a"\x011\x02(0,1)\n"b"\x012\x02(4294967294,291)\n"c"\x013\x02(5,6)\n'

    assert places_of(block, [1, 2]) == [(4294967294, 291), (5, 6)]
