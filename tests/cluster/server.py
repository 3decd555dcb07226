"""A real Elasticsearch on a free port, its data in a temporary folder, gone when the context ends.

with running() as url:
    ...  # http://elastic:changeme@127.0.0.1:PORT
"""

import base64
import http.client
import os
import pwd
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.process import Process
from tests.cluster.distribution import VERSIONS, prepare
from tests.support.maven import UnavailableError

USER = "elastic"
PASSWORD = "changeme"
START_SECONDS = 600
STOP_SECONDS = 120
POLL_SECONDS = 0.5
MEMORY = "/dev/shm"
MEMORY_BYTES = 1 << 30
OTHER_USER = "nobody"
"""Who runs it when we are root, whom it refuses."""

_ADDRESS = re.compile(r"HttpServerTransport.*publish_address \{([\d.]+:\d+)\}")


@contextmanager
def running(version: str = VERSIONS[0], *, settings: str = "") -> Iterator[str]:
    """Start a version, with lines for its elasticsearch.yml; yield its URL, user and password included.

    Raises UnavailableError if it cannot be had.
    """
    with (
        tempfile.TemporaryDirectory(prefix="real-elasticsearch-", ignore_cleanup_errors=True) as name,
        tempfile.TemporaryDirectory(dir=_memory(), ignore_cleanup_errors=True) as data,
    ):
        folder = Path(name)
        distribution = prepare(version, folder, password=PASSWORD, data=Path(data), settings=settings)
        with Process(
            "real Elasticsearch",
            [*_as_another_user(folder, Path(data)), str(distribution.home / "bin/elasticsearch")],
            log_file=folder / "elasticsearch.log",
            folder=folder,
            environment=distribution.environment,
            stop_seconds=STOP_SECONDS,
        ) as process:
            yield f"http://{USER}:{PASSWORD}@{_address_once_ready(process)}"


def _memory() -> str | None:
    """Return a folder in memory with room for the data, if there is one: every new index waits for a disk."""
    is_large = Path(MEMORY).is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    return MEMORY if is_large else None


def _as_another_user(*folders: Path) -> list[str]:
    """Return what starts the command as somebody else if we are root, who then owns the folders."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        raise UnavailableError("it does not run as root, and setpriv (util-linux) is not installed.")
    other = pwd.getpwnam(OTHER_USER)
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, other.pw_uid, other.pw_gid)
    return ["setpriv", f"--reuid={other.pw_uid}", f"--regid={other.pw_gid}", "--clear-groups"]


def _address_once_ready(process: Process) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        process.check()
        if (found := _ADDRESS.search(process.log())) and _is_ready(found[1]):
            return found[1]
        time.sleep(POLL_SECONDS)
    raise UnavailableError(f"It did not start within {START_SECONDS} s.")


def _is_ready(address: str) -> bool:
    """Whether it answers, and knows the user."""
    credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", "/_cluster/health", headers={"Authorization": f"Basic {credentials}"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
