"""Sends chunks to `_bulk` until every document has its final verdict.

send -> 200: settled: counted, refused, or turned away for the moment ---------------------------------+
  |      400, 413: halves, down to one document, which then is refused                                |
  |      429, 5xx, no usable answer -----------------------+                                          |
  +<------------------ wait with jitter, within the budget +<---- what was turned away, alone --------+

A missing index is not created: documents travel with guards (guard.py), to an alias with `require_alias`.
Deletes create nothing, but where another index has taken the place of ours they might hit a document of the
same id and sequence number, so each request with deletes is preceded by a look.
"""

import asyncio
import gzip
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ingest.elasticsearch import indices
from ingest.elasticsearch.answers import refusal
from ingest.elasticsearch.transport import NDJSON, Request, Response
from ingest.errors import (
    ElasticsearchRefusedError,
    ElasticsearchUnavailableError,
    IncompleteSyncError,
    IndexChangedError,
    IngestError,
)
from ingest.sync.blocks.chunks import Chunk, ChunkLimits
from ingest.sync.blocks.json_text import json_text
from ingest.sync.delivery.guard import Body, guarded, unguarded
from ingest.sync.delivery.rejections import RejectionMonitor
from ingest.sync.delivery.settling import COUNTS_OF_TALLY, Destination, Settled, id_of, settle
from ingest.sync.delivery.slots import Slots
from ingest.sync.delivery.verdicts import MismatchError, without_values
from ingest.sync.progress.backpressure import RetryCause
from ingest.sync.progress.stats import Rejection, Tally
from ingest.sync.request import SyncContext, SyncOptions

BUDGET_SECONDS: Final = 600.0
"""The least patience with one request; `elasticsearch.bulk.max_retries` x `retry_interval` can extend it."""
MISMATCHES_ACCEPTED: Final = 2
"""How often an answer may not match its request before the job ends."""
TOO_LARGE: Final = "too_large"
_FIELDS: Final = ",".join(
    f"items.*.{name}"
    for name in (
        "status", "result", "_id", "_index", "error.type", "error.reason", "error.caused_by"
    )
)  # fmt: skip
_OF_A_DOCUMENT: Final = frozenset(
    {
        "x_content_parse_exception", "json_parse_exception", "parse_exception", "parsing_exception",
        "document_parsing_exception", "mapper_parsing_exception", "action_request_validation_exception",
        "illegal_argument_exception",
    }
)  # fmt: skip
"""Refusals of a whole request that one document in it may have caused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A document to delete, if it is still as it was seen."""

    id: str
    seq_no: int
    primary_term: int

    def to_wire(self) -> bytes:
        """Render as a line of a bulk request."""
        guard = {"if_seq_no": self.seq_no, "if_primary_term": self.primary_term}
        return json_text({"delete": {"_id": self.id, **guard}}) + b"\n"


