"""However many rows there are, only as much is held as fits into the slots: counted byte by byte."""

import tracemalloc
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any

import orjson
import pytest
import structlog

from ingest import config
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.transport import Request, Response
from ingest.protocol import Pipeline
from ingest.sync.blocks.lines import KeyReader
from ingest.sync.comparison.by_content import ContentComparison
from ingest.sync.delivery.delivery import Delivery
from ingest.sync.delivery.guard import GUARD
from ingest.sync.delivery.settling import Destination
from ingest.sync.index.ledger import Ledger
from ingest.sync.progress.stats import Stats, Tally
from ingest.sync.request import SyncContext, SyncOptions
from ingest.sync.rules import BasicRules
from sources.contract import Batch, IsUnchanged, Snapshot
from sources.unversioned import unversioned
from tests.support.fake_transport import GUARD_HELD, INDEX_UUID, client_over, lasting_lease, response, whole

MEBIBYTE = 2**20
INDEX = ContentIndex(name="music", concrete_name="music", uuid=INDEX_UUID, mapping={}, settings={})
CREATED = b'{"index":{"_index":"music","_id":"x","result":"created","status":201}}'
ROWS_PER_BATCH = 64
BATCHES = 100
TEXT = "x" * 4096
KEEP_ALL_BUT_ONE = BasicRules.from_wire(
    [{"id": "1", "policy": "exclude", "field": "text", "rule": "regex", "value": "never", "order": 1}]
)


class LongSlice:
    """As many batches of 256 KiB as asked for, made when they are read."""

    name = "long"
    estimated_rows = None
    mapping: Mapping[str, Any] = {}
    columns: Mapping[str, str] = {}
    scope = None

    def __init__(self, batches: int) -> None:
        self._count = batches

    def narrowed(self, _tests: object) -> None:
        """Leave every rule to the service."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Nothing is known of the past."""
        return unversioned(self, "Nothing is remembered.")

    async def batches(self, _is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Make batch after batch."""
        for number in range(self._count):
            rows = range(number * ROWS_PER_BATCH, (number + 1) * ROWS_PER_BATCH)
            lines = "".join(f'"{row}"\x01{row}\x02"text":"{TEXT}"}}\n' for row in rows)
            yield Batch(lines=lines.encode(), count=ROWS_PER_BATCH)


async def accept(request: Request) -> Response:
    """Acknowledge every document and keep none."""
    if request.path.endswith("/_settings"):
        return response(200, {"music": {"settings": {"index.uuid": INDEX_UUID}}})
    body = whole(request.body)
    guards = body.count(GUARD)
    items = [orjson.dumps(GUARD_HELD)] * guards + [CREATED] * (body.count(b"\n") // 2 - guards)
    return Response(200, {}, b'{"items":[' + b",".join(items) + b"]}")


async def deliver(batches: int, rules: BasicRules) -> Tally:
    bulk = config.Bulk(chunk_max_mem_size_bytes=MEBIBYTE, max_concurrency=2)
    context = SyncContext(
        client=client_over(accept), lease=lasting_lease(), stats=Stats(), log=structlog.get_logger()
    )
    ledger = Ledger(INDEX.uuid)
    ledger.seal()
    comparison = ContentComparison(ledger=ledger, key_reader=KeyReader(), rules=rules)
    destination = Destination(index=INDEX, pipeline=None)
    tally = Tally()
    async with Delivery(context, destination, SyncOptions(bulk=bulk), Pipeline()) as delivery:
        slice_ = LongSlice(batches)
        async with aclosing(comparison.differing(slice_, tally)) as differing:
            async for documents in differing:
                await delivery.send(documents, tally)
        await delivery.flush(tally)
    return tally


@pytest.mark.parametrize("rules", [BasicRules(), KEEP_ALL_BUT_ONE], ids=["without rules", "with rules"])
async def test_memory_is_bounded_by_slots_times_chunks_and_not_by_rows(rules: BasicRules) -> None:
    await deliver(4, rules)  # whatever is loaded on first use
    tracemalloc.start()
    try:
        tally = await deliver(BATCHES, rules)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert tally.created == BATCHES * ROWS_PER_BATCH
    assert tally.indexed_bytes > 24 * MEBIBYTE
    # Two chunks on their way, each also whole in the transport above; one being gathered; a few blocks.
    assert peak < 12 * MEBIBYTE
