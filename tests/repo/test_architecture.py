"""The tables of `docs/architecture.md` name the layers and the folders that there are."""

import re
import tomllib

import pytest

from tests.repo.project import ROOT

DOCUMENT = (ROOT / "docs/architecture.md").read_text()
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def names_in(first_column: int, table: str) -> list[set[str]]:
    """Return the names in backticks of a column, row by row."""
    rows = [line.split("|") for line in table.splitlines() if "|" in line]
    return [set(re.findall(r"`(\w+)/?`", row[first_column])) for row in rows[2:]]


def table_after(words: str) -> str:
    """Return the first table after these words."""
    _, found, rest = DOCUMENT.partition(words)
    assert found, words
    lines = rest.splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip().startswith("|"))
    end = next(number for number in range(start, len(lines)) if not lines[number].strip().startswith("|"))
    return "\n".join(lines[start:end])


@pytest.mark.parametrize(
    ("words", "container"),
    [("- Inside `ingest`", "ingest"), ("Inside `sandbox/elasticsearch`", "sandbox.elasticsearch")],
)
def test_the_layers_are_those_that_imports_are_checked_against(words: str, container: str) -> None:
    (contract,) = [one for one in CONTRACTS if one.get("containers") == [container]]

    assert names_in(2, table_after(words)) == [set(re.findall(r"\w+", one)) for one in contract["layers"]]
    assert contract["exhaustive"]


@pytest.mark.parametrize(
    ("words", "folder"), [("In `ingest/sync`", "ingest/sync"), ("## A job's way", "ingest/job")]
)
def test_a_table_of_a_folder_names_each_of_its_modules_and_packages(words: str, folder: str) -> None:
    entries = {
        path.stem
        for path in (ROOT / folder).iterdir()
        if path.name != "__init__.py" and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    named = names_in(1, table_after(words))

    assert set().union(*named) == entries
    assert sum(map(len, named)) == len(entries), "each once"
