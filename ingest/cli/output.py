"""How a command answers: a table for people, JSON for programs, never a secret in either.

rich decides about colors: `NO_COLOR`, `TERM=dumb` and an output that is no terminal get none.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ingest.durations import since
from ingest.secret import STARS

_STYLES: Final[Mapping[str, str]] = {
    "connected": "green",
    "completed": "green",
    "configured": "cyan",
    "in_progress": "cyan",
    "pending": "cyan",
    "error": "bold red",
    "canceled": "yellow",
    "canceling": "yellow",
    "suspended": "yellow",
    "needs_configuration": "yellow",
    "created": "yellow",
}


_WIDEST: Final = 10_000
"""How wide a table may be that no terminal shows: a line for each row, for other programs to search."""


def _console() -> Console:
    if sys.stdout.isatty():
        return Console(file=sys.stdout, highlight=False)
    return Console(file=sys.stdout, highlight=False, soft_wrap=True, width=_WIDEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a command writes what it found."""

    as_json: bool = False
    console: Console = field(default_factory=_console)

    def show(self, value: Any, *rendered: RenderableType) -> None:
        """Write the value as JSON if that was asked for, otherwise its rendering for people."""
        if self.as_json:
            print(json.dumps(value, indent=2, ensure_ascii=False, default=str))  # noqa: T201 - the answer itself
            return
        for one in rendered:
            self.console.print(one)

    def say(self, sentence: str) -> None:
        """Tell a person what happened; a program that asked for JSON reads the value instead."""
        if not self.as_json:
            self.console.print(Text(sentence))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Lay rows out under their columns; None shows as a dash, statuses in their color."""
    laid_out = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        laid_out.add_column(column, overflow="fold")
    for row in rows:
        laid_out.add_row(*(_cell(value) for value in row))
    return laid_out


def facts(pairs: Iterable[tuple[str, Any]]) -> Table:
    """Lay out facts about one thing, a line each."""
    laid_out = Table(box=None, pad_edge=False, show_header=False, show_edge=False)
    laid_out.add_column(style="bold")
    laid_out.add_column(overflow="fold")
    for name, value in pairs:
        laid_out.add_row(name, _cell(value))
    return laid_out


def masked(configuration: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return a configuration with its sensitive values masked; one that is not set stays empty."""
    return {name: _masked_field(entry) for name, entry in configuration.items()}


def ago(moment: datetime | None) -> str | None:
    """Say how long ago something was; None if it never was."""
    return None if moment is None else f"{since(moment)} ago"


def count(number: int | None) -> str:
    """Write a number with its thousands apart, a dash for none."""
    return "-" if number is None else f"{number:,}"


def _masked_field(entry: Any) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping):
        return {}
    if entry.get("sensitive") is not True:
        return entry
    hidden = {name: STARS for name in ("value", "default_value") if entry.get(name) not in (None, "")}
    return {**entry, **hidden}


def _cell(value: Any) -> Text:
    text = "-" if value is None or value == "" else str(value)
    return Text(text, style=_STYLES.get(text, ""))
