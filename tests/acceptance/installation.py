"""The service as it is installed: a process with a config.yml, a real database, an embedded Elasticsearch.

Intervals are scaled down. The test sees what the service does in the server's journal and can hold
or break any request.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from sandbox.elasticsearch import Server
from sandbox.elasticsearch.server.faults import Hold
from sandbox.elasticsearch.server.journal import Entry
from tests.support.database import Database
from tests.support.service_harness import CONNECTOR, ServiceHarness, until

INDEX = "music"
ROWS = 12
ENDED = ("completed", "error", "canceled")
STOP_SECONDS = 30.0
"""By then a process that was told to stop hangs; `service/test_signals.py` allows less."""
LIMITS: Mapping[str, Any] = {
    "idling": 1,
    "job_poll_interval": 0.1,
    "job_check_interval": 0.2,
    "job_report_interval": 0.2,
    "job_cleanup_interval": 1,
}
DYING: Mapping[str, Any] = {"fencing_limit": 4, "idle_limit": 6}
"""Limits for tests in which a worker is to count as dead soon, though not because the machine is busy."""
_FILL = f"""
CREATE TABLE album (id int PRIMARY KEY, title text);
INSERT INTO album SELECT n, 'title ' || n FROM generate_series(1, {ROWS}) AS n;
CREATE TABLE artist (id int PRIMARY KEY, name text);
INSERT INTO artist VALUES (1, 'one'), (2, 'two');
"""


@dataclass(slots=True)
class Running:
    """A service's process."""

    process: asyncio.subprocess.Process
    log_file: Path

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self, within_seconds: float = STOP_SECONDS) -> int:
        """Wait for its end; return the exit code."""
        async with asyncio.timeout(within_seconds):
            return await self.process.wait()

    def log(self) -> str:
        """Return all it printed."""
        return self.log_file.read_text(errors="replace")

    async def has_logged(self, event: str) -> None:
        """Wait until it has printed an event, in JSON or for people."""
        await self.has_printed(f'"{event}"', f"action={event}")

    async def has_printed(self, *words: str) -> None:
        """Wait until it has printed one of these."""

        async def log() -> str:
            return self.log()

        await until(log, lambda text: any(word in text for word in words))


@dataclass(slots=True)
class Installation:
    """Everything a test may look at or break."""

    server: Server
    database: Database
    harness: ServiceHarness
    folder: Path
    job_ids: list[str] = field(default_factory=list)
    processes: list[Running] = field(default_factory=list)

    def write_config(
        self,
        elasticsearch: Mapping[str, Any] | None = None,
        connector: Mapping[str, Any] | None = None,
        **service: Any,
    ) -> None:
        """Write config.yml."""
        bulk = {"chunk_size": 3, "max_concurrency": 1}
        config = {
            "elasticsearch": {"host": self.server.url, "bulk": bulk, **(elasticsearch or {})},
            "service": {**LIMITS, **service},
            "connectors": [{"connector_id": CONNECTOR, "service_type": "postgresql", **(connector or {})}],
        }
        file = self.folder / "config.yml"
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(config))

    async def start(
        self,
        command: Iterable[str] = ("-m", "ingest"),
        *,
        environment: Mapping[str, str] = os.environ,
        folder: Path | None = None,
    ) -> Running:
        """Start a service."""
        log_file = self.folder / f"service-{len(self.processes)}.log"
        with log_file.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *command, "-c", str(self.folder / "config.yml")),
                cwd=folder or self.folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.processes.append(Running(process, log_file))
        return self.processes[-1]

    async def set_up(self) -> Running:
        """Start a service, configure the connector, and sync once."""
        running = await self.start()
        await self.connect()
        assert (await self.sync())["status"] == "completed"
        return running

    async def connect(self, **values: Any) -> None:
        """Create the connector, and configure it once the service has registered its schema."""
        await self.harness.create_connector(CONNECTOR, INDEX)
        await self._until_connector("needs_configuration")
        await self.configure(**values)
        await self._until_connector("connected")

    async def _until_connector(self, status: str) -> None:
        await until(self.harness.connector, lambda one: one["status"] == status)

    async def configure(self, **values: Any) -> None:
        """Give the connector its right values, but for those given."""
        port = str(self.database.cluster.port)
        await self.harness.configure(**self.database.configuration(**{"port": port, **values}))

    async def create_job(self) -> str:
        """Ask for a sync."""
        self.job_ids.append(await self.harness.create_job())
        return self.job_ids[-1]

    async def sync(self) -> dict[str, Any]:
        """Sync to the end; return the job."""
        return await self.end_of(await self.create_job())

    async def end_of(self, job_id: str) -> dict[str, Any]:
        """Wait for the job's end and until its connector says so; return the job."""
        job = await until(
            lambda: self.harness.job(job_id),
            lambda one: one["status"] in ENDED,
        )
        await until(
            self.harness.connector,
            lambda one: one["last_sync_status"] in ENDED,
        )
        return job

    async def change(self) -> None:
        """Change every album but the last, which goes, and add one."""
        await self.database.execute(
            "UPDATE album SET title = title || ' again';"
            "DELETE FROM album WHERE id = (SELECT max(id) FROM album WHERE id < 100);"
            "INSERT INTO album SELECT coalesce(max(id), 0) + 100, 'new' FROM album"
        )

    async def titles(self) -> dict[str, str]:
        """Return id and title of every album in the index."""
        await self.harness.ok("POST", f"/{INDEX}/_refresh")
        body = {"size": 1000, "query": {"term": {"table": "album"}}}
        hits = (await self.harness.ok("POST", f"/{INDEX}/_search", body))["hits"]["hits"]
        return {hit["_id"]: hit["_source"]["public_album_title"] for hit in hits}

    async def expected_titles(self) -> dict[str, str]:
        """Return id and title of every album in the table."""
        rows = await self.database.connection.fetch("SELECT id, title FROM album")
        return {f"{self.database.name}_public_album_{row['id']}": row["title"] for row in rows}

    async def problems(self, living: frozenset[str] = frozenset()) -> list[str]:
        """Check what is in the journal against every promise."""
        return await self.harness.problems(living, *self.job_ids)

    @asynccontextmanager
    async def holding(self, path: str, holds: bytes = b"", **members: Any) -> AsyncIterator[Any]:
        """Hold the service's requests to a path whose body has these bytes; release them at the end."""

        def is_meant(entry: Entry) -> bool:
            return is_of_a_service(entry) and holds in entry.body

        held = self.server.faults.add(Hold(), path=path, when=is_meant, **members)
        try:
            yield held
        finally:
            self.server.faults.remove(held)


def is_of_a_service(entry: Entry) -> bool:
    """Whether a service sent this, not the test."""
    return entry.headers.get("User-Agent", "").startswith("elastic-ingest")


@asynccontextmanager
async def installation(
    server: Server, database: Database, folder: Path, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Installation]:
    """Install the service; nothing of it is left running at the end."""
    await database.execute(_FILL)
    async with aiohttp.ClientSession(headers=headers) as session:
        installed = Installation(server, database, ServiceHarness(server, session), folder)
        installed.write_config()
        try:
            yield installed
        finally:
            server.faults.clear()
            for running in installed.processes:
                if running.process.returncode is None:
                    running.process.kill()
                    await running.process.wait()
