"""Refused documents, kept in an index of their own if the connector has a `rejected_index`.

An entry names a document and says why Elasticsearch refused it; no value of its row is in it. There is one of
each document, so one that is refused again replaces its entry. A job that completes leaves those of its own
only: a document that was refused is never taken as unchanged, so each later job tries it again.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import orjson

from ingest.elasticsearch import answers, indices
from ingest.elasticsearch.client import Client, segment
from ingest.elasticsearch.transport import NDJSON, Request
from ingest.errors import (
    ElasticsearchError,
    ElasticsearchRefusedError,
    IngestError,
    JobError,
    NotFoundError,
)
from ingest.protocol import SyncJob, timestamp
from ingest.sync.progress.stats import Stats
from ingest.sync.request import SyncContext
from sources.errors import SourceConfigurationError

MOST_KEPT: Final = 1_000
"""How many a job keeps at most."""
_TEXT: Final = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 1024}}}
_PROPERTIES: Final = {
    "@timestamp": {"type": "date"},
    **{
        name: {"type": "keyword", "ignore_above": 2048}
        for name in ("connector_id", "sync_job_id", "index", "table", "id", "error")
    },
    "reason": _TEXT,
    "cause": _TEXT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedDocuments:
    """Those of one connector."""

    client: Client
    """A content view with the connector's credentials."""
    index_name: str
    connector_id: str

    async def require_apart(self, content_index: str) -> None:
        """Raise SourceConfigurationError if they would be kept among the connector's documents."""
        is_own = self.index_name == content_index
        with suppress(ElasticsearchRefusedError):  # what may not be looked at is not written to either
            mine = await indices.find(self.client, self.index_name)
            theirs = await indices.find(self.client, content_index)
            is_own = is_own or (mine is not None and theirs is not None and mine.uuid == theirs.uuid)
        if is_own:
            raise SourceConfigurationError(
                f"rejected_index is {self.index_name}, the connector's own index. Name another one."
            )

    async def keep(self, job: SyncJob, stats: Stats, *, is_complete: bool) -> int:
        """Write what a job was refused; return how many. If it completed, forget what earlier ones were."""
        entries = list(islice(_entries(job, stats), MOST_KEPT))
        if entries:
            await self._create_index()
            await self._bulk([line for entry in entries for line in _lines(entry)])
        if is_complete:
            await self._forget_others(job.id)
        return len(entries)

    async def latest(self, most: int) -> list[dict[str, Any]]:
        """Return the entries, the latest first."""
        return [hit["_source"] for hit in await self._search({"filter": [self._ours]}, most)]

    async def _forget_others(self, job_id: str) -> None:
        is_of_another = {"filter": [self._ours], "must_not": [_is("sync_job_id", job_id)]}
        while hits := await self._search(is_of_another, MOST_KEPT):
            await self._bulk([{"delete": {"_id": hit["_id"]}} for hit in hits])

    @property
    def _ours(self) -> dict[str, Any]:
        return _is("connector_id", self.connector_id)

    async def _create_index(self) -> None:
        if await indices.find(self.client, self.index_name) is not None:
            return
        body = {"mappings": {"dynamic": False, "properties": _PROPERTIES}}
        try:
            await self.client.call("PUT", f"/{segment(self.index_name)}", answers.acknowledged, body=body)
        except ElasticsearchRefusedError as error:
            if error.error_type != "resource_already_exists_exception":  # another replica was faster
                raise

    async def _bulk(self, lines: list[dict[str, Any]]) -> None:
        request = Request(
            method="POST",
            path=f"/{segment(self.index_name)}/_bulk",
            params={"refresh": "true", "filter_path": "errors,items.*.error"},
            body=b"".join(orjson.dumps(line) + b"\n" for line in lines),
            content_type=NDJSON,
        )
        answer = await self.client.ask(request, answers.decoded)
        if answers.need(answer, bool, "errors"):
            failed = [one for item in answer.get("items", ()) for one in item.values()]
            reason = failed[0].get("error", {}).get("type", "") if failed else ""
            raise ElasticsearchRefusedError(f"{self.index_name} does not take entries: {reason}.", status=400)

    async def _search(self, conditions: dict[str, Any], most: int) -> list[dict[str, Any]]:
        body = {
            "size": most,
            "query": {"bool": conditions},
            "sort": [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}],
        }
        try:
            return await self.client.call(
                "POST",
                f"/{segment(self.index_name)}/_search",
                lambda answer: answers.need(answer, list, "hits", "hits"),
                body=body,
            )
        except NotFoundError:
            return []


@asynccontextmanager
async def keeping(rejected: RejectedDocuments, job: SyncJob, context: SyncContext) -> AsyncIterator[None]:
    """Keep what a job is refused inside of this once it has ended, if there is an index for it.

    That they cannot be kept ends no job.
    """
    if not rejected.index_name:
        yield
        return
    await rejected.require_apart(job.index_name or "")
    try:
        yield
    except IngestError:
        with suppress(JobError):  # a job that is lost or canceled writes nothing more
            context.lease.check()
            await _keep(rejected, job, context, is_complete=False)
        raise
    # One that followed does not remember everything that it was refused on the way.
    await _keep(rejected, job, context, is_complete=context.stats.following is None)


async def _keep(
    rejected: RejectedDocuments, job: SyncJob, context: SyncContext, *, is_complete: bool
) -> None:
    try:
        await rejected.keep(job, context.stats, is_complete=is_complete)
    except ElasticsearchError as error:
        context.stats.warnings.append(f"What was refused could not be kept in {rejected.index_name}: {error}")
        context.log.warning("job.rejections_not_kept", index=rejected.index_name, reason=str(error))


def _is(name: str, value: str) -> dict[str, Any]:
    """Ask for a value exactly, also in an index whose mapping Elasticsearch guessed."""
    terms = [{"term": {name: value}}, {"term": {f"{name}.keyword": value}}]
    return {"bool": {"should": terms, "minimum_should_match": 1}}


def _entries(job: SyncJob, stats: Stats) -> Iterator[dict[str, Any]]:
    """Describe each refused document once, the latest refusal of it."""
    moment = timestamp(datetime.now(UTC))
    latest = {one.id: (slice_.name, one) for slice_ in stats.slices for one in slice_.tally.refusals}
    for table, one in latest.values():
        reason, _, cause = one.reason.partition("; caused by ")
        yield {
            "@timestamp": moment,
            "connector_id": job.connector_id,
            "sync_job_id": job.id,
            "index": job.index_name,
            "table": table,
            "id": one.id,
            "error": one.error_type,
            "reason": reason,
            "cause": cause,
        }


def _lines(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    whose = orjson.dumps([entry["connector_id"], entry["id"]])
    return {"index": {"_id": hashlib.blake2b(whose, digest_size=20).hexdigest()}}, entry
