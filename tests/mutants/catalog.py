"""The defects: read from the tables beside this file, and put into a tree.

Each replaces one piece of the product's text, which occurs exactly once, so that one that no longer fits what
it was made for is noticed instead of being passed over.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]


class DoesNotApplyError(Exception):
    """The text that a mutant replaces is not there exactly once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A defect, and the tests that have to fail with it."""

    name: str
    table: str
    """Which part of the product it is in."""
    file: str
    text: str
    replacement: str
    breaks: str
    tests: tuple[str, ...]
    """Node ids of pytest without parameters, or whole files."""
    row: str = ""
    """The row of the fault matrix that it brings back, of those that begin with B."""

    def mutated(self, source: str) -> str:
        """Return the file's source with the defect. Raises DoesNotApplyError."""
        if (count := source.count(self.text)) != 1:
            raise DoesNotApplyError(f"{self.name}: its text occurs {count} times in {self.file}")
        return source.replace(self.text, self.replacement)


def mutants() -> list[Mutant]:
    """Return all of them, table by table."""
    return [
        Mutant(
            name=name,
            table=path.stem,
            file=entry["file"],
            text=entry["text"],
            replacement=entry["replacement"],
            breaks=entry["breaks"],
            tests=tuple(entry["tests"]),
            row=entry.get("row", ""),
        )
        for path in sorted(FOLDER.glob("*.toml"))
        for name, entry in tomllib.loads(path.read_text()).items()
    ]
