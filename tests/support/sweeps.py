"""What `make test` runs of a check that is repeated at many places; `make sweeps` runs all the rest."""

from collections.abc import Collection, Iterable, Sequence
from itertools import product
from typing import Any

import pytest


def parts(count: int) -> list[Any]:
    """Return the numbers of so many parts, as parameters of a test; all but the first are marked."""
    return kept([0], of=range(count))


def kept(sample: Collection[Any], *, of: Iterable[Any]) -> list[Any]:
    """Return the choices, as parameters of a test; all but those of the sample are marked."""
    return [one if one in sample else pytest.param(one, marks=pytest.mark.sweep) for one in of]


def sampled(*choices: Iterable[Any], every: int) -> list[Any]:
    """Return all combinations of the choices, as parameters; all but every nth are marked.

    Where there are several, the sample has each value of the longest in turn with another of the others.
    """
    return [
        pytest.param(
            *(value for _, value in one),
            marks=[pytest.mark.sweep] if sum(number for number, _ in one) % every else [],
        )
        for one in product(*(enumerate(values) for values in choices))
    ]


def part_of(numbers: range, part: int, count: int) -> Sequence[int]:
    """Return every `count`th of the numbers; the parts 0 to `count - 1` have all of them between them."""
    return numbers[part % count :: count]
