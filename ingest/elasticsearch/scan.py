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

from ingest.elasticsearch.answers import ShapeError, decoded, need
from ingest.elasticsearch.client import Client, segment
from ingest.elasticsearch.transport import Request
from ingest.errors import IngestError, NotFoundError

KEEP_ALIVE: Final = "5m"
BUDGET_SECONDS: Final = 300.0
GIVING_BACK_SECONDS: Final = 5.0
"""What giving a point in time back may take: a job that was canceled waits for it."""
_HITS: Final = b'"hits":{'
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

    def require(self, hit: Any) -> None:
        """Raise ShapeError unless the hit carries what was asked for; `_source` an index may not keep."""
        need(hit, str, "_id")
        for name in self.fields:
            if not need(hit, list, "fields", name):
                raise ShapeError(f"fields.{name} of a hit is empty")
        if self.wants_version:
            need(hit, int, "_seq_no")
            need(hit, int, "_primary_term")

    def filter_path(self) -> str:
        """Name what the answer must carry, and nothing else: pages are large."""
        paths = [
            "pit_id",
            "timed_out",
            "_shards.failed",
            "hits.max_score",  # null, but there: what is left of the hits of the page after the last one
            "hits.hits._id",
            "hits.hits.fields",
            "hits.hits.sort",
        ]
        if self.source:
            paths.append("hits.hits._source")
        if self.wants_version:
            paths += ["hits.hits._seq_no", "hits.hits._primary_term"]
        return ",".join(paths)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page as it came, and what of it leads to the next one."""

    body: bytes
    pit_id: str
    last_sort: list[Any] | None
    """The sort values of the last hit; None if there is no hit."""


async def scan(client: Client, index_name: str, request: ScanRequest) -> AsyncGenerator[bytes, None]:
    """Yield pages that hold at least one hit; wrap in `aclosing`, which gives the point in time back.

    Ends normally only when every matching document was in a page. Raises ScanLostError when that cannot be
    had from this point in time; a new scan may succeed.
    """
    pit_id = await client.call(
        "POST", f"/{segment(index_name)}/_pit", _pit_id, params={"keep_alive": KEEP_ALIVE}
    )
    fetching = asyncio.create_task(_fetch(client, request, pit_id, None))
    try:
        while True:
            page = await fetching
            pit_id = page.pit_id
            if page.last_sort is None:
                return
            fetching = asyncio.create_task(_fetch(client, request, pit_id, page.last_sort))
            yield page.body
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)
        # A point in time that is not given back ends by itself; a failure here must not hide the error that
        # ended the scan.
        with suppress(IngestError):
            await client.call(
                "DELETE",
                "/_pit",
                lambda _: None,
                body={"id": pit_id},
                budget_seconds=0,
                timeout_seconds=GIVING_BACK_SECONDS,
            )


def hits_of(page: bytes, request: ScanRequest) -> list[dict[str, Any]]:
    """Decode the hits of a page. Raises ScanLostError if one of them lacks what was asked for."""
    try:
        hits = need(decoded(page), list, "hits", "hits")
        for hit in hits:
            request.require(hit)
    except ShapeError as error:
        raise ScanLostError(f"A page of the scan cannot be read: {error}.") from error
    return hits


async def _fetch(client: Client, request: ScanRequest, pit_id: str, search_after: list[Any] | None) -> _Page:
    search = Request(
        method="POST",
        path="/_search",
        params={"filter_path": request.filter_path(), "allow_partial_search_results": False},
        body=orjson.dumps(request.body(pit_id, search_after)),
    )
    try:
        return await client.ask(search, lambda body: _page(body, pit_id), budget_seconds=BUDGET_SECONDS)
    except NotFoundError as error:
        raise ScanLostError(f"The point in time was lost while the index was scanned: {error}") from error


def _pit_id(answer: Any) -> str:
    return need(answer, str, "id")


def _page(body: bytes, pit_id: str) -> _Page:
    """Read what leads on from a page, without decoding its hits.

    Raises ScanLostError if a shard did not answer in time: asking again for the same page does not help.
    """
    hits = body.find(_HITS)
    # Elasticsearch writes the hits last; decoding what stands before them is enough.
    members = need(decoded(body if hits < 0 else body[:hits].rstrip(b",") + b"}"), dict)
    if need(members, int, "_shards", "failed") or need(members, bool, "timed_out"):
        raise ScanLostError("Not all shards of the index answered while it was scanned.")
    return _Page(body, need({"pit_id": pit_id, **members}, str, "pit_id"), _last_sort(body))


def _last_sort(body: bytes) -> list[Any] | None:
    """Return the sort values of the last hit, None for a page that says it has none."""
    at = body.rfind(_SORT)
    if at >= 0:
        end = body.find(b"]", at) + 1
        return need(decoded(body[at + len(_SORT) - 1 : end]), list)
    # Either the end, or a page that a proxy on the way has written anew.
    answer = need(decoded(body), dict, "hits")
    if "hits" not in answer and "max_score" in answer:
        return None
    hits = need(answer, list, "hits")
    return need(hits[-1], list, "sort") if hits else None
