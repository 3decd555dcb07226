"""Looks up a few documents in the index: which of them are there as they would be sent.

A comparison by content loads the ledger of all documents first. Where little changed, asking by id costs
less. A document is read as it is at that moment, refreshed or not, so what this job has sent is seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson

from ingest.elasticsearch import answers
from ingest.elasticsearch.client import Client, segment
from ingest.elasticsearch.mappings import CONTENT_HASH
from ingest.sync.blocks.lines import Lines
from sources.contract import HASH_END, ID_END
from sources.lines import join_lines, split_lines

IDS_AT_ONCE: Final = 2_000
_FIELDS: Final = f"docs._source.{CONTENT_HASH},docs.found,docs.error.type"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDocument:
    """A document, and the version it was seen at."""

    id: str
    seq_no: int
    primary_term: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDocuments:
    """The documents of one index."""

    client: Client
    index_name: str

    async def differing(self, lines: bytes) -> tuple[Lines, int]:
        """Return those lines of a block whose document is missing or has another content hash.

        And how many of them have a document.
        """
        rows = split_lines(lines)
        kept: list[bytes] = []
        overwriting = 0
        for start in range(0, len(rows), IDS_AT_ONCE):
            some = rows[start : start + IDS_AT_ONCE]
            hashes = await self._hashes([orjson.loads(row[: row.index(ID_END)]) for row in some])
            for row, known in zip(some, hashes, strict=True):
                if known != _hash_of(row):
                    kept.append(row)
                    overwriting += known is not None
        return Lines(join_lines(kept), len(kept)), overwriting

    async def found(self, ids: Sequence[str], scope: Mapping[str, str]) -> list[FoundDocument]:
        """Return those of these documents that are there, are ours, and are within a scope."""
        there: list[FoundDocument] = []
        for start in range(0, len(ids), IDS_AT_ONCE):
            some = list(ids[start : start + IDS_AT_ONCE])
            documents = await self.client.call(
                "POST",
                f"/{segment(self.index_name)}/_mget",
                partial(_documents, count=len(some)),
                params={"_source_includes": ",".join([CONTENT_HASH, *scope])},
                body={"ids": some},
            )
            there += [_found(one) for one in documents if _is_ours(one, scope)]
        return there

    async def _hashes(self, ids: list[str]) -> list[int | None]:
        return await self.client.call(
            "POST",
            f"/{segment(self.index_name)}/_mget",
            lambda answer: _hashes(answer, len(ids)),
            params={"_source_includes": CONTENT_HASH, "filter_path": _FIELDS},
            body={"ids": ids},
        )


def _documents(answer: Any, *, count: int) -> list[Any]:
    """Need an answer for each document, and no error in it."""
    documents = _answered(answer, count)
    for one in documents:
        if "error" in one:
            raise answers.ShapeError(f"a document could not be read: {one['error'].get('type')}")
    return documents


def _is_ours(document: Any, scope: Mapping[str, str]) -> bool:
    source = document.get("_source", {})
    return (
        document.get("found") is True
        and CONTENT_HASH in source
        and all(source.get(name) == value for name, value in scope.items())
    )


def _found(document: Any) -> FoundDocument:
    return FoundDocument(
        id=answers.need(document, str, "_id"),
        seq_no=answers.need(document, int, "_seq_no"),
        primary_term=answers.need(document, int, "_primary_term"),
    )


def _hashes(answer: Any, count: int) -> list[int | None]:
    """Need an answer for each document: its content hash, None if it has none or is not there."""
    return [one.get("_source", {}).get(CONTENT_HASH) for one in _answered(answer, count)]


def _answered(answer: Any, count: int) -> list[Any]:
    documents: list[Any] = answers.need(answer, list, "docs")
    if len(documents) != count:
        raise answers.ShapeError(f"{len(documents)} of {count} documents were answered for")
    return documents


def _hash_of(row: bytes) -> int:
    start = row.index(ID_END) + 1
    return int(row[start : row.index(HASH_END, start)])
