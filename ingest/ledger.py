"""What the index holds: for every document of ours a hash of its id and its content hash, 17 bytes together.

    load     add(keys of a page) ..., then seal()
    read     unchanged(keys): known id and equal content hash? Every known id is marked as met
    delete   stale(certificate, keys): known, never met, and as it was when it was loaded

Documents are kept in sorted arrays, in parts by the first bits of the id's hash, so that sorting needs little
memory beyond them. Two ids with one hash share their marks, and a row with such an id is never called
unchanged: a collision can keep a stale document or send one for nothing, never delete a living one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.lines import Keys

_PARTS: Final = 16
_GROWTH: Final = 1.125
_MET: Final = np.uint8(1)
_FOREIGN: Final = np.uint8(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The proof without which nothing is deleted: everything was read, everything was acknowledged.

    Issued by `sync` alone, once every slice was read to its end, every document has its final verdict, the
    job is confirmed to be ours, and the index is the one it began with.
    """

    index_uuid: str
    slices: int
    rows: int


class Ledger:
    """The documents found in the index when the job began, and which of them the source still has."""

    def __init__(self) -> None:
        self._parts = [_Part() for _ in range(_PARTS)]
        self.has_foreign = False
        """Whether there are documents without a content hash of ours: written by Elastic's own service."""

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    @property
    def nbytes(self) -> int:
        """Bytes the entries take."""
        return sum(part.nbytes for part in self._parts)

    @property
    def unmet(self) -> int:
        """How many documents no row was met for."""
        return sum(part.unmet for part in self._parts)

    def add(self, keys: Keys, *, foreign: bool = False) -> None:
        """Note documents found in the index; `foreign` ones have no content hash of ours."""
        self.has_foreign |= foreign and len(keys) > 0
        for part, rows in _by_part(self._parts, keys.ids):
            part.extend(keys.ids[rows], keys.hashes[rows], _FOREIGN if foreign else np.uint8(0))

    def seal(self) -> None:
        """Finish loading; the look-ups below need it."""
        for part in self._parts:
            part.seal()

    def unchanged(self, keys: Keys, *, mark_changed: bool = True) -> NDArray[np.bool_]:
        """Say for each row whether its document is in the index as it is, and mark the ids met.

        Without `mark_changed` only the unchanged are marked; the caller marks others once they are to stay.
        """
        answer = np.zeros(len(keys), np.bool_)
        for part, rows in _by_part(self._parts, keys.ids):
            answer[rows] = part.unchanged(keys.ids[rows], keys.hashes[rows], mark_changed=mark_changed)
        return answer

    def mark(self, keys: Keys) -> None:
        """Note that the source has these ids."""
        for part, rows in _by_part(self._parts, keys.ids):
            part.mark(keys.ids[rows])

    def unmet_hashes(self, certificate: Certificate, limit: int) -> list[int] | None:
        """Return the content hashes of all unmet documents; None if they are more than `limit` or foreign."""
        _require(certificate)
        if self.has_foreign or self.unmet > limit:
            return None
        return [hash_ for part in self._parts for hash_ in part.unmet_hashes()]

    def stale(self, certificate: Certificate, keys: Keys, *, foreign: bool = False) -> NDArray[np.bool_]:
        """Say for each document, as it is now, whether it may be deleted.

        Only one that was there when the ledger was loaded, has the content it had then, and was not met.
        """
        _require(certificate)
        answer = np.zeros(len(keys), np.bool_)
        for part, rows in _by_part(self._parts, keys.ids):
            answer[rows] = part.stale(keys.ids[rows], keys.hashes[rows], foreign=foreign)
        return answer


def _require(certificate: Certificate) -> None:
    """Hold the rule at run time too: types are not checked there, and this one guards other people's data."""
    if not isinstance(certificate, Certificate):
        raise TypeError("Deletes are handed out against a certificate of completeness only.")


def _by_part(parts: list["_Part"], ids: NDArray[np.uint64]) -> list[tuple["_Part", NDArray[np.intp]]]:
    """Split rows by the part their id belongs to, sorted by id: sorted look-ups are three times as fast."""
    order = np.argsort(ids)
    ends = np.searchsorted(ids[order], _LAST_OF_PART, side="right")
    starts = np.concatenate(([0], ends[:-1]))
    return [
        (part, order[start:end]) for part, start, end in zip(parts, starts, ends, strict=True) if start < end
    ]


