"""Load a configuration from a text, or get the problems for which it is refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ingest import config
from ingest.config import Config
from ingest.errors import ConfigError

CONNECTOR = "connectors: [{connector_id: my-connector-id, service_type: postgresql}]\n"


TYPES = ("postgresql",)


def load(
    folder: Path, text: str | bytes, environment: Mapping[str, str] | None = None, *, mode: int = 0o600
) -> Config:
    path = folder / "config.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return config.load(path, environment or {}, service_types=TYPES)


def problems(folder: Path, text: str | bytes, environment: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(folder, text, environment)
    return refused.value.problems


def only_problem(folder: Path, text: str | bytes, environment: Mapping[str, str] | None = None) -> str:
    found = problems(folder, text, environment)
    assert len(found) == 1, found
    return found[0]
