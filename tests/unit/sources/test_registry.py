"""Sources are found by their service type, and loaded no earlier than that."""

import subprocess
import sys
from pathlib import Path

import pytest

from sources.errors import SourceConfigurationError
from sources.postgresql import PostgreSQL
from sources.registry import SOURCES, find

ROOT = Path(__file__).parents[3]


def test_a_source_is_found_by_its_service_type() -> None:
    assert find(SOURCES, "postgresql") is PostgreSQL


@pytest.mark.parametrize("service_type", ["oracle", "", None])
def test_an_unknown_service_type_is_told_with_the_known_ones(service_type: str | None) -> None:
    with pytest.raises(SourceConfigurationError, match="postgresql"):
        find(SOURCES, service_type)


def test_contract_and_registry_import_no_driver() -> None:
    script = (
        "import sys, sources.contract, sources.errors, sources.fields, sources.registry as registry;"
        "print('postgresql' in registry.SOURCES, sorted(registry.SOURCES));"
        "print([name for name in sys.modules if name == 'asyncpg' or name.startswith('sources.postgresql')])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout

    assert shown.splitlines()[0].startswith("True")
    assert shown.splitlines()[1] == "[]"
