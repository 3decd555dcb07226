"""Whether the index is the tables: the comparison of a full sync, told instead of delivered.

    ledger -> each table: comparison -> what differs -> ledger again -> differed all the while? -> findings
    what the index                      is a suspect    what the index      else it was being
    holds                                               holds now           written, and is fine

Nothing is written. Each side is read once, and the index a second time only if something differs. A table
whose source is lost on the way is read again from its start, as often as a job would. If tables change and
are synced meanwhile, so that documents were written in between, everything is looked at anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

import orjson

from ingest.elasticsearch import indices
from ingest.elasticsearch.client import Client
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.scan import ScanLostError
from ingest.errors import IncompleteSyncError
from ingest.sync.blocks.lines import KeyReader, Lines
from ingest.sync.comparison.by_content import ContentComparison, keys_of
from ingest.sync.index.inventory import SCANS, Inventory, empty_ledger
from ingest.sync.index.ledger import Ledger
from ingest.sync.index.scope import Scope
from ingest.sync.preparation import read_pipelines, seed_of
from ingest.sync.progress.stats import Tally
from ingest.sync.reading import READING_BUDGET_SECONDS
from ingest.sync.request import SyncRequest
from ingest.sync.verification.deep import compare_content
from ingest.sync.verification.findings import Difference, Findings, TableFindings
from ingest.sync.verification.suspects import IDS_KEPT, Suspects
from sources.contract import ID_END, Slice
from sources.errors import SourceUnavailableError

LOOKS: Final = 3
"""How often everything is looked at, at most, until nothing is unsettled."""
ELSEWHERE: Final = "(tables that are not synced)"
"""Where documents of the source are filed that belong to none of its tables."""

T = TypeVar("T")
Tell = Callable[[str], None]
"""Told what is being done, for whoever waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thoroughness:
    """How closely to look."""

    is_deep: bool = False
    """Whether to compare what is stored, and not only its content hash."""
    grace_seconds: float = 2.0
    """How long to wait before the second look, so that a sync that runs can deliver what it has read."""


async def verify(
    request: SyncRequest, client: Client, thoroughness: Thoroughness, tell: Tell = lambda _: None
) -> Findings:
    """Compare the rows of an open source with the documents of its index.

    `client` is a content view. Raises IngestError or SourceError if the two cannot be compared.
    """
    for _ in range(LOOKS):
        found = await _Look(request, client, thoroughness, tell).findings()
        if not found.unsettled:
            break
    return found


