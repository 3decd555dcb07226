"""Whether transactions that the log tells of can be seen yet. Pure.

The log tells of a transaction as soon as its commit is on disk. Sessions see it a moment later, and if the
server waits for a synchronous standby, as much later as that takes. A row that is read in between is the row
as it was before; so keys are handed out only once a snapshot has everything they are from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

_NUMBERS: Final = 2**32
"""Transactions in the log carry the last 32 bits of their number."""


@dataclass(frozen=True, slots=True)
class Visible:
    """What a snapshot sees."""

    end: int
    """The first number that had not been given out."""
    running: frozenset[int]

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Read the server's text of a snapshot: `xmin:xmax:running,...`."""
        _, end, running = text.split(":")
        return cls(int(end), frozenset(int(xid) for xid in running.split(",") if xid))

    def includes(self, xids: Iterable[int]) -> bool:
        """Whether transactions that were committed, by their 32-bit numbers, are all seen."""
        running = {xid % _NUMBERS for xid in self.running}
        return all((self.end - 1 - xid) % _NUMBERS < _NUMBERS // 2 and xid not in running for xid in xids)


def position_of(text: str) -> int:
    """Read a position in the log as the server writes it: `16/B374D848`."""
    high, _, low = text.partition("/")
    return int(high, 16) << 32 | int(low, 16)


_PAGE_BYTES: Final = 8192
_HEADERS: Final = (24, 40)
"""How long the header of a page is; the first one of a file is longer."""


def end_of_record(position: int) -> int:
    """Return where the record before this position ends.

    Where the next one will be written is behind the header of its page, if it begins a page; no reader of the
    log comes as far as that before there is one.
    """
    within = position % _PAGE_BYTES
    return position - within if within in _HEADERS else position
