"""Delivery: getting documents to the index, and stale ones out of it.

    blocks of lines -> chunks -> a slot is free -> one task a chunk -> its final verdicts

When no slot is free, `send` waits, so whoever reads rows waits too: memory is bounded by slots times the size
of a chunk. Every task belongs to the delivery; what fails in one of them ends whoever entered it.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

import orjson

from ingest.elasticsearch.mappings import TIMESTAMP
from ingest.protocol import Pipeline, timestamp
from ingest.sync.blocks.chunks import Chunk, Chunker, ChunkLimits, cut
from ingest.sync.blocks.lines import Lines
from ingest.sync.deletion_certificate import Certificate
from ingest.sync.delivery.guard import room_beside_guards
from ingest.sync.delivery.settling import Destination
from ingest.sync.delivery.slots import Slots
from ingest.sync.delivery.writer import BulkWriter, Deletion
from ingest.sync.progress.stats import Tally
from ingest.sync.request import SyncContext, SyncOptions

DELETIONS_PER_REQUEST: Final = 5_000
"""No request deletes more, whatever `elasticsearch.bulk` allows: job and index are confirmed before each."""


class Delivery:
    """Sends documents in chunks, as many at once as there are slots. Used with `async with`, also again."""

    def __init__(
        self, context: SyncContext, destination: Destination, options: SyncOptions, pipeline: Pipeline
    ) -> None:
        """Every document says what `pipeline` asks for."""
        room = room_beside_guards(options.bulk.chunk_max_mem_size_bytes)
        limits = ChunkLimits(room, options.bulk.chunk_size)
        self._context = context
        self._limits = limits
        self._slots = Slots(options.bulk.max_concurrency)
        context.stats.backpressure.concurrency = self._slots
        self._pipeline = pipeline
        self._stamped_at = datetime.now(UTC)
        self._chunker = Chunker(_constants(pipeline, self._stamped_at), limits)
        self._writer = BulkWriter(context, destination, options, limits=limits, slots=self._slots)
        self._group = asyncio.TaskGroup()
        self._outstanding: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for everything that was sent. Raises a group of what failed."""
        await self._group.__aexit__(kind, error, trace)

    def start_reading(self) -> str:
        """Return the `_timestamp` of all documents that are sent until this is called again.

        No two readings have the same, so what one of them wrote can be found in the index.
        """
        self._stamped_at = max(datetime.now(UTC), self._stamped_at + timedelta(milliseconds=1))
        self._chunker.use(_constants(self._pipeline, self._stamped_at))
        return timestamp(self._stamped_at)

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

        Job and index are confirmed right before each request: both may have been taken over since the
        certificate was issued.
        """
        for chunk in cut([one.to_wire() for one in deletions], self._limits, DELETIONS_PER_REQUEST):
            await self._context.lease.confirm()
            await certificate.require_current(self._context.client)
            await self._writer.delete(chunk)

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


def _constants(pipeline: Pipeline, moment: datetime) -> bytes:
    """Render the members that documents share, each with a comma after it."""
    members = {
        TIMESTAMP: timestamp(moment),
        "_extract_binary_content": pipeline.extract_binary_content,
        "_reduce_whitespace": pipeline.reduce_whitespace,
        "_run_ml_inference": pipeline.run_ml_inference,
    }
    return orjson.dumps(members)[1:-1] + b","
