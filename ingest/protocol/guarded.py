"""Direct access to the protocol's own documents: the shapes `connectors.py` and `jobs.py` share.

Reads come back with the version they were read at; writes are partial updates guarded by such a version.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from ingest import errors
from ingest.elasticsearch.client import Client, segment
from ingest.protocol.documents import Version

PAGE_SIZE: Final = 250
BY_AGE_OF_WRITE: Final[list[Any]] = [{"_seq_no": "asc"}]
"""A document written between two pages moves to a later one: it may be found twice, but is never missed."""
CALL_TIMEOUT_SECONDS: Final = 20.0
"""No call of the protocol takes long; one that does is better tried again."""


async def read(client: Client, index: str, document_id: str, *, budget_seconds: float = 60.0) -> Any | None:
    """Return the document as it is right now, with its version; None if it or its index does not exist."""
    try:
        return await client.call(
            "GET",
            f"/{index}/_doc/{segment(document_id)}",
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
    answer = await client.call(
        "POST",
        f"/{index}/_update/{segment(document_id)}",
        params={**version.to_params(), "refresh": "true"},
        body={"doc": members},
        budget_seconds=budget_seconds,
        timeout_seconds=CALL_TIMEOUT_SECONDS,
    )
    return Version(int(answer["_seq_no"]), int(answer["_primary_term"]))


async def search(
    client: Client,
    index: str,
    query: Mapping[str, Any],
    sort: list[Any],
    *,
    size: int | None = None,
    members: Sequence[str] | None = None,
    budget_seconds: float = 60.0,
) -> list[dict[str, Any]]:
    """Return the hits in order: all of them, or the first `size`; whole, or these members of each.

    Pages by `search_after`, so documents that change meanwhile are neither skipped nor repeated; `sort`
    must therefore end in something unique. Raises ElasticsearchUnavailableError if any shard did not
    answer: a list that may be incomplete is no list. A missing index has no hits.
    """
    hits: list[dict[str, Any]] = []
    body: dict[str, Any] = {
        "size": size or PAGE_SIZE,
        "query": query,
        "sort": sort,
        "seq_no_primary_term": True,
        "_source": True if members is None else list(members) or False,
    }
    async for page in _pages(client, index, body, budget_seconds):
        hits += page
        if size is not None and len(hits) >= size:
            return hits[:size]
    return hits


async def _pages(
    client: Client, index: str, body: dict[str, Any], budget_seconds: float
) -> AsyncIterator[list[dict[str, Any]]]:
    while True:
        try:
            answer = await client.call(
                "POST",
                f"/{index}/_search",
                params={"allow_partial_search_results": False},
                body=body,
                budget_seconds=budget_seconds,
                timeout_seconds=CALL_TIMEOUT_SECONDS,
            )
        except errors.NotFoundError:
            return
        if answer.get("timed_out") or answer.get("_shards", {}).get("failed"):
            raise errors.ElasticsearchUnavailableError(f"The search of {index} did not reach every shard.")
        page = answer["hits"]["hits"]
        if page:
            yield page
        if len(page) < body["size"]:
            return
        body["search_after"] = page[-1]["sort"]
