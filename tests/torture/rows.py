"""Since when each row says what it says: the record of changes, row by row."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from tests.torture.history import WHOLE_TABLE, Change, Transaction

Row = tuple[str, str]
"""Table and key."""


@dataclass(slots=True)
class Life:
    """A row's versions in order; None while it is not there."""

    versions: list[int | None] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)
    settled_at: list[float] = field(default_factory=list)
    _gone_next: list[float] = field(default_factory=list)
    """For each version, when at the earliest the row was gone again."""

    def add(self, version: int | None, transaction: Transaction) -> None:
        """Note the next version."""
        self.versions.append(version)
        self.sent_at.append(transaction.sent_at)
        self.settled_at.append(transaction.settled_at)

    def close(self) -> None:
        """Compute what `there` needs, after the last version was added."""
        # The outcome of a commit may be known after that of a later change of the same row.
        self.settled_at = list(accumulate(self.settled_at, max))
        gone = float("inf")
        self._gone_next = [gone] * len(self.versions)
        for number in reversed(range(len(self.versions))):
            self._gone_next[number] = gone
            if self.versions[number] is None:
                gone = min(gone, self.sent_at[number])

    def there(self, since: float, until: float) -> int | None:
        """Return the version committed at `since` if the row stayed there until `until`; None otherwise.

        In doubt None: a row that may have been gone for a moment is not there all along.
        """
        number = bisect_right(self.settled_at, since) - 1
        if number < 0 or self.versions[number] is None or self._gone_next[number] <= until:
            return None
        return self.versions[number]


def lives(changes: Sequence[Change], transactions: Mapping[int, Transaction]) -> dict[Row, Life]:
    """Return the life of each row that ever was, given the changes in the order they were made."""
    found: dict[Row, Life] = {}
    present: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        keys = sorted(present[change.table]) if change.key == WHOLE_TABLE else [change.key]
        for key in keys:
            row = found.setdefault((change.table, key), Life())
            row.add(change.version, transactions[change.transaction])
            if change.version is None:
                present[change.table].discard(key)
            else:
                present[change.table].add(key)
    for life in found.values():
        life.close()
    return found
