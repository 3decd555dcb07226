"""The data path of a full sync.

    slices -> batches -> decisions -> chunks -> results  -> certificate -> deletes
    source    blocks     ledger,      bulk      verdict     everything     what no row
              of lines   rules        requests  per item    proven         was met for

One task reads; each chunk is sent by a task of its own, of which there are as many as there are slots; when
no slot is free the source is simply not read. All of them live in one task group: what fails in one of them
ends the job.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from ingest import config
from ingest.elasticsearch import indices, mappings
from ingest.elasticsearch.client import Client
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.mappings import CONTENT_HASH
from ingest.elasticsearch.pipelines import NO_PIPELINE, PipelineDefinition, read_pipeline
from ingest.errors import IncompleteSyncError, IngestError, JobCanceledError, JobLostError
from ingest.lease import Lease
from ingest.protocol.documents import Pipeline, timestamp
from ingest.sync.blocks.chunks import Chunker, ChunkLimits
from ingest.sync.blocks.lines import KeyReader
from ingest.sync.bulk.rejections import RejectionMonitor
from ingest.sync.bulk.slots import Slots
from ingest.sync.bulk.writer import BulkWriter, Destination
from ingest.sync.inventory import Inventory
from ingest.sync.ledger import Certificate, Ledger
from ingest.sync.rules import BasicRules
from ingest.sync.stats import Stats
from ingest.sync.transfer import Transfer
from sources.contract import Slice, Source
from sources.errors import SourceError

FORMAT_VERSION: Final = 1
"""Part of every content hash: raised when documents are sent differently, so that all are sent again."""
READING_BUDGET_SECONDS: Final = 600.0
SUSPICIOUS_SHARE: Final = 0.5
"""A sync that deletes more of the index than this says so in a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """How one sync is done: the service's settings and what the connector's configuration asks for."""

    bulk: config.Bulk = field(default_factory=config.Bulk)
    rewrite: bool = False
    """Send every document, changed or not (`full_sync: rewrite` of the connector's configuration)."""
    derive_mappings: bool = True
    """Give an index we create a mapping derived from the columns (`mappings: dynamic` turns it off)."""
    language: str | None = None
    """The connector's language: which analyzer the text fields of an index we create get."""
    readings: int = 3
    """How often a slice is read at most when the source is lost on the way (`retry_count`)."""
    progress_seconds: float = 10.0
    """How often progress is logged."""
    grace_seconds: float = 5.0
    """What requests under way get to be answered when the job is canceled or suspended."""


async def full_sync(
    *,
    source: Source,
    client: Client,
    index_name: str,
    pipeline: Pipeline,
    rules: BasicRules,
    advanced_rules: Any,
    options: SyncOptions,
    stats: Stats,
    lease: Lease,
    log: Any,
) -> None:
    """Make the index say what the source says.

    Returns only if every row was read and every document acknowledged, refused or known to be unchanged,
    and what the source no longer has was deleted. Raises an error of `ingest.errors` or `sources.errors`
    otherwise; `stats` is exact either way. `source` is open, `client` is a content view with the
    connector's credentials.
    """
    lease.check()
    definitions = await _read_pipelines(client, index_name, pipeline)
    slices = await source.slices(advanced_rules, _seed(pipeline, definitions, rules))
    stats.slices_total = len(slices)
    index = await _prepare_index(client, index_name, source, slices, options)
    inventory = Inventory(client=client, index=index, scope=source.scope, key_reader=KeyReader())
    ledger = await inventory.load()
    log.info("sync.started", index=index_name, slices=len(slices), documents=len(ledger))

    limits = ChunkLimits(options.bulk.chunk_max_mem_size_bytes, options.bulk.chunk_size)
    slots = Slots(options.bulk.max_concurrency)
    writer = BulkWriter(
        client,
        _destination(index_name, pipeline, definitions),
        options.bulk,
        limits=limits,
        slots=slots,
        lease=lease,
        stats=stats,
        monitor=RejectionMonitor(options.bulk.error_monitor, stats.rejections),
        grace_seconds=options.grace_seconds,
    )
    transfer = Transfer(
        writer=writer,
        chunker=Chunker(_constants(pipeline, datetime.now(UTC)), limits),
        slots=slots,
        ledger=ledger,
        key_reader=inventory.key_reader,
        rules=rules,
        rewrites=options.rewrite,
        lease=lease,
        stats=stats,
        readings=options.readings,
        reading_attempts=client.retrying(READING_BUDGET_SECONDS).attempts,
        log=log,
    )
    await _run(transfer, slices, options.progress_seconds)

    certificate = await certify(client, index, slices, stats, lease)
    await _delete_stale(inventory, ledger, certificate, writer, lease, stats, log)
    await indices.refresh(client, index_name)
    await indices.require_same(client, index)
    stats.total_documents = await indices.count(client, index_name)
    await _report_missing(inventory, stats, log)
    await lease.confirm()
    log.info("sync.finished", total=stats.total_documents, **stats.counts())