class BulkWriter:
    """Writes to one index for one job. Every request is preceded by a look at the lease."""

    def __init__(
        self,
        context: SyncContext,
        destination: Destination,
        options: SyncOptions,
        *,
        limits: ChunkLimits,
        slots: Slots,
    ) -> None:
        """`limits` shrink and `slots` adapt to what Elasticsearch answers."""
        settings = options.bulk
        self._client = context.client
        self._destination = destination
        self._compresses = settings.compress
        self._limits = limits
        self._slots = slots
        self._lease = context.lease
        self._stats = context.stats
        self._log = context.log
        self._monitor = RejectionMonitor(settings.error_monitor, context.stats.rejections)
        self._grace_seconds = options.grace_seconds
        patience = settings.max_retries * settings.retry_interval_seconds
        self._backoff = self._client.retrying(max(BUDGET_SECONDS, patience))

    async def index(self, chunk: Chunk, tally: Tally) -> None:
        """Send documents until each was acknowledged or rejected; each counts in `tally` as soon as it was.

        Raises TooManyRejectionsError, ElasticsearchUnavailableError once the budget is spent,
        IncompleteSyncError if answers do not match requests, and what the lease raises.
        """
        params = {"filter_path": _FIELDS}
        if self._destination.pipeline is not None:
            params["pipeline"] = self._destination.pipeline
        if self._destination.is_alias:
            params["require_alias"] = "true"
        refused = await self._deliver(chunk, params, tally)
        self._note(Settled(outcomes=[*refused]), tally)
        if chunk.count == len(refused) > 1 and len({(one.error_type, one.reason) for one in refused}) == 1:
            # None of several documents passes, all for one reason: it is the request that is refused.
            raise ElasticsearchRefusedError(
                f"Elasticsearch refuses all requests to {self._destination.path} ({refused[0].error_type}: "
                f"{refused[0].reason}).",
                status=400,
                error_type=refused[0].error_type,
                reason=refused[0].reason,
            )

    async def delete(self, chunk: Chunk) -> None:
        """Delete documents unless somebody wrote them since. Raises as `index` does."""
        for refused in await self._deliver(chunk, {"filter_path": _FIELDS}, Tally()):
            raise IncompleteSyncError(f"Elasticsearch refused to delete {refused.id}: {refused.reason}")

    async def _deliver(self, chunk: Chunk, params: Mapping[str, str], tally: Tally) -> list[Rejection]:
        """Send a chunk; return the documents for whose sake whole requests were refused."""
        attempts = self._backoff.attempts()
        mismatches = 0
        while True:
            self._lease.check()
            started_at = self._slots.clock()
            wait_seconds = 0.0
            try:
                body = await self._body(chunk)
                response = await self._answered(chunk, body, params, tally)
                if (why_refused := _blame(response, chunk)) is not None:
                    return await self._halved(chunk, params, tally, why_refused)
                if not response.is_success and not response.is_transient:
                    raise self._refusal(response)
                if response.is_success:
                    settled = self._note(self._settled(response, chunk, body), tally)
                    if not settled.retry:
                        self._slots.succeeded(started_at)
                        return []
                    chunk, why, cause = Chunk.of(settled.retry), settled.why, RetryCause.BUSY
                    self._slots.overloaded(started_at)
                else:
                    wait_seconds, why = response.retry_after_seconds, f"it answered {response.status}"
                    cause = RetryCause.BUSY if response.status == 429 else RetryCause.FAILURE
                    if response.status == 429:
                        self._slots.overloaded(started_at)
            except ElasticsearchUnavailableError as error:
                why, cause = str(error), RetryCause.NO_ANSWER
            except MismatchError as error:
                mismatches, why, cause = mismatches + 1, str(error), RetryCause.MISMATCH
                if mismatches > MISMATCHES_ACCEPTED:
                    raise IncompleteSyncError(
                        f"Bulk answers of Elasticsearch do not add up: {why}."
                    ) from error
            self._log.warning("bulk.retried", cause=cause.value, reason=why, documents=chunk.count)
            if not await attempts.wait(wait_seconds):
                raise ElasticsearchUnavailableError(
                    f"Elasticsearch did not take {chunk.count} documents in {attempts.made} attempts: {why}."
                )
            self._stats.backpressure.retries[cause] += 1

    def _note(self, settled: Settled, tally: Tally) -> Settled:
        """Count what is settled; raise what must end the job, once everything is counted."""
        counts = settled.counts
        for name in COUNTS_OF_TALLY:
            setattr(tally, name, getattr(tally, name) + getattr(counts, name))
        self._stats.deleted += counts.deleted
        self._stats.spared += counts.spared
        self._stats.written += counts.created + counts.updated + counts.deleted
        tally.reject(settled.rejected)
        self._monitor.note(settled.outcomes)
        if settled.fatal is not None:
            raise settled.fatal
        self._monitor.check()
        return settled

    async def _body(self, chunk: Chunk) -> Body:
        """Return what to send, such that no index is created and no document of another one deleted."""
        if chunk.is_of_deletes:
            await indices.require_present(self._client, self._destination.index)
            return unguarded(chunk)
        return unguarded(chunk) if self._destination.is_alias else guarded(chunk)

    def _settled(self, response: Response, chunk: Chunk, body: Body) -> Settled:
        return settle(response.body, chunk, self._destination, guards=body.guards)

    async def _answered(self, chunk: Chunk, body: Body, params: Mapping[str, str], tally: Tally) -> Response:
        """Send a chunk and return the answer. If canceled meanwhile, wait a moment for the answer first.

        The documents may be in the index already, and then they have to be counted.
        """
        sending = asyncio.ensure_future(self._post(body, params))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            try:
                await asyncio.wait({sending}, timeout=self._grace_seconds)
                if sending.done() and sending.exception() is None and sending.result().is_success:
                    with suppress(IngestError, MismatchError):
                        self._note(self._settled(sending.result(), chunk, body), tally)
            finally:
                sending.cancel()
            raise

    async def _post(self, body: Body, params: Mapping[str, str]) -> Response:
        pieces, size, encoding = body.pieces, body.size, None
        if self._compresses:
            compressed = await asyncio.to_thread(gzip.compress, b"".join(body.pieces), 1)
            pieces, size, encoding = (compressed,), len(compressed), "gzip"
        self._stats.requests += 1
        self._stats.sent_bytes += size
        return await self._client.send(
            Request(
                method="POST",
                path=self._destination.path,
                params=params,
                body=pieces,
                content_type=NDJSON,
                content_encoding=encoding,
            )
        )

    async def _halved(
        self, chunk: Chunk, params: Mapping[str, str], tally: Tally, why: Rejection
    ) -> list[Rejection]:
        """Send in two halves what was refused as a whole; return the documents that are refused alone."""
        actions = chunk.actions
        if len(actions) == 1:
            return [Rejection(id=id_of(actions[0]), error_type=why.error_type, reason=why.reason)]
        if why.error_type == TOO_LARGE:
            self._limits.shrink(chunk.size)
        middle = len(actions) // 2
        refused = await self._deliver(Chunk.of(actions[:middle]), params, tally)
        return refused + await self._deliver(Chunk.of(actions[middle:]), params, tally)

    def _refusal(self, response: Response) -> IngestError:
        refused = refusal(f"POST {self._destination.path}", response)
        if refused.error_type == "index_not_found_exception":
            return IndexChangedError(
                f"The index {self._destination.index.name} was removed while the job ran."
            )
        return refused


def _blame(response: Response, chunk: Chunk) -> Rejection | None:
    """Return why a whole request was refused, if some of its documents may be the cause."""
    match response.status:
        case 413:
            reason = f"The document takes {chunk.size} bytes, more than Elasticsearch accepts in one request."
            return Rejection(id="", error_type=TOO_LARGE, reason=reason)
        case 400:
            refused = refusal("POST _bulk", response)
            if refused.error_type not in _OF_A_DOCUMENT:
                return None
            return Rejection(id="", error_type=refused.error_type, reason=without_values(refused.reason))
        case _:
            return None
