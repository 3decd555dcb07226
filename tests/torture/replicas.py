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


class HungError(Exception):
    """A service did not end when it was told to."""


@dataclass(slots=True)
class Replica:
    """One service; after its end another process in its place."""

    folder: Path
    name: str
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
            return Census(
                at=time.monotonic(),
                pid=self.pid,
                resident_bytes=process.memory_info().rss,
                descriptors=process.num_fds(),
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
    replicas = Replicas([Replica(folder, f"replica-{number}") for number in range(COUNT)])
    try:
        for replica in replicas.all:
            await replica.start()
        yield replicas
    finally:
        for replica in replicas.all:
            replica.end_now()
