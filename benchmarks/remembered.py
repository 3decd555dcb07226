"""The content of the sink's index as a later sync sees it: ids and hashes, in pages rendered once."""

import re

_ID = re.compile(rb'^\{"(?:index|create)":\{"_id":("(?:[^"\\]|\\.)*")', re.MULTILINE)
_HASH = re.compile(rb'"_content_hash":(-?\d+)')


class Remembered:
    """Ids and hashes in the order they came."""

    def __init__(self) -> None:
        self.change_every = 0
        self._ids: list[bytes] = []
        self._hashes: list[bytes] = []
        self._pages: dict[tuple[int, int, int, tuple[str, ...]], bytes] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def take(self, body: bytes) -> None:
        """Remember the documents of a bulk body."""
        ids, hashes = _ID.findall(body), _HASH.findall(body)
        if len(ids) != len(hashes):
            raise ValueError(f"{len(ids)} ids but {len(hashes)} hashes in a bulk body")
        self._ids += ids
        self._hashes += hashes
        self._pages.clear()

    def page(self, first: int, size: int, filters: tuple[str, ...]) -> bytes:
        """Return the hits from `first` on as JSON, without brackets."""
        key = (first, size, self.change_every, filters)
        if key not in self._pages:
            last = min(first + size, len(self._ids))
            template = _template(filters)
            self._pages[key] = b",".join(
                template % {b"id": self._ids[number], b"hash": self._hash(number), b"number": number}
                for number in range(first, last)
            )
        return self._pages[key]

    def _hash(self, number: int) -> bytes:
        is_other = self.change_every and number % self.change_every == 0
        return b"1" if is_other else self._hashes[number]


_MEMBERS = {
    "_index": b'"_index":"benchmark"',
    "_id": b'"_id":%(id)b',
    "_score": b'"_score":null',
    "_seq_no": b'"_seq_no":%(number)d',
    "_primary_term": b'"_primary_term":1',
    "fields": b'"fields":{"_content_hash":[%(hash)b]}',
    "sort": b'"sort":[%(number)d]',
}
"""A hit, in Elasticsearch's order."""


def _template(filters: tuple[str, ...]) -> bytes:
    return b"{" + b",".join(text for name, text in _MEMBERS.items() if _is_asked(name, filters)) + b"}"


def _is_asked(name: str, filters: tuple[str, ...]) -> bool:
    path = f"hits.hits.{name}"
    return not filters or any(
        path == one or path.startswith(f"{one}.") or one.startswith(f"{path}.") for one in filters
    )
