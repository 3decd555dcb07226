"""The PostgreSQL servers whose row versions are looked at: those of the wheel, and any others at hand."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox.postgresql import Cluster

FOLDER: Final = "POSTGRESQL_VERSIONS"
"""An environment variable: a folder with an installation a major version, `12/bin`, `13/bin`, ..."""
OF_THE_WHEEL: Final = (16, 18)


def versions() -> list[Any]:
    """Return the major versions there are, as parameters of a fixture; all but the newest take their time."""
    there = sorted({*OF_THE_WHEEL, *_others()})
    return [
        version if version == there[-1] else pytest.param(version, marks=pytest.mark.slow)
        for version in there
    ]


def server(version: int, settings: Mapping[str, str] | None = None) -> Cluster:
    """Return a server of this version, not started."""
    wanted = {"max_prepared_transactions": "10", **(settings or {})}
    return Cluster(version=version, settings=wanted, binaries=_others().get(version))


def _others() -> dict[int, Path]:
    if not (folder := os.environ.get(FOLDER)):
        return {}
    return {int(path.parent.name): path for path in Path(folder).glob("[1-9]*/bin")}
