"""What a verification found: how many documents of each table differ, in which way, and a few of their ids.

missing     a row without a document
stale       a row whose document says something else
surplus     a document without a row
altered     a document that is not what was sent, though its content hash says so (a deep look only)
unsettled   a row whose document was written each time it was looked at: nothing can be said of it
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

SAMPLES: Final = 5


class Difference(StrEnum):
    """In which way a document differs from its row."""

    MISSING = "missing"
    STALE = "stale"
    SURPLUS = "surplus"
    ALTERED = "altered"


@dataclass(slots=True, kw_only=True)
class TableFindings:
    """One table."""

    name: str
    rows: int = 0
    """Rows that should have a document."""
    unsettled: int = 0
    counts: dict[Difference, int] = field(default_factory=lambda: dict.fromkeys(Difference, 0))
    samples: dict[Difference, list[str]] = field(default_factory=lambda: {kind: [] for kind in Difference})
    """A few ids of each kind."""

    @property
    def differing(self) -> int:
        """How many documents differ, in whatever way."""
        return sum(self.counts.values())

    def note(self, difference: Difference, ids: list[str], count: int | None = None) -> None:
        """Add documents that differ; `ids` may be only some of them."""
        self.counts[difference] += len(ids) if count is None else count
        kept = self.samples[difference]
        kept += ids[: SAMPLES - len(kept)]

    def to_wire(self) -> dict[str, Any]:
        """Render for programs."""
        return {
            "name": self.name,
            "rows": self.rows,
            **{kind.value: count for kind, count in self.counts.items()},
            "unsettled": self.unsettled,
            "samples": {kind.value: ids for kind, ids in self.samples.items() if ids},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All tables of a connector, and documents whose table is not synced any more."""

    tables: list[TableFindings]

    @property
    def differing(self) -> int:
        """How many documents differ."""
        return sum(one.differing for one in self.tables)

    @property
    def altered(self) -> int:
        """How many documents are not what was sent."""
        return sum(one.counts[Difference.ALTERED] for one in self.tables)

    @property
    def unsettled(self) -> int:
        """Of how many rows nothing can be said."""
        return sum(one.unsettled for one in self.tables)

    @property
    def is_equal(self) -> bool | None:
        """Whether the index is the tables; None if that cannot be told."""
        if self.differing:
            return False
        return None if self.unsettled else True
