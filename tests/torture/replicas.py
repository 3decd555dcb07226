"""The services: real processes that are killed, paused, stopped and started again."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import yaml

from tests.torture.connectors import CONNECTORS
from tests.torture.history import Census

COUNT = 3
FENCING_SECONDS, IDLE_SECONDS = 8, 12
"""Within the first a worker that cannot report stops writing; after the second others may take its job."""
STOP_SECONDS = 60.0
SERVICE: Mapping[str, Any] = {
    "idling": 1,
    "job_poll_interval": 0.3,
    "job_check_interval": 0.5,
    "job_report_interval": 0.5,
    "job_cleanup_interval": 2,
    "fencing_limit": FENCING_SECONDS,
    "idle_limit": IDLE_SECONDS,
    "max_concurrent_content_syncs": 4,
    "log_format": "json",
}
BULK: Mapping[str, Any] = {"chunk_size": 100, "max_concurrency": 2}
REQUEST_SECONDS = 30
LOOPS = 3
PROTOCOL_REQUESTS = LOOPS + 5 * len(CONNECTORS)
"""Requests a service can have under way at once about connectors and jobs: one of each loop, and of each
connector one of its tick, of its job, of the job's reports, of the looks at the job, and of the watch of a
job that follows."""
CONTENT_REQUESTS = max(BULK["max_concurrency"] + 1, 3) * len(CONNECTORS)
"""The same of contents, by the job of each connector: bulk requests beside one of its own, or, once nothing
is left to send, three questions at once."""
MOST_CONNECTIONS = PROTOCOL_REQUESTS + CONTENT_REQUESTS
"""Connections to Elasticsearch of one service. Its two pools (aiohttp) have no limit of their own: a request
that finds no idle connection opens one, and an idle one is closed after a minute. They are used in turn, the
one that is idle longest first, so a service that asks several times a second keeps as many as it ever had
requests under way at once: 7 at first, 9 to 19 after three storms, of 26 descriptors in all. The others are
six that are always open (standard input, output and errors, the event loop and its pair of sockets) and up to
four connections to PostgreSQL, which are closed with what they were opened for."""


class HungError(Exception):
    """A service did not end when it was told to."""


@dataclass(slots=True)
class Replica:
    """One service; after its end another process in its place."""

    folder: Path
    name: str
    elasticsearch_port: int
    _process: asyncio.subprocess.Process | None = None
    _is_paused: bool = False

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it ended, by itself or not."""
        return self._process is None or self._process.returncode is not None

    async def start(self) -> None:
        """Start it, unless it runs."""
        if not self.has_ended:
            return
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ingest", "-c", str(self.folder / "config.yml")),
                cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def kill(self) -> None:
        """End it without a warning, and start another."""
        self.end_now()
        await self._ended()
        await self.start()

    async def stop(self) -> int:
        """Ask it to end; return its exit code."""
        if self._process is None:
            return 0
        if not self.has_ended:
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await self._process.wait()
        except TimeoutError:
            self.end_now()
            raise HungError(f"{self.name} did not end within {STOP_SECONDS:.0f} s of SIGTERM") from None

    async def pause(self, seconds: float) -> None:
        """Pause its process for a while."""
        if self.has_ended:
            return
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            if not self.has_ended:
                self._process.send_signal(signal.SIGCONT)

    def end_now(self) -> None:
        """Kill it."""
        if not self.has_ended:
            assert self._process is not None
            self._process.kill()

    async def _ended(self) -> None:
        if self._process is not None:
            await self._process.wait()

    def census(self) -> Census:
        """Count what it holds."""
        process = psutil.Process(self.pid)
        with process.oneshot():
            connections = process.net_connections("tcp")
            return Census(
                at=time.monotonic(),
                pid=self.pid,
                resident_bytes=process.memory_info().rss,
                descriptors=process.num_fds() - len(connections),
                connections=sum(
                    bool(one.raddr) and one.raddr.port == self.elasticsearch_port for one in connections
                ),
                threads=process.num_threads(),
            )


@dataclass(slots=True)
class Replicas:
    """All of them. The first is never ended, so that a leak has the whole run to show."""

    all: list[Replica] = field(default_factory=list)

    @property
    def endable(self) -> list[Replica]:
        """Those that may be ended."""
        return self.all[1:]


def configuration(url: str) -> str:
    """Return the `config.yml` that all share."""
    return yaml.safe_dump(
        {
            "elasticsearch": {"host": url, "request_timeout": REQUEST_SECONDS, "bulk": dict(BULK)},
            "service": dict(SERVICE),
            "connectors": [
                {"connector_id": connector.name, "service_type": "postgresql"} for connector in CONNECTORS
            ],
        }
    )


@asynccontextmanager
async def running(folder: Path, url: str) -> AsyncIterator[Replicas]:
    """Start all; none is left at the end."""
    file = folder / "config.yml"
    file.touch(mode=0o600)
    file.write_text(configuration(url))
    port = urlsplit(url).port
    assert port is not None
    replicas = Replicas([Replica(folder, f"replica-{number}", port) for number in range(COUNT)])
    try:
        for replica in replicas.all:
            await replica.start()
        yield replicas
    finally:
        for replica in replicas.all:
            replica.end_now()
