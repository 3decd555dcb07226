"""A full PostgreSQL of this machine. The embedded one is none: it lacks TLS, ICU, XML and extensions."""

from pathlib import Path

import pytest


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    for initdb in reversed(found):
        if Path(f"/usr/share/postgresql/{initdb.parts[4]}/extension/hstore.control").exists():
            return initdb.parent
    return None


BINARIES = _binaries()
"""Its `bin` folder, the newest version's; None if there is none."""

EXTENSIONS = (
    frozenset()
    if BINARIES is None
    else frozenset(
        control.stem
        for control in Path(f"/usr/share/postgresql/{BINARIES.parts[4]}/extension").glob("*.control")
    )
)
"""The extensions it could create."""

needs_installation = pytest.mark.skipif(
    BINARIES is None, reason="needs a full PostgreSQL under /usr/lib/postgresql"
)
