"""The memory source as the service's tests use it: a type that is configured, and that can fail.

The service makes a source of the class for each use; what they all read and how they behave is one `Shelf`.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar

from sources.contract import Batch, Features, IsUnchanged, Preferences, RuleProblem, Source
from sources.errors import SourceConfigurationError
from tests.support.memory_source import MemorySlice, MemorySource

SERVICE_TYPE = "postgresql"
WRONG_PASSWORD = "wrong-secret"


class Shelf:
    """The rows, what every source over them does, and what was asked of it."""

    def __init__(self, rows: Mapping[str, Any] | None = None) -> None:
        self.rows = dict(rows if rows is not None else {"1": {"title": "one"}, "2": {"title": "two"}})
        self.ping_error: Exception | None = None
        self.read_error: Exception | None = None
        self.ping_gate: asyncio.Event | None = None
        """If set, a ping waits for it."""
        self.gate: asyncio.Event | None = None
        """If set, reading waits for it after the first row."""
        self.is_reading = asyncio.Event()
        self.pings = 0
        self.reads = 0
        self.rule_problems: list[RuleProblem] = []
        self.rejected_index = ""


@dataclass(slots=True, kw_only=True)
class ShelfSlice(MemorySlice):
    """The rows of a shelf, one a batch."""

    shelf: Shelf

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Read the rows one by one, pausing or failing after the first if the shelf says so."""
        self.shelf.reads += 1
        async with aclosing(MemorySlice.batches(self, is_unchanged)) as batches:
            async for batch in batches:
                yield batch
                await self._after_a_row()

    async def _after_a_row(self) -> None:
        self.shelf.is_reading.set()
        if self.shelf.gate is not None:
            await self.shelf.gate.wait()
        if self.shelf.read_error is not None:
            raise self.shelf.read_error


class ShelfSource(MemorySource):
    """A source with one slice; subclasses are bound to a shelf."""

    shelf: ClassVar[Shelf]
    service_type: ClassVar[str] = SERVICE_TYPE
    name: ClassVar[str] = "Shelf"
    fields: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "host": {"label": "Host", "order": 1, "type": "str", "value": ""},
        "password": {"label": "Password", "order": 2, "type": "str", "sensitive": True, "value": ""},
        "port": {"label": "Port", "order": 3, "type": "int", "display": "numeric", "value": 5432},
    }
    features: ClassVar[Features] = Features(advanced_sync_rules=True)

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        if not configuration.get("host"):
            raise SourceConfigurationError("Host is empty.")
        super().__init__({"database": "shelf"})
        self.password = configuration.get("password")
        self.preferences = Preferences(rejected_index=self.shelf.rejected_index)

    async def ping(self) -> None:
        """Refuse one password, or fail as the shelf says."""
        self.shelf.pings += 1
        if self.shelf.ping_gate is not None:
            await self.shelf.ping_gate.wait()
        if self.password == WRONG_PASSWORD:
            raise SourceConfigurationError(f"The password {WRONG_PASSWORD!r} was refused; check Password.")
        if self.shelf.ping_error is not None:
            raise self.shelf.ping_error

    async def validate(self, advanced_rules: Any) -> Sequence[RuleProblem]:
        """Find what the shelf says."""
        return self.shelf.rule_problems if advanced_rules else []

    async def slices(self, advanced_rules: Any, seed: int) -> Sequence[MemorySlice]:
        """Return the one slice."""
        return [
            ShelfSlice(
                name="shelf",
                table=self.shelf.rows,
                scope={**self.scope, "table": "shelf"},
                seed=seed,
                rows_per_batch=1,
                shelf=self.shelf,
            )
        ]


def source_over(
    shelf: Shelf, features: Features | None = None, base: type[ShelfSource] = ShelfSource
) -> type[Source]:
    """Return a source class whose rows are those of the shelf."""
    members = {"shelf": shelf, "features": features or base.features}
    return type("BoundShelfSource", (base,), members)
