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
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from ingest import config
from ingest.chunks import Chunk, Chunker, ChunkLimits
from ingest.elasticsearch import indices, mappings
from ingest.elasticsearch.bulk import BulkWriter, Destination
from ingest.elasticsearch.client import Client
from ingest.elasticsearch.concurrency import Slots
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.pipelines import NO_PIPELINE, PipelineDefinition, read_pipeline
from ingest.errors import IncompleteSyncError, IngestError, JobCanceledError, JobLostError
from ingest.inventory import Inventory
from ingest.lease import Lease
from ingest.ledger import Certificate, Ledger
from ingest.lines import KeyReader, count_lines
from ingest.protocol import Pipeline, timestamp
from ingest.rejections import RejectionMonitor
from ingest.rules import BasicRules
from ingest.stats import SliceStats, Stats, Tally
from sources.base import HASH_END, Batch, Slice, Source
from sources.errors import SourceError, SourceUnavailableError

FORMAT_VERSION: Final = 1
"""Part of every content hash: raised when documents are sent differently, so that all are sent again."""
READINGS: Final = 3
"""How often a slice is read at most when the source is lost on the way."""
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
    index = await _prepare_index(client, index_name, slices, options)
    inventory = Inventory(client=client, index=index, scope=source.scope, key_reader=KeyReader())
    ledger = await inventory.load()
    log.info("sync.started", index=index_name, slices=len(slices), documents=len(ledger))

    limits = ChunkLimits(options.bulk.chunk_max_mem_size_bytes, options.bulk.chunk_size)
    slots = Slots(options.bulk.max_concurrency)
    writer = BulkWriter(
        client,
        Destination(
            index_name=index_name,
            pipeline=None if pipeline.name == NO_PIPELINE else pipeline.name,
            checks_ids=any(definition.may_change_ids for definition in definitions),
        ),
        options.bulk,
        limits=limits,
        slots=slots,
        lease=lease,
        stats=stats,
        monitor=RejectionMonitor(options.bulk.error_monitor, stats.rejections),
        grace_seconds=options.grace_seconds,
    )
    transfer = _Transfer(
        writer=writer,
        chunker=Chunker(_constants(pipeline, datetime.now(UTC)), limits),
        slots=slots,
        ledger=ledger,
        key_reader=inventory.key_reader,
        rules=rules,
        rewrites=options.rewrite,
        lease=lease,
        stats=stats,
        reading_attempts=client.retrying(READING_BUDGET_SECONDS).attempts,
        log=log,
    )
    await _run(transfer, slices, options.progress_seconds)

    certificate = await _certify(client, index, slices, stats, lease)
    await _delete_stale(inventory, ledger, certificate, writer, lease, stats, log)
    await indices.refresh(client, index_name)
    await indices.require_same(client, index)
    stats.total_documents = await indices.count(client, index_name)
    await _report_shared_ids(inventory, stats, log)
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


async def _prepare_index(
    client: Client, index_name: str, slices: Sequence[Slice], options: SyncOptions
) -> ContentIndex:
    found = await indices.find(client, index_name)
    if found is not None:
        await indices.add_own_fields(client, found)
        return found
    properties = mappings.merged(one.mapping for one in slices) if options.derive_mappings else {}
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


async def _run(transfer: "_Transfer", slices: Sequence[Slice], progress_seconds: float) -> None:
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


