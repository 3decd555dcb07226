"""The suite refuses sources that break the contract; each of these breaks it in one way."""

import inspect
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from sources.contract import Batch, IsUnchanged, RowTest, Slice
from sources.errors import SourceError
from tests.contract.source import test_source_contract as suite
from tests.contract.source.conftest import memory_subject
from tests.support.memory_source import MemorySlice, MemorySource

SUITE = [
    test
    for name, test in inspect.getmembers(suite, inspect.iscoroutinefunction)
    if name.startswith("test_") and list(inspect.signature(test).parameters) == ["subject"]
]


class EndsSilently(MemorySlice):
    """Takes an error for the end."""

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        try:
            async with aclosing(MemorySlice.batches(self, is_unchanged)) as batches:
                async for batch in batches:
                    yield batch
        except SourceError:
            return


class TakesNoSnapshot(MemorySlice):
    """Looks at the table again for every batch."""

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        async with aclosing(MemorySlice.batches(self, is_unchanged)) as batches:
            async for batch in batches:
                if not self.table:
                    return
                yield batch


class NarrowsNothing(MemorySlice):
    """Says that it leaves out rows, and does not."""

    def narrowed(self, tests: Sequence[RowTest]) -> Slice | None:
        return self


class LetsNaNThrough(MemorySlice):
    """Writes what is no JSON."""

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        async with aclosing(MemorySlice.batches(self, is_unchanged)) as batches:
            async for batch in batches:
                yield replace(batch, lines=batch.lines.replace(b":null", b":NaN"))


class CutsKeys(MemorySlice):
    """Makes one id of keys that begin alike."""

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        cut = replace(self, table={key[:1]: row for key, row in self.table.items()})
        async with aclosing(MemorySlice.batches(cut, is_unchanged)) as batches:
            async for batch in batches:
                yield batch


class GivesKnownRows(MemorySlice):
    """Gives every row, known or not."""

    def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        return MemorySlice.batches(self, None)


class IgnoresTheSeed(MemorySlice):
    """Gives the same hashes whatever the seed."""

    def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        return MemorySlice.batches(replace(self, seed=0), is_unchanged)


BROKEN = [
    EndsSilently, TakesNoSnapshot, NarrowsNothing, LetsNaNThrough, CutsKeys, GivesKnownRows, IgnoresTheSeed,
]  # fmt: skip


def source_of(kind: type[MemorySlice]) -> MemorySource:
    class Source(MemorySource):
        async def slices(self, advanced_rules: Any, seed: int) -> Sequence[MemorySlice]:
            found = await super().slices(advanced_rules, seed)
            members = MemorySlice.__dataclass_fields__
            return [kind(**{name: getattr(one, name) for name in members}) for one in found]

    return Source()


async def refused_by(kind: type[MemorySlice]) -> list[str]:
    """Return the tests of the suite that a source of such slices fails."""
    refusing = []
    for test in SUITE:
        try:
            await test(memory_subject(source_of(kind)))
        except (Exception, pytest.fail.Exception):
            refusing.append(test.__name__)
    return refusing


async def test_the_suite_takes_a_source_that_keeps_the_contract() -> None:
    assert await refused_by(MemorySlice) == []


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_the_suite_refuses_a_source_that_breaks_the_contract(kind: type[MemorySlice]) -> None:
    assert await refused_by(kind)
