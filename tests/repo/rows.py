"""The table of the fault matrix, `tests/faults/rows.toml`, and the part of `docs/reliability.md` made of it.

.venv/bin/python -m tests.repo.rows     writes that part anew
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from tests.repo.project import ROOT

TABLE = ROOT / "tests" / "faults" / "rows.toml"
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- rows -->\n", "<!-- end of rows -->\n"
CHAPTERS = {
    "E": "Elasticsearch fails",
    "P": "PostgreSQL fails, or its tables change",
    "R": "The process is stopped, killed, frozen, short of memory",
    "J": "People and other services interfere with jobs",
    "S": "Secrets, rights and hostile input",
    "L": "Load",
    "B": "What has happened to connector services before",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A promise and what holds it."""

    id: str
    promise: str
    tests: tuple[str, ...]
    """Node ids of pytest, without parameters."""


def rows() -> list[Row]:
    """Return the table."""
    table = tomllib.loads(TABLE.read_text())
    return [
        Row(id=id_, promise=row["promise"], tests=tuple(row.get("tests", ()))) for id_, row in table.items()
    ]


@cache
def existing_tests() -> frozenset[str]:
    """Return the node ids of all tests there are, without parameters."""
    return frozenset(
        f"{path.relative_to(ROOT)}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in _names(ast.parse(path.read_text()).body)
    )


def _names(nodes: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _names(node.body, f"{prefix}{node.name}::")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield prefix + node.name


def rendered() -> str:
    """Return the part of the document that is made of the table."""
    lines = []
    for letter, chapter in groupby(rows(), key=lambda row: row.id[0]):
        lines += ["", f"### {CHAPTERS[letter]}", "", "| row | promise | tests |", "|---|---|---|"]
        lines += [f"| {row.id} | {row.promise} | {_links(row)} |" for row in chapter]
    return "\n".join(lines) + "\n\n"


def _links(row: Row) -> str:
    """Link the files, each once, with how many of its tests hold the row."""
    files = [node.partition("::")[0] for node in row.tests]
    return ", ".join(
        f"[{file.removeprefix('tests/')}](../{file}) ({files.count(file)})" for file in dict.fromkeys(files)
    )


def main() -> None:
    """Write that part of the document anew."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(before + BEGIN + rendered() + END + after)


if __name__ == "__main__":
    main()
