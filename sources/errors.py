"""What a source can report, typed by what to do next.

SourceError
├── SourceConfigurationError   a person must act: wrong password, missing table, no privilege
└── SourceUnavailableError     may work later: connection lost, server starting, lock not granted
"""

from typing import Final

LONGEST_MESSAGE: Final = 500


class SourceError(Exception):
    """The source could not do what was asked; the message is one sentence a person can act on."""


class SourceConfigurationError(SourceError):
    """A person must change the configuration, the privileges or the data before this can work."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class SourceUnavailableError(SourceError):
    """The source cannot be reached or read right now; reading again later may succeed."""


def one_line(text: str) -> str:
    """Write what another system says as the end of a sentence of ours: on one line, not too long, no dot."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:LONGEST_MESSAGE].rstrip(".")
