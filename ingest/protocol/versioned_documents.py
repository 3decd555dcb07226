"""Documents of the protocol's own indices, read and written with optimistic concurrency control.

Reads come back with the version they were read at; writes are partial updates guarded by such a version.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from ingest import errors
from ingest.elasticsearch.answers import from_all_shards, need
from ingest.elasticsearch.client import Client, segment
from ingest.protocol.parsing import Version

PAGE_SIZE: Final = 250
BY_AGE_OF_WRITE: Final[list[Any]] = [{"_seq_no": "asc"}]
"""A document written between two pages moves to a later one: it may be found twice, but is never missed."""
CALL_TIMEOUT_SECONDS: Final = 20.0
"""No call of the protocol takes long; one that does is better tried again."""


async def read(
    client: Client, index: str, document_id: str, *, budget_seconds: float = 60.0
) -> dict[str, Any] | None:
    """Return the document as it is right now, with its version; None if it or its index does not exist."""
    try:
        return await client.call(
            "GET",
            f"/{index}/_doc/{segment(document_id)}",
            _document,
            budget_seconds=budget_seconds,
            timeout_seconds=CALL_TIMEOUT_SECONDS,
        )
    except errors.NotFoundError:
        return None


async def update(
    client: Client,
    index: str,
    document_id: str,
    members: Mapping[str, Any],
    version: Version,
    *,
    budget_seconds: float = 60.0,
) -> Version:
    """Merge `members` into the document if nobody wrote since `version`; return the version written.

    Raises ConflictError if somebody did, or if an attempt whose answer was lost had already been applied: the
    caller reads back to tell the two apart.
    """
    return await client.call(
        "POST",
        f"/{index}/_update/{segment(document_id)}",
        _version,
        params={**version.to_params(), "refresh": "true"},
        body={"doc": members},
        budget_seconds=budget_seconds,
        timeout_seconds=CALL_TIMEOUT_SECONDS,
    )


async def search(
    client: Client,
    index: str,
    query: Mapping[str, Any],
    sort: list[Any],
    *,
    size: int | None = None,
    members: Sequence[str] | None = None,
    without: Sequence[str] = (),
    budget_seconds: float = 60.0,
) -> list[dict[str, Any]]:
    """Return the hits in order, all or the first `size`, with the members asked for.

    `without` names members to leave out instead. Pages by `search_after`, so documents that change meanwhile
    are neither skipped nor repeated; `sort` must therefore end in something unique. Raises
    ElasticsearchUnavailableError as long as any shard does not answer, because the list might be incomplete.
    A missing index has no hits.
    """
    hits: list[dict[str, Any]] = []
    body: dict[str, Any] = {
        "size": size or PAGE_SIZE,
        "query": query,
        "sort": sort,
        "seq_no_primary_term": True,
        "_source": {"excludes": list(without)} if members is None else list(members) or False,
    }
    async for page in _pages(client, index, body, budget_seconds):
        hits += page
        if size is not None and len(hits) >= size:
            return hits[:size]
    return hits


async def largest_by_keyword(
    client: Client, index: str, query: Mapping[str, Any], *, keyword: str, member: str, most: int
) -> dict[str, float | None]:
    """Return the largest value of a number or date (in milliseconds) for each of at most so many keywords.

    Raises ElasticsearchUnavailableError as `search` does. A missing index has none.
    """
    by_keyword = {
        "terms": {"field": keyword, "size": most},
        "aggs": {"largest": {"max": {"field": member}}},
    }
    try:
        return await client.call(
            "POST",
            f"/{index}/_search",
            _largest,
            params={"allow_partial_search_results": False},
            body={"size": 0, "query": query, "aggs": {"by_keyword": by_keyword}},
            budget_seconds=20.0,
            timeout_seconds=CALL_TIMEOUT_SECONDS,
        )
    except errors.NotFoundError:
        return {}


async def _pages(
    client: Client, index: str, body: dict[str, Any], budget_seconds: float
) -> AsyncIterator[list[dict[str, Any]]]:
    while True:
        try:
            page = await client.call(
                "POST",
                f"/{index}/_search",
                partial(_hits, members=body["_source"]),
                params={"allow_partial_search_results": False},
                body=body,
                budget_seconds=budget_seconds,
                timeout_seconds=CALL_TIMEOUT_SECONDS,
            )
        except errors.NotFoundError:
            return
        if page:
            yield page
        if len(page) < body["size"]:
            return
        body["search_after"] = page[-1]["sort"]


def _hits(answer: Any, members: Any) -> list[dict[str, Any]]:
    """Need the hits of a search that reached every shard, with the members that were asked for."""
    hits = need(from_all_shards(answer), list, "hits", "hits")
    for hit in hits:
        need(hit, list, "sort")
        if members:
            _document(hit)
    return hits


def _largest(answer: Any) -> dict[str, float | None]:
    """Need the buckets of `largest_by_keyword`; the largest of none is null."""
    buckets = need(from_all_shards(answer), list, "aggregations", "by_keyword", "buckets")
    largest: dict[str, float | None] = {}
    for bucket in buckets:
        value = need(bucket, dict, "largest").get("value")
        largest[need(bucket, str, "key")] = None if value is None else need(value, float)
    return largest


def _document(answer: Any) -> dict[str, Any]:
    """Need a document and its version."""
    need(answer, str, "_id")
    need(answer, dict, "_source")
    _version(answer)
    return need(answer, dict)


def _version(answer: Any) -> Version:
    return Version(need(answer, int, "_seq_no"), need(answer, int, "_primary_term"))
