"""Sends chunks to `_bulk` until every document has its final verdict.

body -> send -> 200: a verdict for each item: indexed, dropped, rejected, or turned away for the moment -+
         |      413: halves, down to one document, which then is rejected                                |
         |      429, 5xx, no usable answer -----------------------+                                      |
         +<------------------ wait with jitter, within the budget +<---- what was turned away, alone ----+
"""

import asyncio
import gzip
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import orjson

from ingest.elasticsearch.answers import refusal
from ingest.elasticsearch.client import segment
from ingest.elasticsearch.transport import NDJSON, Request, Response
from ingest.errors import (
    AuthorizationError,
    ElasticsearchRefusedError,
    ElasticsearchUnavailableError,
    IncompleteSyncError,
    IndexChangedError,
    IngestError,
)
from ingest.sync.blocks.chunks import Chunk, ChunkLimits, documents
from ingest.sync.bulk.rejections import RejectionMonitor
from ingest.sync.bulk.slots import Slots
from ingest.sync.bulk.verdicts import Item, MismatchError, Verdict, count_successes, items_of
from ingest.sync.request import SyncContext, SyncOptions
from ingest.sync.stats import Rejection, Tally

BUDGET_SECONDS: Final = 600.0
"""The least patience with one request; `elasticsearch.bulk.max_retries` x `retry_interval` can extend it."""
MISMATCHES_ACCEPTED: Final = 2
"""How often an answer may not match its request before the job ends."""
_FIELDS: Final = "items.*.status,items.*.result,items.*.error.type,items.*.error.reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A document to delete, if it is still as it was seen."""

    id: str
    seq_no: int
    primary_term: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where documents go: an index or alias, and the pipeline they pass."""

    index_name: str
    pipeline: str | None
    checks_ids: bool = False
    """Whether the pipeline might change ids, so that each item's id is asked for and compared."""

    @property
    def path(self) -> str:
        """The path of the request."""
        return f"/{segment(self.index_name)}/_bulk"


