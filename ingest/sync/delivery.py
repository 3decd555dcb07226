"""Delivery: getting documents to the index, and stale ones out of it.

    blocks of lines -> chunks -> a slot is free -> one task a chunk -> its final verdicts

When no slot is free, `send` waits, so whoever reads rows waits too: memory is bounded by slots times the size
of a chunk. Every task belongs to the delivery; what fails in one of them ends whoever entered it.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from ingest.sync.blocks.chunks import Chunk, Chunker, ChunkLimits
from ingest.sync.blocks.lines import Lines
from ingest.sync.bulk.slots import Slots
from ingest.sync.bulk.writer import BulkWriter, Deletion, Destination
from ingest.sync.certificate import Certificate
from ingest.sync.request import SyncContext, SyncOptions
from ingest.sync.stats import Tally


class Delivery:
    """Sends documents in chunks, as many at once as there are slots. Used with `async with`."""

    def __init__(
        self, context: SyncContext, destination: Destination, options: SyncOptions, constants: bytes
    ) -> None:
        """`constants` are the JSON members all documents of the job get, each with a comma after it."""
        limits = ChunkLimits(options.bulk.chunk_max_mem_size_bytes, options.bulk.chunk_size)
        self._context = context
        self._slots = Slots(options.bulk.max_concurrency)
        self._chunker = Chunker(constants, limits)
        self._writer = BulkWriter(context, destination, options, limits=limits, slots=self._slots)
        self._group = asyncio.TaskGroup()
        self._outstanding: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for everything that was sent. Raises a group of what failed."""
        await self._group.__aexit__(kind, error, trace)

    async def send(self, documents: Lines, tally: Tally) -> None:
        """Take in documents, and send each chunk they complete once a slot is free."""
        for chunk in self._chunker.add(documents.block, documents.count):
            await self._start(chunk, tally)

    async def flush(self, tally: Tally) -> None:
        """Send what does not fill a chunk."""
        if (rest := self._chunker.flush()) is not None:
            await self._start(rest, tally)

    async def discard(self) -> None:
        """Forget what was not sent, and wait for the verdicts of what was.

        Nothing under way can then overwrite what is sent later.
        """
        self._chunker.discard()
        await self.settled()

    async def settled(self) -> None:
        """Wait until everything sent has its final verdict."""
        while self._outstanding:
            await asyncio.wait(self._outstanding)

    async def delete(self, deletions: Sequence[Deletion], certificate: Certificate) -> None:
        """Delete documents unless somebody wrote them since.

        Job and index are confirmed right before: both may have been taken over since the certificate was
        issued.
        """
        await self._context.lease.confirm()
        await certificate.require_current(self._context.client)
        await self._writer.delete(deletions)

    async def _start(self, chunk: Chunk, tally: Tally) -> None:
        await self._slots.acquire()
        task = self._group.create_task(self._index(chunk, tally))
        self._outstanding.add(task)
        task.add_done_callback(self._outstanding.discard)

    async def _index(self, chunk: Chunk, tally: Tally) -> None:
        try:
            await self._writer.index(chunk, tally)
        finally:
            self._slots.release()
