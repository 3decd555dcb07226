"""The commands that the documents show, as their tests read them."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.repo import project

_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>.+?) -->\n)?^```console\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of commands for a shell."""

    document: str
    text: str
    reason: str | None
    """Why no test runs it; None if one does."""


def configuration() -> str:
    """Return the config.yml that the README shows."""
    found = re.search(r"```yaml\n(.*?)```", (project.ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def documents() -> list[Path]:
    """Return every document of the project."""
    return [path for path in project.tracked_files() if path.suffix == ".md"]


def blocks(path: Path) -> list[Block]:
    """Return a document's blocks of commands, in their order."""
    name = str(path.relative_to(project.ROOT))
    return [Block(name, found["text"], found["reason"]) for found in _BLOCK.finditer(path.read_text())]


def to_run(document: str) -> list[str]:
    """Return the commands of a document that are to be run, block by block."""
    return [block.text for block in blocks(project.ROOT / document) if block.reason is None]
