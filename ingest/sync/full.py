"""A full sync: the index is made to say what the source says.

    prepare -> load the ledger -> each slice: comparison -> delivery  ->  certificate -> delete the stale
               what the index                 what          getting it    everything     what no row
               holds                          differs       there         proven         was met for

One task reads and compares; each chunk is delivered by a task of its own.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson

from ingest.elasticsearch import indices
from ingest.elasticsearch.mappings import CONTENT_HASH
from ingest.errors import IngestError, JobCanceledError, JobLostError
from ingest.protocol.documents import Pipeline, timestamp
from ingest.sync.blocks.lines import KeyReader
from ingest.sync.certificate import certify
from ingest.sync.comparison import Comparison
from ingest.sync.deletion import StaleDocuments
from ingest.sync.delivery import Delivery
from ingest.sync.inventory import Inventory
from ingest.sync.preparation import Preparation, prepare
from ingest.sync.reading import Reader
from ingest.sync.request import SyncContext, SyncRequest
from ingest.sync.stats import Stats
from sources.errors import SourceError


async def full_sync(request: SyncRequest, context: SyncContext) -> None:
    """Make the index say what the source says.

    Returns only if every row was read and every document acknowledged, refused or known to be unchanged,
    and what the source no longer has was deleted. Raises an error of `ingest.errors` or `sources.errors`
    otherwise; the context's counts are exact either way.
    """
    stats, log = context.stats, context.log
    context.lease.check()
    prepared = await prepare(request, context)
    stats.slices_total = len(prepared.slices)
    inventory = Inventory(
        client=context.client, index=prepared.index, scope=request.source.scope, key_reader=KeyReader()
    )
    ledger = await inventory.load()
    log.info("sync.started", index=request.index_name, slices=len(prepared.slices), documents=len(ledger))
    comparison = Comparison(
        ledger=ledger,
        key_reader=inventory.key_reader,
        rules=request.rules,
        rewrites=request.options.rewrite,
    )
    constants = _constants(request.pipeline, datetime.now(UTC))
    delivery = Delivery(context, prepared.destination, request.options, constants)
    await _read_all(request, context, prepared, comparison, delivery)

    certificate = await certify(prepared.index, inventory.scope, prepared.slices, context)
    stale = StaleDocuments(ledger=ledger, inventory=inventory, rules=request.rules)
    await stale.delete(certificate, delivery, context)
    await indices.refresh(context.client, request.index_name)
    await certificate.require_current(context.client)
    stats.total_documents = await indices.count(context.client, request.index_name)
    await _report_missing(inventory, stats, log)
    await context.lease.confirm()
    log.info("sync.finished", total=stats.total_documents, **stats.counts())


def _constants(pipeline: Pipeline, now: datetime) -> bytes:
    """Render the members all documents of the job share, each with a comma after it."""
    members = {
        "_timestamp": timestamp(now),
        "_extract_binary_content": pipeline.extract_binary_content,
        "_reduce_whitespace": pipeline.reduce_whitespace,
        "_run_ml_inference": pipeline.run_ml_inference,
    }
    return orjson.dumps(members)[1:-1] + b","


async def _read_all(
    request: SyncRequest,
    context: SyncContext,
    prepared: Preparation,
    comparison: Comparison,
    delivery: Delivery,
) -> None:
    """Read and deliver everything; of several failures at once, raise the one that says what to do."""
    reader = Reader(
        comparison=comparison, delivery=delivery, context=context, readings=request.options.readings
    )
    try:
        async with asyncio.TaskGroup() as group, delivery:
            reporter = group.create_task(_report_progress(context, request.options.progress_seconds))
            for slice_ in prepared.slices:
                await reader.read(slice_)
            await delivery.settled()
            reporter.cancel()
    except BaseExceptionGroup as failures:
        raise _most_telling(failures) from failures


async def _report_progress(context: SyncContext, every_seconds: float) -> None:
    """Log how far the current slice is, until canceled."""
    stats = context.stats
    while True:
        await asyncio.sleep(every_seconds)
        if stats.slices:
            progress = stats.slices[-1].to_wire(stats.clock())
            context.log.info("sync.progress", slice=progress.pop("name"), **progress, sent=stats.sent_bytes)


def _most_telling(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    for kind in (JobLostError, JobCanceledError, IngestError, SourceError, Exception):
        if (matching := failures.subgroup(kind)) is not None:
            first: BaseException = matching
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            return first
    return failures


async def _report_missing(inventory: Inventory, stats: Stats, log: Any) -> None:
    """Say so if the index holds fewer documents of ours than were acknowledged.

    Rows that share an id leave one document, the one that was written last.
    """
    ours = await inventory.count()
    if ours is None or stats.rejected or stats.dropped:
        return
    missing = stats.indexed + stats.unchanged - ours
    if missing > 0 and ours == 0:
        stats.warnings.append(
            f"The ingest pipeline removes {CONTENT_HASH} from the documents, so every sync sends all rows "
            "again. Let the pipeline keep this field."
        )
        log.warning("sync.content_hash_removed", rows=missing)
    elif missing > 0:
        stats.warnings.append(f"{missing} rows have the id of another row, so one of each is in the index.")
        log.warning("sync.shared_ids", rows=missing)
