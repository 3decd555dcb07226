"""What a source can report, typed by what to do next.

SourceError
├── SourceConfigurationError   a person must act: wrong password, missing table, no privilege
└── SourceUnavailableError     may work later: connection lost, server starting, lock not granted
"""

from collections.abc import Sequence
from typing import Final

LONGEST_MESSAGE: Final = 500
MOST_NAMED: Final = 20
"""How many things of a kind a message names."""


class SourceError(Exception):
    """The source could not do what was asked; the message is one sentence a person can act on."""


class SourceConfigurationError(SourceError):
    """A person must change the configuration, the privileges or the data before this can work."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class SourceUnavailableError(SourceError):
    """The source cannot be reached or read right now; reading again later may succeed."""


def shortlist(names: Sequence[str], most: int = MOST_NAMED, divider: str = ", ") -> str:
    """Name the first of many, and say how many more there are."""
    rest = len(names) - most
    return divider.join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def one_line(text: str) -> str:
    """Write what another system says as the end of a sentence of ours: on one line, not too long, no dot."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:LONGEST_MESSAGE].rstrip(".")
