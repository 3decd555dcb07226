"""The process that follows, as its parent sees it: how it follows, what it takes, and its end."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.follow.load import PUBLICATION, TABLE, Load
from benchmarks.tasks import Server, Task

LOG, POLLING = "log", "polling"
WAYS = (LOG, POLLING)


class Follower:
    """A process that follows a table into a sink."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._watched = psutil.Process(process.pid)

    def until(self, way: str) -> None:
        """Wait until it follows in this way."""
        while self._said().get("way") != way:
            pass

    @property
    def cpu_seconds(self) -> float:
        """Its processor time."""
        spent = self._watched.cpu_times()
        return float(spent.user + spent.system)

    @property
    def resident_bytes(self) -> int:
        """Its memory now."""
        return int(self._watched.memory_info().rss)

    @property
    def peak_bytes(self) -> int:
        """The most memory it had since `forget_peak`."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024

    def forget_peak(self) -> None:
        """Reset the peak to the present size."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    def end(self) -> dict[str, Any]:
        """Stop it in order; return what it did."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        while "counts" not in (said := self._said()):
            pass
        self._process.wait(60)
        if not said["is_proven"]:
            raise ValueError("The job that followed could not prove that the index is the table.")
        return said

    def _said(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ValueError("The process that follows has ended.")
        said: dict[str, Any] = json.loads(line)
        return said


@contextmanager
def following(load: Load, sink: str, way: str) -> Iterator[Follower]:
    """Run a process that has caught up and follows in this way."""
    cluster = load.cluster
    server = Server(host=cluster.host, port=cluster.port, user=cluster.user, password=cluster.password)
    publication = PUBLICATION if way == LOG else "none"
    task = Task(
        contestant="follower", server=server, sink=sink, table=TABLE, rows=load.rows,
        configuration={"follow_publication": publication},
    )  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.follow.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(task.to_wire()) + "\n")
            process.stdin.flush()
            follower = Follower(process)
            follower.until(way)
            yield follower
        finally:
            process.kill()
