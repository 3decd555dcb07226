"""Who may know whom: the contracts of pyproject.toml hold, and docs/architecture.md shows the same layers."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.repo import project

PYPROJECT: dict[str, Any] = tomllib.loads((project.ROOT / "pyproject.toml").read_text())
ARCHITECTURE = (project.ROOT / "docs/architecture.md").read_text()
TABLE_ROW = re.compile(r"^ *\| (\d+) \| ([^|]+) \|", re.MULTILINE)


def test_the_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")

    checked = subprocess.run(
        [program, "--no-cache"], cwd=project.ROOT, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_documented_layers_are_those_of_the_contracts() -> None:
    assert documented() == [contracted("ingest"), contracted("sandbox.elasticsearch")]


def documented() -> list[list[set[str]]]:
    """Return the layers of each table of layers, from the top down."""
    tables: list[list[set[str]]] = []
    for number, names in TABLE_ROW.findall(ARCHITECTURE):
        if number == "1":
            tables.append([])
        tables[-1].append(set(re.findall(r"`(\w+)`", names)))
    return tables


def contracted(package: str) -> list[set[str]]:
    """Return the layers that the contract of a package declares, from the top down."""
    layers: list[str] = next(
        contract["layers"]
        for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == [package]
    )
    return [set(re.findall(r"\w+", layer)) for layer in layers]
