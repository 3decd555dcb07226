"""A full sync: the index is made to say what the source says.

    prepare -> load the ledger -> each slice: comparison -> delivery  ->  certificate -> delete the stale
               what the index                 what          getting it    everything     what no row
               holds                          differs       there         proven         was met for

One task reads and compares; each chunk is delivered by a task of its own.
"""

import asyncio
from collections.abc import Sequence

from ingest.elasticsearch import indices
from ingest.errors import IngestError, JobCanceledError, JobLostError
from ingest.sync import balance, refusals
from ingest.sync.blocks.lines import KeyReader
from ingest.sync.certificate import certify
from ingest.sync.comparison import Comparison
from ingest.sync.deletion import StaleDocuments
from ingest.sync.delivery import Delivery
from ingest.sync.inventory import Inventory
from ingest.sync.preparation import prepare
from ingest.sync.reading import Reader
from ingest.sync.request import SyncContext, SyncRequest
from sources.contract import Slice
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
    delivery = Delivery(context, prepared.destination, request.options, request.pipeline)
    reader = Reader(
        comparison=comparison,
        delivery=delivery,
        inventory=inventory,
        context=context,
        readings=request.options.readings,
    )
    await _read_all(reader, prepared.slices, request.options.progress_seconds)

    certificate = await certify(prepared.index, inventory.scope, prepared.slices, context)
    stale = StaleDocuments(ledger=ledger, inventory=inventory, rules=request.rules)
    await stale.delete(certificate, delivery, context)
    await indices.refresh(context.client, request.index_name)
    await certificate.require_current(context.client)
    stats.total_documents = await indices.count(context.client, request.index_name)
    await balance.check(inventory, ledger, context)
    refusals.report(context)
    await context.lease.confirm()
    log.info("sync.finished", total=stats.total_documents, **stats.counts())


async def _read_all(reader: Reader, slices: Sequence[Slice], progress_seconds: float) -> None:
    """Read and deliver everything; of several failures at once, raise the one that says what to do."""
    try:
        async with asyncio.TaskGroup() as group, reader.delivery:
            reporter = group.create_task(_report_progress(reader.context, progress_seconds))
            for slice_ in slices:
                await reader.read(slice_)
            await reader.delivery.settled()
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