async def _read_pipelines(client: Client, index_name: str, pipeline: Pipeline) -> list[PipelineDefinition]:
    """Read every pipeline documents will pass: the connector's, and the index's final one if there is one."""
    names = [pipeline.name]
    if (found := await indices.find(client, index_name)) is not None and found.final_pipeline is not None:
        names.append(found.final_pipeline)
    return [await read_pipeline(client, name) for name in names if name != NO_PIPELINE]


def _seed(pipeline: Pipeline, definitions: Sequence[PipelineDefinition], rules: BasicRules) -> int:
    """Return a number that changes with everything that decides how a row becomes a document.

    It enters every content hash, so documents sent under other circumstances count as changed.
    """
    circumstances = [
        FORMAT_VERSION,
        pipeline.to_wire(),
        [definition.fingerprint for definition in definitions],
        None if rules.is_default else rules.fingerprint(),
    ]
    text = orjson.dumps(circumstances, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def _destination(
    index_name: str, pipeline: Pipeline, definitions: Sequence[PipelineDefinition]
) -> Destination:
    return Destination(
        index_name=index_name,
        pipeline=pipeline.name,  # also `_none`, which keeps the index's default pipeline from running
        checks_ids=any(definition.may_change_ids for definition in definitions),
    )


async def _prepare_index(
    client: Client, index_name: str, source: Source, slices: Sequence[Slice], options: SyncOptions
) -> ContentIndex:
    found = await indices.find(client, index_name)
    if found is not None:
        await indices.add_own_fields(client, found)
        return found
    derived = mappings.merged(one.mapping for one in slices) if options.derive_mappings else {}
    properties = {**source.members, **derived}
    return await indices.create(client, index_name, properties=properties, language=options.language)


def _constants(pipeline: Pipeline, now: datetime) -> bytes:
    """Render the members all documents of the job share, each with a comma after it."""
    members = {
        "_timestamp": timestamp(now),
        "_extract_binary_content": pipeline.extract_binary_content,
        "_reduce_whitespace": pipeline.reduce_whitespace,
        "_run_ml_inference": pipeline.run_ml_inference,
    }
    return orjson.dumps(members)[1:-1] + b","


async def _run(transfer: Transfer, slices: Sequence[Slice], progress_seconds: float) -> None:
    """Read and send everything; of several failures at once, raise the one that says what to do."""
    try:
        async with asyncio.TaskGroup() as group:
            reporter = group.create_task(transfer.report_progress(progress_seconds))
            for slice_ in slices:
                await transfer.read(slice_, group)
            await transfer.settled()
            reporter.cancel()
    except BaseExceptionGroup as failures:
        raise _most_telling(failures) from failures


def _most_telling(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    for kind in (JobLostError, JobCanceledError, IngestError, SourceError, Exception):
        if (matching := failures.subgroup(kind)) is not None:
            first: BaseException = matching
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            return first
    return failures


async def certify(
    client: Client, index: ContentIndex, slices: Sequence[Slice], stats: Stats, lease: Lease
) -> Certificate:
    """Prove that everything was read and acknowledged, for this job, in this index; raise otherwise."""
    finished = [one for one in stats.slices if one.finished_at is not None]
    if len(finished) != len(slices):
        raise IncompleteSyncError(f"Only {len(finished)} of {len(slices)} slices were read to their end.")
    for one in finished:
        if one.tally.read != one.tally.settled:
            raise IncompleteSyncError(
                f"{one.name}: {one.tally.read} rows were read, but what became of them is known for "
                f"{one.tally.settled}."
            )
    await lease.confirm()
    await indices.require_same(client, index)
    return Certificate(index_uuid=index.uuid, slices=len(finished), rows=stats.read)


async def _delete_stale(
    inventory: Inventory,
    ledger: Ledger,
    certificate: Certificate,
    writer: BulkWriter,
    lease: Lease,
    stats: Stats,
    log: Any,
) -> None:
    unmet = ledger.unmet
    if not unmet:
        return
    if unmet > SUSPICIOUS_SHARE * len(ledger):
        warning = f"{unmet} of {len(ledger)} documents have no row in the source any more and are deleted."
        stats.warnings.append(warning)
        log.warning("sync.deletes_many", stale=unmet, documents=len(ledger))
    await inventory.delete_stale(ledger, certificate, writer, lease)


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
