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
            self._pages[key] = b",".join(self._hit(number, filters) for number in range(first, last))
        return self._pages[key]

    def _hit(self, number: int, filters: tuple[str, ...]) -> bytes:
        content_hash = self._hashes[number]
        if self.change_every and number % self.change_every == 0:
            content_hash = b"1"
        members = (
            (b'"_index":"benchmark"', "_index"),
            (b'"_id":%b' % self._ids[number], "_id"),
            (b'"_score":null', "_score"),
            (b'"_seq_no":%d' % number, "_seq_no"),
            (b'"_primary_term":1', "_primary_term"),
            (b'"fields":{"_content_hash":[%b]}' % content_hash, "fields"),
            (b'"sort":[%d]' % number, "sort"),
        )
        return b"{" + b",".join(text for text, name in members if _is_asked(name, filters)) + b"}"


def _is_asked(name: str, filters: tuple[str, ...]) -> bool:
    path = f"hits.hits.{name}"
    return not filters or any(
        path == one or path.startswith(f"{one}.") or one.startswith(f"{path}.") for one in filters
    )
