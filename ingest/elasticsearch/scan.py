"""Reads all documents of an index that match a query, page by page, as they are at one moment.

A point in time (PIT) and `search_after` over `_shard_doc`: the cheapest order there is. Pages are handed
out as bytes, because whoever needs ids and hashes only can read them faster than JSON can be decoded. While
one page is read, the next is on its way.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ingest.elasticsearch.client import Client, refusal, segment
from ingest.errors import ElasticsearchUnavailableError, IngestError

KEEP_ALIVE: Final = "5m"
BUDGET_SECONDS: Final = 300.0
GIVING_BACK_SECONDS: Final = 5.0
"""What giving a point in time back may take: a job that was canceled waits for it."""
_HITS: Final = b'"hits":{"hits":['
_SORT: Final = b'"sort":['


class ScanLostError(IngestError):
    """The point in time is gone or a shard did not answer: what was read so far is not everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRequest:
    """What to scan for and what each hit should carry."""

    query: Mapping[str, Any]
    fields: tuple[str, ...] = ()
    """Read from doc values."""
    source: tuple[str, ...] = ()
    """Read from `_source`, which is far slower."""
    wants_version: bool = False
    """Whether hits carry `_seq_no` and `_primary_term`."""
    page_size: int = 10_000

    def body(self, pit_id: str, search_after: list[Any] | None) -> dict[str, Any]:
        """Render the search for one page."""
        body: dict[str, Any] = {
            "pit": {"id": pit_id, "keep_alive": KEEP_ALIVE},
            "query": self.query,
            "size": self.page_size,
            "sort": [{"_shard_doc": "asc"}],
            "track_total_hits": False,
            "_source": list(self.source) if self.source else False,
        }
        if self.fields:
            body["docvalue_fields"] = list(self.fields)
        if self.wants_version:
            body["seq_no_primary_term"] = True
        if search_after is not None:
            body["search_after"] = search_after
        return body

    def filter_path(self) -> str:
        """Name what the answer must carry, and nothing else: pages are large."""
        paths = [
            "pit_id",
            "timed_out",
            "_shards.failed",
            "hits.hits._id",
            "hits.hits.fields",
            "hits.hits.sort",
        ]
        if self.source:
            paths.append("hits.hits._source")
        if self.wants_version:
            paths += ["hits.hits._seq_no", "hits.hits._primary_term"]
        return ",".join(paths)


async def scan(client: Client, index_name: str, request: ScanRequest) -> AsyncGenerator[bytes, None]:
    """Yield pages that hold at least one hit; wrap in `aclosing`, which gives the point in time back.

    Ends normally only when every matching document was in a page. Raises ScanLostError when that cannot be
    had from this point in time; a new scan may succeed.
    """
    path = f"/{segment(index_name)}/_pit"
    pit_id = str((await client.call("POST", path, params={"keep_alive": KEEP_ALIVE}))["id"])
    fetching = asyncio.create_task(_fetch(client, request, pit_id, None))
    try:
        while True:
            page = await fetching
            pit_id = _complete(page).get("pit_id", pit_id)
            search_after = _last_sort(page)
            if search_after is None:
                return
            fetching = asyncio.create_task(_fetch(client, request, pit_id, search_after))
            yield page
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)
        # A point in time that is not given back ends by itself; failing to do so must not hide why we are
        # here.
        with suppress(IngestError):
            await client.call(
                "DELETE",
                "/_pit",
                body={"id": pit_id},
                budget_seconds=0,
                timeout_seconds=GIVING_BACK_SECONDS,
            )


def hits_of(page: bytes) -> list[dict[str, Any]]:
    """Decode the hits of a page."""
    hits: list[dict[str, Any]] = orjson.loads(page)["hits"]["hits"]
    return hits


async def _fetch(client: Client, request: ScanRequest, pit_id: str, search_after: list[Any] | None) -> bytes:
    params: dict[str, str | bool] = {
        "filter_path": request.filter_path(),
        "allow_partial_search_results": False,
    }
    body = orjson.dumps(request.body(pit_id, search_after))
    attempts = client.retrying(BUDGET_SECONDS).attempts()
    while True:
        try:
            response = await client.send("POST", "/_search", params=params, body=body)
            if response.is_success:
                return response.body
            refused = refusal(response, "POST", "/_search")
            if response.status == 404:
                raise ScanLostError(f"The point in time was lost while the index was scanned: {refused}")
            if not response.is_transient:
                raise refused
            failure, wait_seconds = str(refused), response.retry_after_seconds
        except ElasticsearchUnavailableError as error:
            failure, wait_seconds = str(error), 0.0
        if not await attempts.wait(wait_seconds):
            raise ElasticsearchUnavailableError(f"The index cannot be scanned: {failure}")


def _last_sort(page: bytes) -> list[Any] | None:
    """Return the sort values of the last hit; None if there is no hit. Raises ScanLostError if in doubt."""
    at = page.rfind(_SORT)
    try:
        if at >= 0:
            return list(orjson.loads(page[at + len(_SORT) - 1 : page.index(b"]", at) + 1]))
        # A page without hits, or one that a proxy on the way has written anew: an end must be proven.
        hits = orjson.loads(page).get("hits", {}).get("hits", [])
        return list(hits[-1]["sort"]) if hits else None
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ScanLostError(f"A page of the scan cannot be read ({len(page)} bytes).") from error


def _complete(page: bytes) -> dict[str, Any]:
    """Return what a page says besides its hits. Raises ScanLostError unless every shard answered in time."""
    hits = page.find(_HITS)
    try:
        # Elasticsearch writes the hits last; decoding what stands before them is enough.
        members: dict[str, Any] = orjson.loads(page if hits < 0 else page[:hits].rstrip(b",") + b"}")
        is_complete = members["_shards"]["failed"] == 0 and not members["timed_out"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ScanLostError(f"A page of the scan cannot be read ({len(page)} bytes).") from error
    if not is_complete:
        raise ScanLostError("Not all shards of the index answered while it was scanned.")
    return members
