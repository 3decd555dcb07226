"""The PostgreSQL servers of the tests: those of the wheel, or another that is named in the environment."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox.postgresql import Cluster

VARIABLE: Final = "POSTGRESQL"
"""Names an installation to test instead of the wheel's: a folder called by its major version, with `bin`."""
OF_THE_WHEEL: Final = (16, 18)
NEWEST: Final = OF_THE_WHEEL[-1]

_FEW_FILES: Final = {"max_wal_size": "128MB", "min_wal_size": "32MB"}
"""Settings that keep the log of changes short, for it may lie in memory."""

_FIRST_WITH_ITERATIONS: Final = 16
"""The major version since which one can say how long it takes to compute with a password, in every login."""

_MEMORY: Final = Path("/dev/shm")
_MEMORY_NEEDED_BYTES: Final = 3 << 30
"""How much has to be free there: the servers of all workers use a few hundred MiB."""

_NAMED: Final = Path(os.environ[VARIABLE]) if VARIABLE in os.environ else None


def usual_version() -> int:
    """Return the major version that tests use which do not ask for one."""
    return NEWEST if _NAMED is None else int(_NAMED.name)


def versions() -> list[Any]:
    """Return the major versions there are, as parameters of a fixture; all but the usual take their time."""
    if _NAMED is not None:
        return [usual_version()]
    return [
        version if version == NEWEST else pytest.param(version, marks=pytest.mark.slow)
        for version in OF_THE_WHEEL
    ]


@dataclass(frozen=True, slots=True)
class _Stopped:
    """The data folder of a server that has run and holds nothing, and the password in it."""

    folder: Path
    password: str


def server(version: int | None = None, settings: Mapping[str, str] | None = None) -> Cluster:
    """Return a server of a version (the usual one without), not started.

    All of a version are copies of one that was stopped: what initdb does takes the CPU for half a second.
    """
    version = version or usual_version()
    stopped = _stopped(version)
    return Cluster(
        version=version,
        settings={**_settings(version), **(settings or {})},
        password=stopped.password,
        binaries=_binaries(version),
        parent=folder_in_memory(),
        template=stopped.folder,
    )


@cache
def _stopped(version: int) -> _Stopped:
    folder = Path(tempfile.mkdtemp(prefix="stopped-pg-", dir=folder_in_memory()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Cluster(
        version=version, settings=_settings(version), binaries=_binaries(version), parent=folder_in_memory()
    )
    with made:
        made.stop()
        made.data_folder.rename(folder / "data")
    return _Stopped(folder / "data", made.password)


def _settings(version: int) -> dict[str, str]:
    cheap_password = {"scram_iterations": "1"} if version >= _FIRST_WITH_ITERATIONS else {}
    return {"max_prepared_transactions": "10", **_FEW_FILES, **cheap_password}


def _binaries(version: int) -> Path | None:
    return None if _NAMED is None or version != usual_version() else _NAMED / "bin"


def folder_in_memory() -> Path | None:
    """Return where files stay in memory, if there is room and programs may lie there, or None.

    CREATE DATABASE makes three hundred files, which takes ten times as long on a disk. In a container the
    folder often has 64 MiB only.
    """
    if not os.access(_MEMORY, os.W_OK) or os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
        return None
    return _MEMORY if shutil.disk_usage(_MEMORY).free >= _MEMORY_NEEDED_BYTES else None


def _extensions(installation: Path) -> frozenset[str]:
    shared = installation / "share/postgresql"
    if not shared.is_dir():
        shared = Path("/usr/share/postgresql", installation.name)
    return frozenset(file.stem for file in shared.glob("extension/*.control"))


def _full_installation() -> Path | None:
    debian = sorted(Path("/usr/lib/postgresql").glob("[1-9]*"), key=lambda path: int(path.name))
    there = [*([] if _NAMED is None else [_NAMED]), *reversed(debian)]
    return next((path for path in there if "hstore" in _extensions(path)), None)


_FULL: Final = _full_installation()
EXTENSIONS: Final = frozenset[str]() if _FULL is None else _extensions(_FULL)
"""The extensions it could create."""

needs_full = pytest.mark.skipif(
    _FULL is None, reason="needs a full PostgreSQL: Debian's packages, or make test-postgresql"
)
"""Marks tests of what the wheel's PostgreSQL is without."""


def full_server() -> Cluster:
    """Return a server with TLS, ICU, XML and extensions, which the wheel's is without, not started."""
    assert _FULL is not None, "there is no full installation; tests that need one are marked `needs_full`"
    return Cluster(version=int(_FULL.name), binaries=_FULL / "bin")
