"""Our documents in the content index: loaded before reading, and searched for stale ones after it.

ours      in the source's scope, with a content hash
foreign   in the source's scope, written by Elastic's own service: same shape, no content hash
others    everything else: never read, never touched
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.elasticsearch import indices
from ingest.elasticsearch.client import Client
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.mappings import CONTENT_HASH, OWN_FIELDS, TIMESTAMP
from ingest.elasticsearch.scan import ScanLostError, ScanRequest, hits_of, scan
from ingest.errors import IncompleteSyncError
from ingest.log import get_logger
from ingest.sync.blocks.lines import KeyReader, Keys
from ingest.sync.deletion_certificate import Certificate
from ingest.sync.index.ledger import Ledger
from ingest.sync.index.scope import Scope

SCANS: Final = 3
"""How often the index is scanned at most when a point in time is lost on the way."""
TELL_SECONDS: Final = 10.0
"""How often it is logged how far the index has been read."""
PAGE_SIZE: Final = 10_000
FEW_HASHES: Final = 32
"""Up to so many stale documents are searched by their content hash; more are found by scanning everything.

The field is not indexed, so Elasticsearch makes a clause of each hash and compares every document with every
clause; a small node allows 1,024 of them.
"""

_OF_ELASTICS_SERVICE: Final = ("id", "table", TIMESTAMP)
"""Besides the scope, what its documents have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Where to look, and for whose documents."""

    client: Client
    index: ContentIndex
    scope: Scope
    key_reader: KeyReader

    async def load(self) -> Ledger:
        """Return the ledger of what is in the index; raises IncompleteSyncError if it cannot be completed."""
        for _ in range(SCANS):
            try:
                return await self._load()
            except ScanLostError as error:
                lost = error
        raise IncompleteSyncError(f"The index could not be read in {SCANS} attempts: {lost}") from lost

    async def written_at(self, stamp: str) -> Keys:
        """Return the keys of our documents that have this `_timestamp`: what one reading wrote.

        Raises IncompleteSyncError if they cannot be read whole.
        """
        for _ in range(SCANS):
            try:
                return await self._written_at(stamp)
            except ScanLostError as error:
                lost = error
        raise IncompleteSyncError(f"The index could not be read in {SCANS} attempts: {lost}") from lost

    async def stale(
        self, ledger: Ledger, certificate: Certificate, members: Collection[str] = ()
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Yield, a page at a time, the hits of documents that no row was met for, with these members.

        Only those that are as they were when the ledger was loaded. When a point in time is lost, what was
        not deleted meanwhile is yielded again. Raises IncompleteSyncError if the search cannot be completed.
        """
        for _ in range(SCANS):
            try:
                async with aclosing(self._stale(ledger, certificate, members)) as pages:
                    async for hits in pages:
                        yield hits
            except ScanLostError as error:
                lost = error
            else:
                return
        raise IncompleteSyncError(
            f"Documents to delete could not be searched in {SCANS} attempts: {lost}"
        ) from lost

    async def surplus(
        self, ledger: Ledger, members: Collection[str]
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Yield, a page at a time, the hits of documents that no row was met for, for a person to see.

        With these members, and only those that are as they were when the ledger was loaded. Raises
        ScanLostError if the search cannot be completed.
        """
        async with aclosing(self._chosen(ledger, ledger.is_surplus, self._request, members)) as pages:
            async for hits in pages:
                yield hits

    async def count(self, *, foreign: bool = False) -> int | None:
        """Count our documents, or those of the shape that Elastic's service gives its own.

        None if the index has no field by which to tell them exactly, or not now.
        """
        if self._scope_terms() is None:
            return None
        query = self._request(foreign=foreign).query
        return await indices.count(self.client, self.index.name, query)

    async def _load(self) -> Ledger:
        ledger = Ledger(self.index.uuid)
        await self._fill(ledger)
        await asyncio.to_thread(ledger.seal)  # sorting ten million entries takes a second
        return ledger

    async def _fill(self, ledger: Ledger) -> None:
        await indices.refresh(self.client, self.index.name)
        if not self._has_our_fields():
            return
        request = self._request(foreign=False)
        progress = _Progress()
        async with aclosing(self._pages(request)) as pages:
            async for page in pages:
                # In a thread: it is mostly array work, which leaves the loop free for the next page.
                ledger.add(await asyncio.to_thread(self._keys, page, request))
                progress.tell(len(ledger))
        request = self._request(foreign=True)
        async with aclosing(self._pages(request)) as pages:
            async for page in pages:
                ledger.add(self._foreign_keys(hits_of(page, request))[0], foreign=True)

    async def _written_at(self, stamp: str) -> Keys:
        await indices.refresh(self.client, self.index.name)
        request = self._request(foreign=False)
        if self.index.properties.get(TIMESTAMP) == OWN_FIELDS[TIMESTAMP]:
            request.query["bool"]["filter"].append({"term": {TIMESTAMP: stamp}})
        request = replace(request, source=(*request.source, TIMESTAMP))
        found: list[Keys] = []
        async with aclosing(self._pages(request)) as pages:
            async for page in pages:
                # The mapping may cut the fraction of a second, or be somebody else's: the document decides.
                hits = hits_of(page, request)
                written = [hit for hit in hits if hit.get("_source", {}).get(TIMESTAMP) == stamp]
                found.append(self._keys_of_hits(written, foreign=False)[0])
        return Keys.joined(found)

    async def _stale(
        self, ledger: Ledger, certificate: Certificate, members: Collection[str]
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        few = ledger.unmet_hashes(certificate, FEW_HASHES)
        request = partial(self._request, hashes=few)

        def is_stale(keys: Keys, *, foreign: bool) -> NDArray[np.bool_]:
            return ledger.stale(certificate, keys, foreign=foreign)

        async with aclosing(self._chosen(ledger, is_stale, request, members)) as pages:
            async for hits in pages:
                yield hits

    async def _chosen(
        self, ledger: Ledger, is_chosen: "_Choice", request_of: "_RequestOf", members: Collection[str]
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        await indices.refresh(self.client, self.index.name)
        kinds = (False, True) if ledger.has_foreign else (False,)
        for foreign in kinds:
            request = request_of(foreign=foreign)
            request = replace(request, source=(*request.source, *members), wants_version=True)
            async with aclosing(self._pages(request)) as pages:
                async for page in pages:
                    keys, hits = self._keys_of_hits(hits_of(page, request), foreign=foreign)
                    chosen = is_chosen(keys, foreign=foreign)
                    yield [hit for hit, left in zip(hits, chosen.tolist(), strict=True) if left]

    def _pages(self, request: ScanRequest) -> AsyncGenerator[bytes, None]:
        return scan(self.client, self.index.name, request)

    def _request(self, *, foreign: bool, hashes: list[int] | None = None) -> ScanRequest:
        terms = self._scope_terms()
        conditions = list(terms or ())
        if hashes is not None:
            conditions.append({"terms": {CONTENT_HASH: hashes}})
        if foreign:
            conditions += [_exists(name) for name in _OF_ELASTICS_SERVICE]
            query = _all_of(*conditions)
            query["bool"]["must_not"] = [_exists(CONTENT_HASH)]
        else:
            query = _all_of(*conditions, _exists(CONTENT_HASH))
        members = self.scope.members
        verified = ("id", *members) if foreign else members if terms is None else ()
        return ScanRequest(
            query=query,
            fields=() if foreign else (CONTENT_HASH,),
            source=verified,
            page_size=min(PAGE_SIZE, self.index.result_window),
        )

    def _keys(self, page: bytes, request: ScanRequest) -> Keys:
        """Read the keys of a page of ours, the fast way if the page allows it."""
        if self._scope_terms() is not None and (keys := self.key_reader.of_hits(page)) is not None:
            return keys
        return self._keys_of_hits(hits_of(page, request), foreign=False)[0]

    def _keys_of_hits(
        self, hits: list[dict[str, Any]], *, foreign: bool
    ) -> tuple[Keys, list[dict[str, Any]]]:
        """Return the keys of those hits that are in scope, and these hits."""
        if foreign:
            return self._foreign_keys(hits)
        if self._scope_terms() is None:
            hits = [hit for hit in hits if self._is_in_scope(hit)]
        hashes = [hit["fields"][CONTENT_HASH][0] for hit in hits]
        return self.key_reader.of_pairs([hit["_id"] for hit in hits], hashes), hits

    def _foreign_keys(self, hits: list[dict[str, Any]]) -> tuple[Keys, list[dict[str, Any]]]:
        """Elastic's service stores the id in the document too: what does not is somebody else's."""
        theirs = [hit for hit in hits if self._is_in_scope(hit) and hit["_source"].get("id") == hit["_id"]]
        return self.key_reader.of_pairs([hit["_id"] for hit in theirs], [0] * len(theirs)), theirs

    def _is_in_scope(self, hit: Mapping[str, Any]) -> bool:
        return self.scope.includes(hit.get("_source", {}))

    def _scope_terms(self) -> list[dict[str, Any]] | None:
        return self.scope.conditions(self.index.properties)

    def _has_our_fields(self) -> bool:
        """Whether the index can hold documents of ours at all: its mapping tells without a scan."""
        return any(name in self.index.properties for name in (CONTENT_HASH, *self.scope.members))


def empty_ledger(index_uuid: str) -> Ledger:
    """Return the ledger of an index that holds none of our documents."""
    ledger = Ledger(index_uuid)
    ledger.seal()
    return ledger


@dataclass(slots=True)
class _Progress:
    """Says every so often how far the index has been read, which may take minutes."""

    told_at: float = field(default_factory=time.monotonic)

    def tell(self, documents: int) -> None:
        if time.monotonic() - self.told_at >= TELL_SECONDS:
            self.told_at = time.monotonic()
            get_logger().info("index.loading", documents=documents)


class _Choice(Protocol):
    def __call__(self, keys: Keys, *, foreign: bool) -> NDArray[np.bool_]: ...


class _RequestOf(Protocol):
    def __call__(self, *, foreign: bool) -> ScanRequest: ...


def _all_of(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"filter": list(conditions)}}


def _exists(name: str) -> dict[str, Any]:
    return {"exists": {"field": name}}
