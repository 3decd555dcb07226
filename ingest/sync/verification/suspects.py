"""Rows whose document differed when both were read: a few bytes each, until a second look at the documents.

    document read   row read   document read again
    |---------------|----------|
    nothing, or h1  h          the same as before:  it differed while the row was read
                               h:                   it was on its way, so it does not differ
                               something else:      it is being written, so nothing can be said

The document is read on both sides of the row's snapshot. If it was the same both times, it was so at the
moment of the snapshot, and a difference from the row is a fact and not a matter of who was read first.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.sync.blocks.lines import Keys
from ingest.sync.index.ledger import Ledger

IDS_KEPT: Final = 1_000
"""Of so many suspects of a table the id is kept, from which the samples are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What a second look says of each suspect."""

    missing: NDArray[np.bool_]
    stale: NDArray[np.bool_]
    unsettled: NDArray[np.bool_]


@dataclass(slots=True)
class Suspects:
    """Those of one table, in the order they were read."""

    ids: list[str] = field(default_factory=list)
    """Of the first ones."""
    _keys: list[Keys] = field(default_factory=list)
    _hashes: list[NDArray[np.int64]] = field(default_factory=list)
    _known: list[NDArray[np.bool_]] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(map(len, self._keys))

    def add(self, keys: Keys, before: Ledger) -> None:
        """Note rows and what their documents were before they were read."""
        hashes, is_known = before.hashes_of(keys.ids)
        self._keys.append(keys)
        self._hashes.append(hashes)
        self._known.append(is_known)

    def judged(self, after: Ledger) -> Verdicts:
        """Say of each suspect what its document, as it is now, tells of it."""
        rows = Keys.joined(self._keys)
        was, was_there = np.concatenate(self._hashes), np.concatenate(self._known)
        now, is_there = after.hashes_of(rows.ids)
        is_same = (is_there == was_there) & (~is_there | (now == was))
        has_arrived = is_there & ~is_same & (now == rows.hashes)
        return Verdicts(
            missing=is_same & ~is_there,
            # Equal after all: a reading that was given up had met the row while it said something else.
            stale=is_same & is_there & (now != rows.hashes),
            unsettled=~is_same & ~has_arrived,
        )
