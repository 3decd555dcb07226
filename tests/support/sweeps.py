"""The parts of a sweep: `make test` runs one of them, `make sweeps` the others."""

from collections.abc import Sequence
from typing import Any

import pytest


def parts(count: int) -> list[Any]:
    """Return the numbers of so many parts, as parameters of a test; all but the first are marked."""
    return [0, *(pytest.param(part, marks=pytest.mark.sweep) for part in range(1, count))]


def part_of(numbers: range, part: int, count: int) -> Sequence[int]:
    """Return every `count`th of the numbers; the parts 0 to `count - 1` have all of them between them."""
    return numbers[part % count :: count]
