"""A bulk writer over a transport that answers as a test says."""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from ingest import config
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.transport import Response
from ingest.protocol.lease import Lease
from ingest.sync.blocks.chunks import Chunk, Chunker, ChunkLimits
from ingest.sync.delivery.settling import Destination
from ingest.sync.delivery.slots import Slots
from ingest.sync.delivery.writer import BulkWriter
from ingest.sync.progress.stats import Stats, Tally
from ingest.sync.request import SyncContext, SyncOptions
from tests.support.fake_transport import (
    CREATED,
    INDEX_UUID,
    AnsweringTransport,
    FakeTime,
    client_over,
    ids_of,
    items,
    lasting_lease,
)
from tests.support.memory_source import line_of

INDEX = ContentIndex(name="music", concrete_name="music", uuid=INDEX_UUID, mapping={}, settings={})


def chunk_of(*ids: str) -> Chunk:
    chunker = Chunker(b'"_timestamp":"2026-01-01T00:00:00Z",', ChunkLimits(10**6, 10**4))
    list(chunker.add(b"".join(line_of(id_, {"id": id_}) for id_ in ids), len(ids)))
    chunk = chunker.flush()
    assert chunk is not None
    return chunk


def created(body: bytes) -> Response:
    return items(*(CREATED for _ in ids_of(body)))


def in_turn(*answers: Response | Exception | Callable[[bytes], Response]) -> Callable[[bytes], Response]:
    """Answer with each in turn; the last one for ever."""
    left = list(answers)

    def answer(body: bytes) -> Response:
        current = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(current, Exception):
            raise current
        return current if isinstance(current, Response) else current(body)

    return answer


@dataclass
class WriterHarness:
    """A writer with everything around it."""

    answer: Callable[[bytes], Response]
    bulk: config.Bulk = field(default_factory=config.Bulk)
    checks_ids: bool = False
    lease: Lease = field(default_factory=lasting_lease)
    time: FakeTime = field(default_factory=FakeTime)
    stats: Stats = field(default_factory=Stats)
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self.transport = AnsweringTransport(self.answer)
        self.client = client_over(self.transport, self.time)
        self.slots = Slots(4, clock=self.time.clock)
        self.limits = ChunkLimits(10**6, 10**4)
        self.writer = BulkWriter(
            SyncContext(client=self.client, lease=self.lease, stats=self.stats, log=structlog.get_logger()),
            Destination(index=INDEX, pipeline="p", checks_ids=self.checks_ids),
            SyncOptions(bulk=self.bulk),
            limits=self.limits,
            slots=self.slots,
        )

    async def index(self, *ids: str) -> None:
        await self.writer.index(chunk_of(*ids), self.tally)
