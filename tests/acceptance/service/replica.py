"""A service in a process of its own: the real one, over a source whose every read is slow and always new.

python -m tests.acceptance.service.replica '{"host": ..., "connectors": [...], ...}'
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Any

from ingest import log
from ingest.config import Bulk, Config, ConnectorEntry, Elasticsearch, Service
from ingest.service import program
from sources.contract import Batch, IsUnchanged
from tests.support.memory_source import MemorySlice, line_of
from tests.support.shelf_source import SERVICE_TYPE, Shelf, ShelfSource, source_over

ROWS = 5
SECONDS_A_ROW = 0.08


class SlowSlice(MemorySlice):
    """Rows that are read slowly and differ each time."""

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Read slowly."""
        for number in range(ROWS):
            await asyncio.sleep(SECONDS_A_ROW)
            line = line_of(str(number), {"id": str(number), **self.scope, "title": token_hex(4)})
            if is_unchanged is not None:
                is_unchanged(line)
            yield Batch(lines=line, count=1)


class SlowSource(ShelfSource):
    """The source of a replica."""

    async def slices(self, advanced_rules: Any, seed: int) -> Sequence[MemorySlice]:
        """Return the one slow slice."""
        return [SlowSlice(name="slow", table={}, scope=self.scope)]


def configuration(settings: dict[str, Any]) -> Config:
    """Return a configuration whose limits are scaled down to seconds."""
    return Config(
        elasticsearch=replace(
            Elasticsearch(), hosts=(settings["host"],), bulk=replace(Bulk(), chunk_size=1, max_concurrency=1)
        ),
        service=replace(Service(), **settings["service"]),
        connectors=tuple(
            ConnectorEntry(connector_id=connector_id, service_type=SERVICE_TYPE)
            for connector_id in settings["connectors"]
        ),
    )


async def run(settings: dict[str, Any]) -> None:
    """Serve until a signal."""
    config = configuration(settings)
    source = source_over(Shelf(), base=SlowSource)
    await program.run(config, lambda: config, {SERVICE_TYPE: source})


if __name__ == "__main__":
    log.configure("info", "json")
    asyncio.run(run(json.loads(sys.argv[1])))
