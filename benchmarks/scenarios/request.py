"""What the command line asked of a scenario."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.datasets import SHAPES, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asked for."""

    rows: int | None = None
    shape: str = "narrow"
    repeats: int = 3
    minutes: float = 0.5
    """How long what takes its time lasts."""
    apart: bool = False
    """Whether a real Elasticsearch has cores of its own."""
    parts: Sequence[str] = ()
    """Which measures of `follow`; all if none is named."""
    ways: Sequence[str] = ()

    @property
    def asked_shape(self) -> Shape:
        """The shape of the table."""
        return SHAPES[self.shape]

    def count(self, shape: Shape) -> int:
        """How many rows the table has."""
        return self.rows or shape.rows
