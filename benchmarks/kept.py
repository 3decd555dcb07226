"""The sink's index while somebody follows: ids and hashes, and how old changes are when they come."""

import re
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson

_WRITTEN = re.compile(rb'^\{"(?:index|create)":\{"_id":("(?:[^"\\]|\\.)*")', re.MULTILINE)
_DELETED = re.compile(rb'^\{"delete":\{"_id":("(?:[^"\\]|\\.)*")', re.MULTILINE)
_HASH = re.compile(rb'"_content_hash":(-?\d+)')
_CHANGE = re.compile(rb'_change":(\d+),"[a-z_]*_changed_us":(\d+)')


class Kept:
    """Which documents there are, by their ids as JSON."""

    def __init__(self) -> None:
        self.newest = 0
        """The highest number of a change (column `change` of a row) that has come."""
        self.ages: Counter[int] = Counter()
        """How many changes were so many milliseconds old, by the row's `changed_us`, when they came."""
        self._hashes: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._hashes)

    @property
    def ages_ms(self) -> dict[str, int]:
        """The ages as JSON has them."""
        return {str(age): count for age, count in self.ages.items()}

    def take(self, body: bytes) -> int:
        """Apply a bulk body; return how many documents it creates."""
        ids, hashes = _WRITTEN.findall(body), _HASH.findall(body)
        before = len(self._hashes)
        self._hashes.update(zip(ids, hashes, strict=True))
        created = len(self._hashes) - before
        for id_ in _DELETED.findall(body):
            self._hashes.pop(id_, None)
        now = time.time() * 1e6
        for change, changed in _CHANGE.findall(body):
            if number := int(change):
                self.newest = max(self.newest, number)
                self.ages[int((now - int(changed)) / 1000)] += 1
        return created

    def documents(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """Return what a request for some documents is answered."""
        return [self._document(id_) for id_ in ids]

    def _document(self, id_: str) -> dict[str, Any]:
        known = self._hashes.get(orjson.dumps(id_))
        if known is None:
            return {"_id": id_, "found": False}
        return {"_id": id_, "found": True, "_source": {"_content_hash": int(known)}}