@dataclass(slots=True, kw_only=True)
class _Transfer:
    """Reads slices and hands what has to be sent to the writer."""

    writer: BulkWriter
    chunker: Chunker
    slots: Slots
    ledger: Ledger
    key_reader: KeyReader
    rules: BasicRules
    rewrites: bool
    lease: Lease
    stats: Stats
    reading_attempts: Any
    log: Any
    _outstanding: set[asyncio.Task[None]] = field(default_factory=set)
    _asked: int = 0

    async def read(self, slice_: Slice, group: asyncio.TaskGroup) -> None:
        """Read one slice to its end; from its start again, on a new snapshot, if the source is lost."""
        progress = self.stats.start_slice(slice_.name, slice_.estimated_rows)
        attempts = self.reading_attempts()
        while True:
            try:
                await self._read_once(slice_, progress, group)
            except SourceUnavailableError as error:
                # What is under way must land first: it must not overwrite what the next reading sends.
                self.chunker.discard()
                await self.settled()
                if attempts.made >= READINGS or not await attempts.wait():
                    raise
                self.log.warning(
                    "slice.read_again", slice=slice_.name, reading=attempts.made, reason=str(error)
                )
                progress.read_again()
            else:
                break
        self.stats.finish_slice(progress)
        self.log.debug("slice.read", slice=slice_.name, rows=progress.tally.read)

    async def settled(self) -> None:
        """Wait until everything sent has its final verdict."""
        while self._outstanding:
            await asyncio.wait(self._outstanding)

    async def report_progress(self, every_seconds: float) -> None:
        """Log how far the current slice is, until canceled."""
        while True:
            await asyncio.sleep(every_seconds)
            if self.stats.slices:
                progress = self.stats.slices[-1].to_wire(self.stats.clock())
                self.log.info(
                    "sync.progress", slice=progress.pop("name"), **progress, sent=self.stats.sent_bytes
                )

    async def _read_once(self, slice_: Slice, progress: SliceStats, group: asyncio.TaskGroup) -> None:
        tally, self._asked = progress.tally, 0
        async with aclosing(slice_.batches(self._is_unchanged if len(self.ledger) else None)) as batches:
            async for batch in batches:
                self.lease.check()
                await self._take(batch, tally, group)
        if len(self.ledger) and self._asked != tally.read:
            raise IncompleteSyncError(
                f"{slice_.name} gave {tally.read} rows but asked about {self._asked}, so nothing is known "
                "about what may be deleted: a defect of the source."
            )
        if (rest := self.chunker.flush()) is not None:
            await self._send(rest, tally, group)

    async def _take(self, batch: Batch, tally: Tally, group: asyncio.TaskGroup) -> None:
        if count_lines(batch.lines) != batch.count:
            raise IncompleteSyncError(
                "A batch does not have the number of lines it claims: a defect of the source."
            )
        tally.read += batch.count + batch.unchanged
        tally.unchanged += batch.unchanged
        tally.nulled += batch.nulled
        lines, count = batch.lines, batch.count
        if not self.rules.is_default and count:
            lines, count = self._kept(lines)
            tally.filtered += batch.count - count
            await asyncio.sleep(0)
        for chunk in self.chunker.add(lines, count):
            await self._send(chunk, tally, group)

    async def _send(self, chunk: Chunk, tally: Tally, group: asyncio.TaskGroup) -> None:
        await self.slots.acquire()
        task = group.create_task(self._deliver(chunk, tally))
        self._outstanding.add(task)
        task.add_done_callback(self._outstanding.discard)

    async def _deliver(self, chunk: Chunk, tally: Tally) -> None:
        try:
            await self.writer.index(chunk, tally)
        finally:
            self.slots.release()

    def _is_unchanged(self, block: bytes) -> NDArray[np.bool_]:
        keys = self.key_reader.of_lines(block)
        self._asked += len(keys)
        # A row the rules exclude must lose its document: with rules, changed rows are marked when they are
        # kept.
        unchanged = self.ledger.unchanged(keys, mark_changed=self.rules.is_default)
        return np.zeros(len(keys), np.bool_) if self.rewrites else unchanged

    def _kept(self, lines: bytes) -> tuple[bytes, int]:
        """Return the lines the basic rules keep, and how many they are."""
        kept = [line for line in lines.split(b"\n") if line and self.rules.keep_json(_document_of(line))]
        block = b"".join(line + b"\n" for line in kept)
        if len(self.ledger):
            self.ledger.mark(self.key_reader.of_lines(block))
        return block, len(kept)


def _document_of(line: bytes) -> bytes:
    return b"{" + line[line.index(HASH_END) + 1 :]


async def _certify(
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


async def _report_shared_ids(inventory: Inventory, stats: Stats, log: Any) -> None:
    """Say so if rows share ids: of such rows only the last one written has a document."""
    ours = await inventory.count()
    if ours is None or stats.rejected or stats.dropped:
        return
    shared = stats.indexed + stats.unchanged - ours
    if shared > 0:
        stats.warnings.append(f"{shared} rows have the id of another row, so one of each is in the index.")
        log.warning("sync.shared_ids", rows=shared)
