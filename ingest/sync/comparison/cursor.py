"""What a completed job leaves behind, for the next one to begin where it ended. No I/O.

    circumstances   how rows become documents, and which slices there are
    index, shards   the index, and how far its writes had come: if they say the same, nobody wrote since
    checkpoints     for each slice whose documents were proven to be its rows: position, rows, their digest

Stored as `sync_cursor` of the connector. That is a partial update, which merges objects: the checkpoints are
one text, so that a slice that is gone does not stay. `checkpoints` says how they are written. Those of ten
thousand slices take 50 ms to write and 30 ms to read, so both are done in a thread.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from ingest.elasticsearch.indices import ShardState
from ingest.sync.comparison.checkpoints import Checkpoint, pack, unpack

FORMAT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The state a job ended in. Made for the state it begins in too, to compare the two."""

    circumstances: str
    index_uuid: str
    shards: tuple[ShardState, ...] | None
    """None where Elasticsearch does not tell."""
    checkpoints: Mapping[str, Checkpoint]

    @classmethod
    async def from_wire(cls, wire: Any) -> Self | None:
        """Read a connector's `sync_cursor`; None if it is not one of ours, or of another version."""
        if not isinstance(wire, dict) or wire.get("format") != FORMAT:
            return None
        try:
            shards = wire["shards"]
            return cls(
                circumstances=str(wire["circumstances"]),
                index_uuid=str(wire["index_uuid"]),
                shards=None if shards is None else tuple(_shard(one) for one in shards),
                checkpoints=await asyncio.to_thread(unpack, wire["slices"]),
            )
        except (KeyError, TypeError, ValueError):
            return None

    async def to_wire(self) -> dict[str, Any]:
        """Render as `sync_cursor`, without what would make it too large."""
        shards = None
        if self.shards is not None:
            shards = [{"history": one.history, "max_seq_no": one.max_seq_no} for one in self.shards]
        return {
            "format": FORMAT,
            "circumstances": self.circumstances,
            "index_uuid": self.index_uuid,
            "shards": shards,
            "slices": await asyncio.to_thread(pack, self.checkpoints),
        }


def incompatibility(now: Cursor, then: Cursor | None) -> str | None:
    """Say why a job cannot begin where an earlier one ended; None if it can."""
    if then is None:
        return "No job of this version has completed yet, or the last one left nothing to begin from."
    if then.circumstances != now.circumstances:
        return "Tables, sync rules or pipelines have changed since the last job."
    if then.index_uuid != now.index_uuid:
        return "The index is another one than in the last job."
    if (then.shards is None) != (now.shards is None):
        return "Elasticsearch has begun or ceased to tell whether anybody else wrote to the index."
    if then.shards != now.shards:
        return "The index was written to since the last job that completed."
    return None


def _shard(wire: Mapping[str, Any]) -> ShardState:
    return ShardState(history=str(wire["history"]), max_seq_no=int(wire["max_seq_no"]))
