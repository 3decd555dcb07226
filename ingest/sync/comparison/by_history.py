"""Comparison by history: what has to change because of what changed since an earlier job.

    changes   snapshot: rows written since a position -> asked about in the index -> documents that differ
    digest    snapshot: one sum over all rows, the same as then? -> nothing differs

Both count on the index being what the earlier job left. A slice for which that is not enough is refused, with
the reason, and has to be compared by its content.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from ingest.sync.blocks.lines import Lines
from ingest.sync.comparison.by_content import MapFields
from ingest.sync.comparison.checkpoints import Checkpoint
from ingest.sync.progress.stats import ComparedBy, Tally
from ingest.sync.rules import BasicRules
from sources.contract import Batch, Slice

ON_DOCUMENTS = "Sync rules are evaluated on its documents, which the source does not know."


class Knowing(Protocol):
    """Knows which documents the index holds."""

    async def differing(self, lines: bytes) -> tuple[Lines, int]:
        """Return the lines whose document is another one or missing, and how many are of another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesComparison:
    """Compares the rows that were written since."""

    known: Knowing
    rules: BasicRules
    before: Mapping[str, Checkpoint]
    checkpoints: dict[str, Checkpoint]
    map_fields: MapFields | None = None
    rewrites: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    """Slices whose content has to be compared, and why; no reason where that is no surprise."""
    differed: set[str] = field(default_factory=set)
    """Slices of which something was sent, in an abandoned reading too: their sums are not what they were."""

    compared_by: ClassVar[ComparedBy] = ComparedBy.CHANGES

    async def differing(self, slice_: Slice, tally: Tally) -> AsyncGenerator[Lines, None]:
        """Read what changed in a slice and yield the documents that differ, or refuse it."""
        narrowed = _narrowed(slice_, self.rules)
        if narrowed is None:
            self.refused[slice_.name] = ON_DOCUMENTS
            return
        before = self.before.get(slice_.name)
        since = None if before is None else before.position
        async with narrowed.snapshot() as snapshot:
            if (reason := snapshot.incompatibility(since)) is not None or before is None or since is None:
                self.refused[slice_.name] = reason or "It was not read by the last job."
                return
            async with aclosing(snapshot.changes(since)) as batches:
                async for batch in batches:
                    different = await self._taken(batch, tally)
                    if different.count:
                        self.differed.add(slice_.name)
                    yield different
            rows = await snapshot.count()
            tally.skipped = max(0, rows - tally.read)
            is_as_before = slice_.name not in self.differed and rows == before.rows
            self.checkpoints[slice_.name] = Checkpoint(
                rows=rows, position=snapshot.position, sums=before.sums if is_as_before else None
            )

    async def _taken(self, batch: Batch, tally: Tally) -> Lines:
        if batch.mapping is not None and self.map_fields is not None:
            await self.map_fields(batch.mapping)
        lines = Lines(batch.lines, batch.count)
        if batch.count and not self.rewrites:
            lines, overwriting = await self.known.differing(batch.lines)
            tally.overwriting += overwriting
        tally.read += batch.count
        tally.unchanged += batch.count - lines.count
        tally.nulled += batch.nulled
        return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestComparison:
    """Compares the sums of all rows with what they were."""

    rules: BasicRules
    before: Mapping[str, Checkpoint]
    checkpoints: dict[str, Checkpoint]
    refused: dict[str, str] = field(default_factory=dict)
    """Slices whose content has to be compared, and why; no reason where that is no surprise."""

    compared_by: ClassVar[ComparedBy] = ComparedBy.DIGEST

    async def differing(self, slice_: Slice, tally: Tally) -> AsyncGenerator[Lines, None]:
        """Prove a slice to be as it was, which leaves nothing to yield, or refuse it."""
        narrowed, before = _narrowed(slice_, self.rules), self.before.get(slice_.name)
        if narrowed is None or before is None or before.sums is None:
            self.refused[slice_.name] = ON_DOCUMENTS if narrowed is None else ""
            return
        async with narrowed.snapshot() as snapshot:
            digest = await snapshot.digest()
            if digest is None or (digest.rows, digest.sums) != (before.rows, before.sums):
                self.refused[slice_.name] = ""
                return
            tally.skipped = digest.rows
            self.checkpoints[slice_.name] = Checkpoint(
                rows=digest.rows, position=snapshot.position, sums=digest.sums
            )
        yield Lines(b"", 0)


def _narrowed(slice_: Slice, rules: BasicRules) -> Slice | None:
    return slice_ if rules.is_default else slice_.narrowed(rules.tests)
