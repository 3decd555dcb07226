"""One run of a sync: its request, what was prepared for it, and what it has proven so far."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from ingest.elasticsearch import indices
from ingest.elasticsearch.indices import ShardState
from ingest.sync.blocks.lines import KeyReader
from ingest.sync.comparison.checkpoints import Checkpoint
from ingest.sync.comparison.cursor import Cursor
from ingest.sync.delivery.delivery import Delivery
from ingest.sync.index.inventory import Inventory
from ingest.sync.index.scope import Scope
from ingest.sync.preparation import Preparation, map_new_fields, prepare
from ingest.sync.request import SyncContext, SyncRequest
from sources.contract import Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """What all parts of one sync share."""

    request: SyncRequest
    context: SyncContext
    prepared: Preparation
    delivery: Delivery
    begun: tuple[ShardState, ...] | None
    """The states of the shards before anything was read or written."""
    key_reader: KeyReader = field(default_factory=KeyReader)
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    """Of the slices that were read so far, and whose documents the source alone decides about."""

    @classmethod
    async def begin(cls, request: SyncRequest, context: SyncContext) -> Self:
        """Prepare, and look how far the index's writes have come."""
        context.lease.check()
        prepared = await prepare(request, context)
        context.stats.slices_total = len(prepared.slices)
        return cls(
            request=request,
            context=context,
            prepared=prepared,
            delivery=Delivery(context, prepared.destination, request.options, request.pipeline),
            begun=await indices.shard_states(context.client, prepared.index),
        )

    def cursor(self, shards: tuple[ShardState, ...] | None) -> Cursor:
        """Return where this sync is by now, given how far the index's writes are."""
        return Cursor(
            circumstances=self._circumstances,
            index_uuid=self.prepared.index.uuid,
            shards=shards,
            checkpoints=dict(self.checkpoints),
        )

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was ever written to the index before this sync, nor by it so far."""
        was_untouched = self.begun is not None and all(one.is_untouched for one in self.begun)
        return was_untouched and self.context.stats.requests == 0

    async def map_fields(self, mapping: Mapping[str, Any]) -> None:
        """Map fields that came up in a reading; see `sources.contract.Batch.mapping`."""
        await map_new_fields(self.request, self.context, mapping)

    def inventory(self, *slices: Slice) -> Inventory:
        """Return the documents of these slices; without any, all that the source has or had."""
        return Inventory(
            client=self.context.client,
            index=self.prepared.index,
            scope=Scope.of(*(one.scope for one in slices) if slices else (self.request.source.scope,)),
            key_reader=self.key_reader,
        )

    @property
    def _circumstances(self) -> str:
        names = sorted(one.name for one in self.prepared.slices)
        scope = sorted(self.request.source.scope.items())
        rules = [self.request.rules.fingerprint(), self.request.advanced_rules]
        text = orjson.dumps([self.prepared.seed, rules, scope, names], option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(text, digest_size=16).hexdigest()
