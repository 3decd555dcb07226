"""A cache of the hashes of recently read documents, so that rows read repeatedly need no lookup.

A transaction that stays open makes every look at a table read again what was written since it began. What was
cached is valid as long as nobody else writes to the index; in doubt, `forget` clears it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import orjson

from ingest.sync.blocks.lines import Lines
from ingest.sync.comparison.by_history import Knowing
from sources.contract import HASH_END, ID_END
from sources.lines import join_lines, split_lines

MOST_REMEMBERED: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentDocuments:
    """Ids and content hashes of documents that were read lately."""

    known: Knowing
    confirmed: dict[bytes, bytes] = field(default_factory=dict)
    """What the index says."""
    _pending: dict[bytes, bytes] = field(default_factory=dict)
    """What it will say once everything that was sent is acknowledged."""

    async def differing(self, lines: bytes) -> tuple[Lines, int]:
        """Return those lines of a block whose document is missing or another one.

        And how many of them have a document.
        """
        rows = split_lines(lines)
        asked = []
        for row in rows:
            id_, _, rest = row.partition(ID_END)
            hash_ = rest[: rest.index(HASH_END)]
            if self.confirmed.get(id_) != hash_:
                asked.append(row)
                self._note(id_, hash_)
        if not asked:
            return Lines(b"", 0), 0
        return await self.known.differing(join_lines(asked))

    def unlike(self, lines: bytes) -> Lines:
        """Return those lines of a block that are not what was sent last, without asking."""
        kept = []
        for row in split_lines(lines):
            id_, _, rest = row.partition(ID_END)
            hash_ = rest[: rest.index(HASH_END)]
            if self.confirmed.get(id_) != hash_:
                kept.append(row)
                self._note(id_, hash_)
        return Lines(join_lines(kept), len(kept))

    def _note(self, id_: bytes, hash_: bytes) -> None:
        """Note what a document will say; of a look at very many rows nothing will be remembered."""
        if len(self._pending) <= MOST_REMEMBERED:
            self._pending[id_] = hash_

    def confirm(self) -> None:
        """Note that everything asked about is in the index as it was read."""
        if len(self.confirmed) + len(self._pending) > MOST_REMEMBERED:
            self.confirmed.clear()
        if len(self._pending) <= MOST_REMEMBERED:
            self.confirmed.update(self._pending)
        self._pending.clear()

    def forget_ids(self, ids: Iterable[str]) -> None:
        """Note that documents are gone."""
        for id_ in ids:
            self.confirmed.pop(orjson.dumps(id_), None)

    def forget(self) -> None:
        """Drop everything, confirmed and pending."""
        self.confirmed.clear()
        self._pending.clear()
