"""Keeps bulk requests from creating the index they write to. No I/O.

Elasticsearch creates a missing index on the first write, with guessed mappings, unless one action of the
request requires its target to be an alias. So actions of that kind travel with the documents:

    guard  documents ...  guard  documents ...  guard

An update without an upsert writes nothing and runs no pipeline; where the name is an index, it fails alone.
One guard would do, if Elasticsearch did not cut large requests into parts while it is busy, each of which
may create the index (`rest.incremental_bulk`, on by default in 9.x). Such a part is the last one or has at
least 1 MB as Elasticsearch counts, which is several times the bytes of small documents; hence the distance.
A document that could be such a part travels alone, behind the guard with which its request begins.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ingest.elasticsearch.indices import ContentIndex
from ingest.errors import IndexChangedError
from ingest.sync.blocks.chunks import Chunk
from ingest.sync.blocks.lines import ACTION
from ingest.sync.delivery.verdicts import Item, Verdict

GUARD: Final = b'{"update":{"_id":"_","require_alias":true}}\n{"doc":{}}\n'
_GUARD_AND_ACTION: Final = GUARD + ACTION
GUARD_ACTION: Final = "update"
"""Documents are indexed or deleted, so this tells guards from them."""
APART_BYTES: Final = 64 * 1024
_NOT_FOUND: Final = "index_not_found_exception"


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent for a chunk."""

    pieces: tuple[bytes | memoryview, ...]
    guards: int

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(map(len, self.pieces))


def room_beside_guards(max_bytes: int) -> int:
    """Return how many bytes of documents fit into a request of so many bytes."""
    return max(1, max_bytes - len(GUARD) * (2 + max_bytes // APART_BYTES))


def unguarded(chunk: Chunk) -> Body:
    """Return the chunk as it is: deletes create nothing, and an alias is required of the whole request."""
    return Body(chunk.pieces, 0)


def guarded(chunk: Chunk) -> Body:
    """Return the chunk with guards, none of its bytes copied."""
    pieces: list[bytes | memoryview] = [GUARD]
    guards, since = 1, 0
    for piece in chunk.pieces:
        since += len(piece)
        if since >= APART_BYTES and piece[-len(ACTION) :] == ACTION:
            # The piece ends with the start of the next action; the guard belongs before that.
            pieces += (memoryview(piece)[: -len(ACTION)], _GUARD_AND_ACTION)
            guards, since = guards + 1, 0
        else:
            pieces.append(piece)
    if guards > 1 or since >= APART_BYTES:
        pieces.append(GUARD)
        guards += 1
    return Body(tuple(pieces), guards)


def broken(guards: Iterable[Item], index: ContentIndex) -> IndexChangedError | None:
    """Return the error to end the job with if a guard found something else than an index or nothing."""
    for guard in guards:
        if guard.error_type != _NOT_FOUND and guard.verdict is not Verdict.TURNED_AWAY:
            return IndexChangedError(
                f"The index {index.name} was replaced by an alias while the job ran: the guard of a bulk "
                f"request was answered {guard}."
            )
    return None
