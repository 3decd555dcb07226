"""A database, the index that is kept in step with it, and what both have in a field."""

from dataclasses import dataclass, replace
from typing import Any

from ingest.sync.kinds.full import full_sync
from ingest.sync.progress.stats import Stats
from tests.support.database import Database
from tests.support.sync_harness import INDEX, SyncHarness

ANYTHING = {"type": "object", "enabled": False}


@dataclass(frozen=True)
class Mirror:
    """A database and the index that follows it."""

    database: Database
    index: SyncHarness

    async def sync(self, **configuration: Any) -> Stats:
        derives = configuration.get("mappings") != "dynamic"
        self.index.options = replace(self.index.options, derive_mappings=derives)
        stats = Stats()
        async with self.database.source(**configuration) as source:
            await full_sync(self.index.request(source), self.index.context(stats))
        return stats

    async def values(self, field: str) -> list[Any]:
        """Return what the documents have in a field, in the order of their ids."""
        return [document.get(field) for _, document in sorted((await self.index.documents()).items())]

    async def fields(self) -> dict[str, Any]:
        """Return the index's mapping of the columns."""
        described = await self.index.call("GET", f"/{INDEX}/_mapping")
        properties = described[INDEX]["mappings"]["properties"]
        return {name: mapping for name, mapping in properties.items() if name.startswith("public_")}