_LAST_OF_PART: Final = np.array([((part + 1) << 60) - 1 for part in range(_PARTS)], np.uint64)


class _Part:
    """The documents whose id hashes begin alike, sorted by id hash once sealed."""

    __slots__ = ("_count", "_has_collisions", "hashes", "ids", "states")

    def __init__(self) -> None:
        self.ids = np.empty(0, np.uint64)
        self.hashes = np.empty(0, np.int64)
        self.states = np.empty(0, np.uint8)
        self._count = 0
        self._has_collisions = False

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        return self.ids.nbytes + self.hashes.nbytes + self.states.nbytes

    @property
    def unmet(self) -> int:
        return int(np.count_nonzero((self.states & _MET) == 0))

    def unmet_hashes(self) -> list[int]:
        hashes: list[int] = self.hashes[(self.states & _MET) == 0].tolist()
        return hashes

    def extend(self, ids: NDArray[np.uint64], hashes: NDArray[np.int64], state: np.uint8) -> None:
        start, self._count = self._count, self._count + len(ids)
        if self._count > len(self.ids):
            self._resize(int(self._count * _GROWTH) + 64)
        self.ids[start : self._count] = ids
        self.hashes[start : self._count] = hashes
        self.states[start : self._count] = state

    def seal(self) -> None:
        self._resize(self._count)
        order = np.argsort(self.ids)
        self.ids = self.ids[order]
        self.hashes = self.hashes[order]
        self.states = self.states[order]
        self._has_collisions = bool((self.ids[1:] == self.ids[:-1]).any())

    def unchanged(
        self, ids: NDArray[np.uint64], hashes: NDArray[np.int64], *, mark_changed: bool
    ) -> NDArray[np.bool_]:
        if not self._count:
            return np.zeros(len(ids), np.bool_)
        places, is_known = self._find(ids)
        answer: NDArray[np.bool_] = is_known & (self.hashes[places] == hashes)
        answer &= (self.states[places] & _FOREIGN) == 0
        if self._has_collisions:
            answer &= ~self._is_shared(places)
        self._mark(places[is_known if mark_changed else answer])
        return answer

    def mark(self, ids: NDArray[np.uint64]) -> None:
        if self._count:
            places, is_known = self._find(ids)
            self._mark(places[is_known])

    def stale(
        self, ids: NDArray[np.uint64], hashes: NDArray[np.int64], *, foreign: bool
    ) -> NDArray[np.bool_]:
        if not self._count:
            return np.zeros(len(ids), np.bool_)
        places, is_known = self._find(ids)
        # The state to look for is the whole state: not met, and foreign or not as asked.
        answer: NDArray[np.bool_] = is_known & (self.states[places] == (_FOREIGN if foreign else 0))
        if not foreign:
            answer &= self.hashes[places] == hashes
        if self._has_collisions:
            for row in np.flatnonzero(is_known & self._is_shared(places)):
                answer[row] = self._run_is_stale(int(places[row]), hashes[row], foreign=foreign)
        return answer

    def _run_is_stale(self, place: int, hash_: np.int64, *, foreign: bool) -> bool:
        run = self._run(place)
        states = self.states[run]
        if (states & _MET).any():
            return False
        return bool(
            (states == _FOREIGN).any() if foreign else ((states == 0) & (self.hashes[run] == hash_)).any()
        )

    def _find(self, ids: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return for each id the first place where it is or would be, and whether it is there."""
        places = np.minimum(np.searchsorted(self.ids, ids), self._count - 1)
        return places, self.ids[places] == ids

    def _mark(self, places: NDArray[np.intp]) -> None:
        self.states[places] |= _MET
        if self._has_collisions:
            for place in np.unique(places[self._is_shared(places)]):
                self.states[self._run(int(place))] |= _MET

    def _is_shared(self, places: NDArray[np.intp]) -> NDArray[np.bool_]:
        following = np.minimum(places + 1, self._count - 1)
        shared: NDArray[np.bool_] = (following != places) & (self.ids[following] == self.ids[places])
        return shared

    def _run(self, place: int) -> slice:
        """Return where the documents with the same id hash are, from the first of them."""
        return slice(place, int(np.searchsorted(self.ids, self.ids[place], side="right")))

    def _resize(self, capacity: int) -> None:
        # In place: the allocator moves pages instead of copying them, so that growing needs no second copy.
        self.ids.resize(capacity, refcheck=False)
        self.hashes.resize(capacity, refcheck=False)
        self.states.resize(capacity, refcheck=False)
