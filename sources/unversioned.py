"""A snapshot of a slice that can be read and no more: what a source has whose rows carry no version."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sources.contract import Batch, Digest, IsUnchanged, Key, Slice


@asynccontextmanager
async def unversioned(slice_: Slice, reason: str) -> AsyncIterator["UnversionedSnapshot"]:
    """Open a slice that can only be read, each reading on a snapshot of its own."""
    yield UnversionedSnapshot(slice=slice_, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnversionedSnapshot:
    """A snapshot without a history: it has no position, and gives the reason."""

    slice: Slice
    reason: str
    """A sentence."""

    @property
    def position(self) -> None:
        """There is none."""
        return

    def incompatibility(self, since: str | None) -> str:
        """Give the reason, whatever the position."""
        return self.reason

    def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Read the slice."""
        return self.slice.batches(is_unchanged)

    def changes(self, since: str) -> AsyncGenerator[Batch, None]:
        """Nobody who heeds `incompatibility` asks this."""
        raise NotImplementedError(self.reason)

    def rows(self, keys: Sequence[Key]) -> AsyncGenerator[Batch, None]:
        """Nobody has a key to ask for."""
        raise NotImplementedError(self.reason)

    async def count(self) -> int:
        """Nobody who heeds `incompatibility` asks this."""
        raise NotImplementedError(self.reason)

    async def digest(self) -> Digest | None:
        """Reading is the only way to know the rows."""
        return None