@dataclass(slots=True)
class _Look:
    """One look at both sides."""

    request: SyncRequest
    client: Client
    thoroughness: Thoroughness
    tell: Tell
    key_reader: KeyReader = field(default_factory=KeyReader)

    async def findings(self) -> Findings:
        request = self.request
        index = await indices.find(self.client, request.index_name)
        definitions = await read_pipelines(self.client, request.index_name, request.pipeline)
        slices = await request.source.slices(request.advanced_rules, seed_of(request.pipeline, definitions))
        self.tell(f"Reading the ids of {request.index_name}")
        before = await self._documents_apart(index)
        tables: list[TableFindings] = []
        suspects: list[Suspects] = []
        for slice_ in slices:
            self.tell(f"Comparing {slice_.name}")
            table, suspected = await self._read(partial(self._compared, slice_, before))
            tables.append(table)
            suspects.append(suspected)
        if before.unmet or any(map(len, suspects)):
            self.tell("Looking again at what differs")
            await asyncio.sleep(self.thoroughness.grace_seconds)
            await self._require_same(index)
            await self._judge(tables, suspects, index)
            tables += await self._surplus(slices, tables, before, index)
        if self.thoroughness.is_deep and index is not None:
            await self._compare_content(slices, tables, index)
        await self._require_same(index)
        return Findings(tables=tables)

    async def _documents(self, index: ContentIndex | None) -> Ledger:
        return await self._inventory(index).load() if index is not None else empty_ledger("")

    async def _documents_apart(self, index: ContentIndex | None) -> Ledger:
        """Load the documents such that no two ids have one hash."""
        for _ in range(LOOKS):
            ledger = await self._documents(index)
            if not ledger.has_collisions:
                return ledger
            self.key_reader = KeyReader()
        raise IncompleteSyncError("The ids in the index cannot be told apart. Verify again.")

    async def _require_same(self, index: ContentIndex | None) -> None:
        if index is not None:
            await indices.require_same(self.client, index)
        elif await indices.find(self.client, self.request.index_name) is not None:
            raise IncompleteSyncError(
                f"The index {self.request.index_name} was created meanwhile. Verify again."
            )

    def _inventory(self, index: ContentIndex) -> Inventory:
        scope = Scope.of(self.request.source.scope)
        return Inventory(client=self.client, index=index, scope=scope, key_reader=self.key_reader)

    async def _read(self, reading: Callable[[], Awaitable[T]]) -> T:
        """Return what a reading of a table gives, from its start again if the source is lost on the way."""
        attempts = self.client.retrying(READING_BUDGET_SECONDS).attempts()
        while True:
            try:
                return await reading()
            except SourceUnavailableError as error:
                if attempts.made >= self.request.options.readings:
                    raise
                self.tell(f"Reading again. {error}")
                if not await attempts.wait():
                    raise

    async def _compared(self, slice_: Slice, before: Ledger) -> tuple[TableFindings, Suspects]:
        """Read a table to its end; return how many rows it has, and those whose document is not theirs."""
        tally, suspects = Tally(), Suspects()
        comparison = ContentComparison(ledger=before, key_reader=self.key_reader, rules=self.request.rules)
        before.start_reading()
        try:
            async with aclosing(comparison.differing(slice_, tally)) as differing:
                async for documents in differing:
                    suspects.add(keys_of(self.key_reader, documents.block), before)
                    suspects.ids += _ids(documents, IDS_KEPT - len(suspects.ids))
        except SourceUnavailableError:
            before.abandon_reading()
            raise
        return TableFindings(name=slice_.name, rows=tally.read - tally.filtered), suspects

    async def _judge(
        self, tables: Sequence[TableFindings], suspects: Sequence[Suspects], index: ContentIndex | None
    ) -> None:
        """Settle what rows told of documents, with the documents as they are by now."""
        if not any(map(len, suspects)):
            return
        after = await self._documents(index)
        for table, suspected in zip(tables, suspects, strict=True):
            if not len(suspected):
                continue
            verdicts = suspected.judged(after)
            table.unsettled = int(verdicts.unsettled.sum())
            for difference, chosen in (
                (Difference.MISSING, verdicts.missing),
                (Difference.STALE, verdicts.stale),
            ):
                ids = [id_ for id_, is_chosen in zip(suspected.ids, chosen, strict=False) if is_chosen]
                table.note(difference, ids, int(chosen.sum()))

    async def _surplus(
        self,
        slices: Sequence[Slice],
        tables: Sequence[TableFindings],
        before: Ledger,
        index: ContentIndex | None,
    ) -> list[TableFindings]:
        """File documents that had no row under their tables; return those that belong to none."""
        if index is None or not before.unmet:
            return []
        for _ in range(SCANS):
            try:
                filed = await self._filed(slices, before, index)
            except ScanLostError as error:
                lost = error
            else:
                break
        else:
            raise IncompleteSyncError(f"The index could not be read in {SCANS} attempts: {lost}") from lost
        for table in tables:
            if (found := filed.pop(table.name, None)) is not None:
                surplus = Difference.SURPLUS
                table.note(surplus, found.samples[surplus], found.counts[surplus])
        return list(filed.values())

    async def _filed(
        self, slices: Sequence[Slice], before: Ledger, index: ContentIndex
    ) -> dict[str, TableFindings]:
        names = {_place(one.scope): one.name for one in slices if one.scope is not None}
        members = {name for one in slices for name in one.scope or ()}
        filed: dict[str, TableFindings] = {}
        async with aclosing(self._inventory(index).surplus(before, members)) as pages:
            async for hits in pages:
                for hit in hits:
                    source = hit.get("_source", {})
                    place = _place({name: source[name] for name in members if name in source})
                    name = names.get(place, ELSEWHERE)
                    filed.setdefault(name, TableFindings(name=name)).note(Difference.SURPLUS, [hit["_id"]])
        return filed

    async def _compare_content(
        self, slices: Sequence[Slice], tables: Sequence[TableFindings], index: ContentIndex
    ) -> None:
        for slice_, table in zip(slices, tables, strict=False):
            self.tell(f"Comparing the content of {slice_.name}")
            found = await self._read(partial(self._altered, slice_, index))
            table.note(Difference.ALTERED, found.samples[Difference.ALTERED], found.differing)

    async def _altered(self, slice_: Slice, index: ContentIndex) -> TableFindings:
        found = TableFindings(name=slice_.name)
        async for id_ in compare_content(self.client, index.name, slice_):
            found.note(Difference.ALTERED, [id_])
        return found


def _ids(documents: Lines, most: int) -> list[str]:
    """Return the ids of the first documents of a block."""
    if most <= 0 or not documents.count:
        return []
    lines = documents.block.split(b"\n", most)[: min(most, documents.count)]
    return [str(orjson.loads(line[: line.index(ID_END)])) for line in lines]


def _place(scope: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((name, str(value)) for name, value in scope.items())
