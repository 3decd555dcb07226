"""A source whose tables are dictionaries: id -> members. What it gives can be changed between two syncs."""

import hashlib
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Self

import orjson

from sources.contract import (
    Batch,
    Features,
    Finding,
    IsUnchanged,
    Preferences,
    RowTest,
    RuleProblem,
    Slice,
    Snapshot,
)
from sources.network import Network
from sources.unversioned import unversioned

Document = Mapping[str, Any]


def line_of(id_: str, members: Document, seed: int = 0) -> bytes:
    """Render a row as a line of the contract."""
    body = orjson.dumps(members)
    digest = hashlib.blake2b(orjson.dumps([id_, seed]) + body, digest_size=8).digest()
    hash_ = int.from_bytes(digest, "big", signed=True)
    return orjson.dumps(id_) + b"\x01%d\x02" % hash_ + body[1:] + b"\n"


def nothing(_slice: str, _batch: int) -> None:
    """Let a batch be read."""


@dataclass(slots=True, kw_only=True)
class MemorySlice:
    """One dictionary, read in blocks of a few rows."""

    name: str
    table: Mapping[str, Document]
    scope: Mapping[str, str]
    seed: int = 0
    before_batch: Callable[[str, int], None] = nothing
    rows_per_batch: int = 3
    asks: bool = True
    estimated_rows: int | None = None
    mapping: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> Mapping[str, str]:
        """Each field is made of the column of its name."""
        return {name: name for name in self.mapping}

    def narrowed(self, tests: Sequence[RowTest]) -> Slice | None:
        """Leave every rule to the service."""
        return None

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Nothing is known of the past."""
        return unversioned(self, "A dictionary remembers nothing.")

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Read a copy of the table as it is now: that is the snapshot."""
        rows = list(self.table.items())
        for number, start in enumerate(range(0, len(rows), self.rows_per_batch)):
            self.before_batch(self.name, number)
            lines = [
                line_of(id_, {"id": id_, **self.scope, **members}, self.seed)
                for id_, members in rows[start : start + self.rows_per_batch]
            ]
            changed = lines
            if is_unchanged is not None and self.asks:
                known = is_unchanged(b"".join(lines)).tolist()
                changed = [line for line, is_known in zip(lines, known, strict=True) if not is_known]
            yield Batch(lines=b"".join(changed), count=len(changed), unchanged=len(lines) - len(changed))
        self.before_batch(self.name, -1)


class MemorySource:
    """Implements the contract of a source over `tables`."""

    service_type: ClassVar[str] = "memory"
    name: ClassVar[str] = "Memory"
    fields: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    features: ClassVar[Features] = Features()
    network: ClassVar[Network] = Network()
    members: ClassVar[Mapping[str, Any]] = {name: {"type": "keyword"} for name in ("database", "table")}

    def __init__(self, configuration: Mapping[str, Any] | None = None) -> None:
        """`configuration` may have `database`, the scope."""
        self.tables: dict[str, dict[str, Document]] = {}
        self.mappings: dict[str, dict[str, Any]] = {}
        self.database = str((configuration or {}).get("database", "shop"))
        self.rows_per_batch = 3
        self.asks_about_rows = True
        self.before_batch: Callable[[str, int], None] = nothing
        """Called before each batch of a slice, and with -1 after the last: raise here to lose the source."""
        self.seeds: list[int] = []
        self.preferences = Preferences()

    @property
    def scope(self) -> Mapping[str, str]:
        """All documents carry the database."""
        return {"database": self.database}

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""

    async def ping(self) -> None:
        """Always there."""

    async def check(self, advanced_rules: Any) -> Sequence[Finding]:
        """Nothing to find."""
        return ()

    async def state(self) -> str | None:
        """Dictionaries keep no versions."""
        return None

    async def validate(self, advanced_rules: Any) -> Sequence[RuleProblem]:
        """Nothing to refuse."""
        return ()

    async def slices(self, advanced_rules: Any, seed: int) -> Sequence[MemorySlice]:
        """One slice a table, in the order of their names."""
        self.seeds.append(seed)
        return [
            MemorySlice(
                name=name,
                table=table,
                scope={**self.scope, "table": name},
                seed=seed,
                before_batch=lambda slice_, batch: self.before_batch(slice_, batch),
                rows_per_batch=self.rows_per_batch,
                asks=self.asks_about_rows,
                estimated_rows=len(table),
                mapping=self.mappings.get(name, {}),
            )
            for name, table in sorted(self.tables.items())
        ]

    def put(self, table: str, rows: Iterable[tuple[str, Document]]) -> None:
        """Insert or update rows."""
        self.tables.setdefault(table, {}).update(rows)