@dataclass(slots=True)
class _Left:
    """What an answer left to be sent again."""

    actions: list[bytes] = field(default_factory=list)
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    """One kind of bulk request: how its body splits and what its answers mean."""

    params: Mapping[str, str]
    split: Callable[[bytes], list[bytes]]
    """Cut a body into its actions."""
    settle: Callable[[bytes, Chunk], _Left]
    """Given the answer to a chunk: count what is final, return what is not."""
    reject: Callable[[Sequence[Rejection]], None]


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
        self._monitor = RejectionMonitor(settings.error_monitor, context.stats.rejections)
        self._grace_seconds = options.grace_seconds
        patience = settings.max_retries * settings.retry_interval_seconds
        self._backoff = self._client.retrying(max(BUDGET_SECONDS, patience))

    async def index(self, chunk: Chunk, tally: Tally) -> None:
        """Send documents until each was acknowledged or rejected; each counts in `tally` as soon as it was.

        Raises TooManyRejectionsError, ElasticsearchUnavailableError once the budget is spent,
        IncompleteSyncError if answers do not match requests, and what the lease raises.
        """
        params = {"filter_path": f"{_FIELDS},items.*._id" if self._destination.checks_ids else _FIELDS}
        if self._destination.pipeline is not None:
            params["pipeline"] = self._destination.pipeline
        operation = _Operation(
            params=params,
            split=documents,
            settle=lambda answer, sent: self._settle_indexed(answer, sent, tally),
            reject=lambda rejections: self._reject(rejections, tally),
        )
        await self._deliver(chunk, operation)

    async def delete(self, deletions: Sequence[Deletion]) -> None:
        """Delete documents unless somebody wrote them since. Raises as `index` does."""
        actions = (
            {"_id": one.id, "if_seq_no": one.seq_no, "if_primary_term": one.primary_term} for one in deletions
        )
        chunk = Chunk.of([orjson.dumps({"delete": action}) + b"\n" for action in actions])
        operation = _Operation(
            params={"filter_path": _FIELDS},
            split=lambda body: body.splitlines(keepends=True),
            settle=self._settle_deleted,
            reject=self._reject_deletes,
        )
        await self._deliver(chunk, operation)

    async def _deliver(self, chunk: Chunk, operation: _Operation) -> None:
        attempts = self._backoff.attempts()
        mismatches = 0
        while True:
            self._lease.check()
            started_at = self._slots.clock()
            wait_seconds = 0.0
            try:
                response = await self._answered(chunk, operation)
                if response.status == 413:
                    await self._halve(chunk, operation)
                    return
                if not response.is_success and not response.is_transient:
                    raise self._refusal(response)
                if response.is_success:
                    left = operation.settle(response.body, chunk)
                    if not left.actions:
                        self._slots.succeeded(started_at)
                        return
                    chunk, why = Chunk.of(left.actions), left.why
                    self._slots.overloaded(started_at)
                else:
                    wait_seconds, why = response.retry_after_seconds, f"it answered {response.status}"
                    if response.status == 429:
                        self._slots.overloaded(started_at)
            except ElasticsearchUnavailableError as error:
                why = str(error)
            except MismatchError as error:
                mismatches, why = mismatches + 1, str(error)
                if mismatches > MISMATCHES_ACCEPTED:
                    raise IncompleteSyncError(
                        f"Bulk answers of Elasticsearch do not add up: {why}."
                    ) from error
            if not await attempts.wait(wait_seconds):
                raise ElasticsearchUnavailableError(
                    f"Elasticsearch did not take {chunk.count} documents in {attempts.made} attempts: {why}."
                )

    async def _answered(self, chunk: Chunk, operation: _Operation) -> Response:
        """Send a chunk and return the answer. Canceled meanwhile, hear first what became of it, if that is
        soon.

        The documents may be in the index already; counting them keeps the job's counts what Elasticsearch
        did.
        """
        sending = asyncio.ensure_future(self._post(chunk, operation.params))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            try:
                await asyncio.wait({sending}, timeout=self._grace_seconds)
                if sending.done() and sending.exception() is None and sending.result().is_success:
                    with suppress(IngestError, MismatchError):
                        operation.settle(sending.result().body, chunk)
            finally:
                sending.cancel()
            raise

    async def _post(self, chunk: Chunk, params: Mapping[str, str]) -> Response:
        pieces, size, encoding = chunk.pieces, chunk.size, None
        if self._compresses:
            compressed = await asyncio.to_thread(gzip.compress, chunk.body, 1)
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

    async def _halve(self, chunk: Chunk, operation: _Operation) -> None:
        """Send what was too large in two halves; one document alone is rejected for good."""
        actions = operation.split(chunk.body)
        if len(actions) == 1:
            reason = f"The document takes {chunk.size} bytes, more than Elasticsearch accepts in one request."
            operation.reject([Rejection(id=_id_of(actions[0]), error_type="too_large", reason=reason)])
            return
        self._limits.shrink(chunk.size)
        middle = len(actions) // 2
        for half in (actions[:middle], actions[middle:]):
            await self._deliver(Chunk.of(half), operation)

    def _settle_indexed(self, answer: bytes, chunk: Chunk, tally: Tally) -> _Left:
        count = chunk.count
        if not self._destination.checks_ids and (counts := count_successes(answer, count)) is not None:
            tally.created += counts[0]
            tally.updated += counts[1]
            tally.indexed_bytes += chunk.size
            self._monitor.accepted(count)
            return _Left()
        return self._settle_items(zip(items_of(answer, count), documents(chunk.body), strict=True), tally)

    def _settle_items(self, answered: Iterable[tuple[Item, bytes]], tally: Tally) -> _Left:
        left = _Left()
        fatal: IngestError | None = None
        rejections: list[Rejection] = []
        accepted = 0
        for item, document in answered:
            match item.verdict:
                case Verdict.CREATED | Verdict.UPDATED as verdict:
                    fatal = fatal or self._renamed(item, document)
                    tally.created += verdict is Verdict.CREATED
                    tally.updated += verdict is Verdict.UPDATED
                    tally.indexed_bytes += len(document)
                    accepted += 1
                case Verdict.DROPPED:
                    tally.dropped += 1
                    accepted += 1
                case Verdict.TURNED_AWAY:
                    left.actions.append(document)
                    left.why = str(item)
                case Verdict.REJECTED:
                    self._monitor.accepted(accepted)
                    accepted = 0
                    rejections.append(
                        Rejection(id=_id_of(document), error_type=item.error_type, reason=item.reason)
                    )
                    self._monitor.rejected(rejections[-1])
                case _:
                    fatal = fatal or self._fatal(item)
        self._monitor.accepted(accepted)
        # All counts are exact before anything may end the job.
        tally.rejected += len(rejections)
        if fatal is not None:
            raise fatal
        self._monitor.check()
        return left

    def _reject(self, rejections: Sequence[Rejection], tally: Tally) -> None:
        tally.rejected += len(rejections)
        for rejection in rejections:
            self._monitor.rejected(rejection)
        self._monitor.check()

    def _settle_deleted(self, answer: bytes, sent: Chunk) -> _Left:
        left = _Left()
        fatal: IngestError | None = None
        actions = sent.body.splitlines(keepends=True)
        for item, action in zip(items_of(answer, sent.count), actions, strict=True):
            match item.verdict:
                case Verdict.DELETED:
                    self._stats.deleted += 1
                case Verdict.NOT_DELETED:
                    self._stats.spared += item.status == 409
                case Verdict.TURNED_AWAY:
                    left.actions.append(action)
                    left.why = str(item)
                case _:
                    fatal = fatal or self._fatal(item)
        if fatal is not None:
            raise fatal
        return left

    def _reject_deletes(self, rejections: Sequence[Rejection]) -> None:
        raise IncompleteSyncError(
            f"Elasticsearch refused to delete {rejections[0].id}: {rejections[0].reason}"
        )

    def _renamed(self, item: Item, document: bytes) -> IngestError | None:
        if not self._destination.checks_ids or item.id == _id_of(document):
            return None
        return IncompleteSyncError(
            f"The ingest pipeline {self._destination.pipeline} changes the ids of documents "
            f"({_id_of(document)} became {item.id}), so the index cannot be kept in step with the source. "
            "Remove the processor that sets _id."
        )

    def _fatal(self, item: Item) -> IngestError:
        """Return the error to end the job with: this item's status concerns more than its document."""
        index_name = self._destination.index_name
        if item.says_pipeline_is_missing:
            message = f"The ingest pipeline {self._destination.pipeline} was removed while the job ran."
            return ElasticsearchRefusedError(message, status=item.status)
        if item.status == 404 and item.error_type in ("", "index_not_found_exception"):
            return IndexChangedError(f"The index {index_name} was removed while the job ran.")
        message = f"Elasticsearch does not let us write to {index_name}: {item}."
        kind = AuthorizationError if item.error_type == "security_exception" else ElasticsearchRefusedError
        return kind(message, status=item.status, error_type=item.error_type, reason=item.reason)

    def _refusal(self, response: Response) -> IngestError:
        refused = refusal(f"POST {self._destination.path}", response)
        if refused.error_type == "index_not_found_exception":
            return IndexChangedError(
                f"The index {self._destination.index_name} was removed while the job ran."
            )
        return refused


def _id_of(action: bytes) -> str:
    """Read the id from an action line."""
    (target,) = orjson.loads(action[: action.index(b"\n")]).values()
    return str(target["_id"])
