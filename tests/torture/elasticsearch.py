"""The run's own view of Elasticsearch: patient calls, scripted faults, the journal, what an index holds."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from sandbox.elasticsearch.http import Effect
from sandbox.elasticsearch.server.journal import Entry
from sources.contract import ADDED_MEMBERS
from tests.support.history.events import Event, events_of
from tests.torture.connectors import Connector

PATIENCE_SECONDS = 120.0
MOST_DOCUMENTS = 10_000
"""What one search may show."""
FOREIGN = "foreign-"


class RefusedError(Exception):
    """Elasticsearch refused a call of ours for good."""


@dataclass(slots=True)
class Elasticsearch:
    """A running server."""

    url: str
    session: aiohttp.ClientSession
    _read_until: int = field(default=0, init=False)

    async def call(self, method: str, path: str, body: Any = None, **parameters: str) -> Any:
        """Ask until there is an answer, as faults strike any client. None: not there. Raises RefusedError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                async with self.session.request(
                    method, self.url + path, json=body, params=parameters
                ) as answer:
                    content = await answer.json(content_type=None)
                    if answer.status < 300:
                        return content
                    if answer.status == 404:
                        return None
                    if answer.status < 500 and answer.status != 429:
                        raise RefusedError(f"{method} {path}: {answer.status} {content}")
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                if time.monotonic() > deadline:
                    raise RefusedError(f"{method} {path}: {error!r}") from error
            if time.monotonic() > deadline:
                raise RefusedError(f"{method} {path}: not answered in {PATIENCE_SECONDS:.0f} s")
            await asyncio.sleep(0.2)

    async def events(self) -> list[Event]:
        """Return what workers and people did since the last time, as far as it has ended."""
        entries = await self.call("GET", "/_sandbox/journal", since=str(self._read_until))
        requests: list[Entry] = []
        for entry in entries:
            if entry["ended_monotonic"] is None:
                break
            request = entry_from_wire(entry)
            if request.number != self._read_until:
                raise RefusedError(f"the journal has lost requests {self._read_until} to {request.number}")
            self._read_until += 1
            requests.append(request)
        return events_of(requests)

    async def break_next(self, fault: Mapping[str, Any]) -> None:
        """Script a fault."""
        await self.call("POST", "/_sandbox/faults", fault)

    async def strikes(self) -> int:
        """Return how often the present faults have struck."""
        return sum(fault["strikes"] for fault in await self.call("GET", "/_sandbox/faults"))

    async def mend(self) -> int:
        """Remove all faults; return how often they had struck."""
        struck = await self.strikes()
        await self.call("DELETE", "/_sandbox/faults")
        return struck

    async def connector(self, name: str) -> dict[str, Any]:
        """Return a connector."""
        return dict(await self.call("GET", f"/_connector/{name}") or {})

    async def job(self, job: str) -> dict[str, Any]:
        """Return a job."""
        return dict(await self.call("GET", f"/_connector/_sync_job/{job}") or {})

    async def jobs(self, **parameters: str) -> list[dict[str, Any]]:
        """Return all jobs, or those that are asked for."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self.call(
                "GET", "/_connector/_sync_job", size="500", **{"from": str(len(found))}, **parameters
            )
            found += page["results"]
            if not page["results"] or len(found) >= page["count"]:
                return found

    async def create_job(self, connector: str, job_type: str) -> str:
        """Ask for a sync; return its id."""
        answer = await self.call("POST", "/_connector/_sync_job", {"id": connector, "job_type": job_type})
        return str(answer["id"])

    async def versions(self, connector: Connector) -> dict[str, int]:
        """Return the version that each document of the connector says its row has."""
        hits = await self._hits(connector, {"includes": ["*_version"]})
        versions: dict[str, int] = {}
        for hit in hits:
            for name, value in hit["_source"].items():
                if name.endswith("_version"):
                    versions[hit["_id"]] = value
        return versions

    async def content(self, connector: Connector) -> dict[str, dict[str, Any]]:
        """Return the connector's documents, without the members every document is given."""
        hits = await self._hits(connector, True)
        return {
            hit["_id"]: {name: value for name, value in hit["_source"].items() if name not in ADDED_MEMBERS}
            for hit in hits
            if not hit["_id"].startswith(FOREIGN)
        }

    async def foreign(self, connector: Connector) -> dict[str, int]:
        """Return the documents of others with their versions."""
        hits = await self._hits(connector, False)
        return {hit["_id"]: hit["_version"] for hit in hits if hit["_id"].startswith(FOREIGN)}

    async def _hits(self, connector: Connector, source: Any) -> list[Any]:
        if await self.call("POST", f"/{connector.index}/_refresh") is None:
            return []
        body = {"size": MOST_DOCUMENTS, "query": {"match_all": {}}, "_source": source, "version": True}
        hits = (await self.call("POST", f"/{connector.index}/_search", body))["hits"]["hits"]
        assert len(hits) < MOST_DOCUMENTS, "the tables have grown beyond what one search shows"
        return list(hits)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Elasticsearch]:
    """Run a server in a process of its own."""
    with (folder / "elasticsearch.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.torture.server"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            yield Elasticsearch(url, session)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def entry_from_wire(wire: Mapping[str, Any]) -> Entry:
    """Read an entry of the journal as the server's admin route shows it."""
    texts = {name: wire[name].encode() for name in ("body", "answer")}
    return Entry(**{**wire, **texts, "effect": Effect(**wire["effect"])})
