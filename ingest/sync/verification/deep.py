"""Whether stored documents say what was sent: a content hash proves what was sent, not what is there.

A document is compared with its row only if its content hash is the row's: any other is stale, which the
comparison of hashes tells. So it does not matter which of the two is read first.
"""

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Final

from ingest.elasticsearch.answers import ShapeError
from ingest.elasticsearch.client import Client, segment
from ingest.elasticsearch.mappings import CONTENT_HASH
from ingest.elasticsearch.transport import Request
from sources.contract import HASH_END, ID_END, Slice

DOCUMENTS_AT_ONCE: Final = 200
BYTES_AT_ONCE: Final = 8 * 2**20


async def compare_content(client: Client, index_name: str, slice_: Slice) -> AsyncGenerator[str, None]:
    """Read a slice with all of its documents; yield the ids of those that are stored otherwise.

    Numbers are the same if they are as doubles, which is what any ingest pipeline leaves of them.
    """
    async with aclosing(slice_.batches()) as batches:
        async for batch in batches:
            for lines in _groups(batch.lines):
                rows = {id_: (hash_, members) for id_, hash_, members in map(_parts, lines)}
                stored = await _stored(client, index_name, list(rows))
                for id_, (hash_, members) in rows.items():
                    document = stored.get(id_, {})
                    if document.get(CONTENT_HASH) == hash_ and not _says(document, members):
                        yield id_


def _groups(block: bytes) -> Iterator[list[bytes]]:
    """Cut a block into lines, as many at a time as are asked for at once."""
    group: list[bytes] = []
    start, group_start = 0, 0
    while start < len(block):
        end = block.index(b"\n", start)
        group.append(block[start:end])
        start = end + 1
        if len(group) >= DOCUMENTS_AT_ONCE or start - group_start >= BYTES_AT_ONCE:
            yield group
            group, group_start = [], start
    if group:
        yield group


def _parts(line: bytes) -> tuple[str, int, Mapping[str, Any]]:
    id_, _, rest = line.partition(ID_END)
    hash_, _, members = rest.partition(HASH_END)
    return json.loads(id_), int(hash_), json.loads(b"{" + members)


def _says(document: Mapping[str, Any], members: Mapping[str, Any]) -> bool:
    """Whether a document has all members of a row, as they are; a pipeline may add others."""
    return all(name in document and _same(document[name], value) for name, value in members.items())


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)  # in Python, 1 equals true


async def _stored(client: Client, index_name: str, ids: list[str]) -> dict[str, Mapping[str, Any]]:
    request = Request(
        method="POST",
        path=f"/{segment(index_name)}/_mget",
        params={"filter_path": "docs._id,docs._source"},
        body=json.dumps({"ids": ids}).encode(),
    )
    return await client.ask(request, _sources)


def _sources(answer: bytes) -> dict[str, Mapping[str, Any]]:
    try:
        documents = json.loads(answer)["docs"]
        return {one["_id"]: one.get("_source", {}) for one in documents}
    except (ValueError, KeyError, TypeError) as error:
        raise ShapeError("the answer does not list documents") from error
