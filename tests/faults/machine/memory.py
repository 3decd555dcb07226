"""Tables that are dictionaries, behind a source that can lose them after any row: fast, and all in order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sources.contract import Preferences
from sources.errors import SourceConfigurationError, SourceUnavailableError
from tests.faults.machine.changes import Kind, RowChange
from tests.faults.machine.tables import NAMES, PASSWORD, Documents, Tables
from tests.support.memory_source import MemorySlice, MemorySource
from tests.support.shelf_source import SERVICE_TYPE

FIELDS = {
    name: {"label": name, "order": order, "type": "str", "sensitive": name == "password", "value": ""}
    for order, name in enumerate(("database", "tables", "password"), 1)
}


@dataclass(slots=True, kw_only=True)
class TablesInMemory(Tables):
    """Dictionaries from key to value."""

    sources: Any = field(init=False)
    rows: dict[str, dict[int, str]] = field(default_factory=dict)
    losses: int = 0
    """How often their readers lost them."""

    def __post_init__(self) -> None:
        self.rows = {"a": {n: f"first {n}" for n in range(5)}, "b": {n: f"first {n}" for n in range(3)}}
        self.sources = {SERVICE_TYPE: type("BoundSource", (SourceOfMemory,), {"over": self})}

    async def change(self, change: RowChange) -> None:
        """Change a dictionary."""
        rows = self.rows[change.table]
        match change.kind:
            case Kind.PUT:
                rows[change.key] = change.value
            case Kind.UPDATE:
                rows.update({key: change.value for key in rows if key >= change.key})
            case Kind.DELETE:
                rows.pop(change.key, None)
            case Kind.EXCHANGE:
                rows.pop(change.key, None)
                rows.setdefault(change.other_key, change.value)
            case Kind.EMPTY:
                rows.clear()
        await self.note_rows()

    async def documents(self) -> Documents:
        """Return the documents of the rows."""
        return {
            id_: {"id": id_, "database": "memory", "table": table, **members}
            for table in self.rows
            for id_, members in self.members(table).items()
        }

    def members(self, table: str) -> Documents:
        """Return what a row of a table adds to what all of them have."""
        rows = self.rows.get(table, {})
        return {f"{table}_{key}": {f"public_{table}_v": value} for key, value in sorted(rows.items())}

    def configuration(self) -> dict[str, Any]:
        """Return values as for PostgreSQL."""
        return {"database": "memory", "tables": "*", "password": PASSWORD}

    async def lose_readers(self) -> None:
        """Let the next row of every reading be its last."""
        self.losses += 1

    async def readers(self) -> int:
        """There are no connections."""
        return 0

    async def put_in_order(self) -> None:
        """Nothing was taken away."""


@dataclass(frozen=True, slots=True)
class Rows(Mapping[str, Mapping[str, Any]]):
    """The rows of a table as a slice wants them, whenever it begins to read."""

    over: TablesInMemory
    table: str

    def __getitem__(self, id_: str) -> Mapping[str, Any]:
        return self.over.members(self.table)[id_]

    def __iter__(self) -> Iterator[str]:
        return iter(self.over.members(self.table))

    def __len__(self) -> int:
        return len(self.over.members(self.table))


class SourceOfMemory(MemorySource):
    """Reads a row at a time; subclasses are bound to tables."""

    over: ClassVar[TablesInMemory]
    service_type: ClassVar[str] = SERVICE_TYPE
    fields: ClassVar[Mapping[str, Mapping[str, Any]]] = FIELDS

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        super().__init__(configuration)
        if not (selection := str(configuration.get("tables") or "")):
            raise SourceConfigurationError("Tables is empty.")
        self.selected = NAMES if selection == "*" else tuple(selection.split(","))
        self.preferences = Preferences(max_deleted_share=1.0)

    async def slices(self, advanced_rules: Any, seed: int) -> Sequence[MemorySlice]:
        """Return a slice a table, of rows as they are when it is read."""
        return [self._slice(table, seed) for table in self.selected if table in self.over.rows]

    def _slice(self, table: str, seed: int) -> MemorySlice:
        lost_before = [self.over.losses]

        def may_be_lost(_slice: str, batch: int) -> None:
            if batch == 0:
                lost_before[0] = self.over.losses
            elif self.over.losses > lost_before[0]:
                raise SourceUnavailableError(f"Table {table} was lost.")

        return MemorySlice(
            name=table,
            table=Rows(self.over, table),
            scope={**self.scope, "table": table},
            seed=seed,
            before_batch=may_be_lost,
            rows_per_batch=1,
        )
