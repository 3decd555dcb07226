"""What the index holds: for every document of ours a hash of its id and its content hash, 18 bytes together.

    load     add(keys of a page) ..., then seal()
    read     start_reading(), then unchanged(keys): known id and equal content hash? Known ids are marked
    again    abandon_reading(), then reload(keys): the marks are taken back, and what was written is noted
    delete   stale(certificate, keys): known, never met, and as it was when it was loaded

Documents are kept in sorted arrays. They are gathered in parts by the first bits of the id's hash, so that
sorting needs little memory beyond them. Two ids with one hash share their marks, and a row with such an id is
never called unchanged: a collision can keep a stale document or send one for nothing, but never deletes a
document that has its row.
"""

import mmap
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ingest.sync.blocks.lines import Keys
from ingest.sync.deletion_certificate import Certificate

_PARTS: Final = 16
_GROWTH: Final = 2
_MOST_STEPS: Final = 64
"""Between two entries of the finder's table; more mean that hashes are not spread as they should be."""
_FOREIGN: Final = np.uint8(0b01)
_SENT: Final = np.uint8(0b10)
"""A row of other content was met, so the index may say by now what that row said."""
_MET: Final = np.uint8(0b11111100)
"""The bits that tell which reading met the document first, as a number; all zero if none did."""
_FIRST_READING: Final = 0b100
_READINGS: Final = 63
"""How many readings the bits can tell apart. Then the earlier ones, which nobody takes back, become one."""


class Ledger:
    """The documents found in the index when the job began, and which of them the source still has."""

    def __init__(self, index_uuid: str) -> None:
        """`index_uuid` is the index the documents are found in: a certificate must be for the same one."""
        self._index_uuid = index_uuid
        self._loading = [_Part() for _ in range(_PARTS)]
        self.has_foreign = False
        """Whether there are documents without a content hash of ours: written by Elastic's own service."""
        self._ids = _mapped(0, np.uint64)
        self._hashes = _mapped(0, np.int64)
        self._states = _mapped(0, np.uint8)
        self._finder = _Finder(self._ids)
        self.has_collisions = False
        """Whether two documents have one hash of their ids, and so share their marks."""
        self._reading = 1
        self._overwriting = self._overwriting_before = 0

    def __len__(self) -> int:
        return len(self._ids) + sum(part.count for part in self._loading)

    @property
    def nbytes(self) -> int:
        """Bytes the entries take."""
        return self._ids.nbytes + self._hashes.nbytes + self._states.nbytes + self._finder.nbytes

    @property
    def unmet(self) -> int:
        """How many documents no row was met for."""
        return int(np.count_nonzero((self._states & _MET) == 0))

    @property
    def met(self) -> int:
        """How many documents some row was met for."""
        return len(self._ids) - self.unmet

    @property
    def overwriting(self) -> int:
        """How many rows were met for known documents that were not called unchanged."""
        return self._overwriting

    def start_reading(self) -> None:
        """Begin another reading: until the next one begins, its marks can be taken back."""
        if self._reading == _READINGS:
            is_met = (self._states & _MET) != 0
            self._states[is_met] = (self._states[is_met] & ~_MET) | _FIRST_READING
            self._reading = 1
        self._reading += 1
        self._overwriting_before = self._overwriting

    def abandon_reading(self) -> None:
        """Take back every mark that this reading made."""
        is_abandoned = (self._states & _MET) == self._mark_bits
        self._states[is_abandoned] &= ~_MET
        self._overwriting = self._overwriting_before

    def reload(self, keys: Keys) -> int:
        """Note what an abandoned reading wrote: known documents say something else now, others are new.

        Returns how many are new. No row was met for them yet; they are sent again if their rows are there.
        """
        is_known = np.zeros(len(keys), np.bool_)
        if len(self._ids):
            places, is_known = self._find(keys.ids)
            if self.has_collisions:
                is_known &= ~self._is_shared(places)
            known = places[is_known]
            self._hashes[known] = keys.hashes[is_known]
            self._states[known] = (self._states[known] & ~_FOREIGN) | _SENT
        new = Keys(keys.ids[~is_known], keys.hashes[~is_known])
        self._insert(new)
        return len(new)

    def add(self, keys: Keys, *, foreign: bool = False) -> None:
        """Note documents found in the index; `foreign` ones have no content hash of ours."""
        self.has_foreign |= foreign and len(keys) > 0
        order = np.argsort(keys.ids)
        ends = np.searchsorted(keys.ids[order], _LAST_OF_PART, side="right")
        for part, rows in zip(self._loading, np.split(order, ends[:-1]), strict=True):
            part.extend(keys.ids[rows], keys.hashes[rows], _FOREIGN if foreign else np.uint8(0))

    def seal(self) -> None:
        """Finish loading; the look-ups below need it."""
        count = sum(part.count for part in self._loading)
        self._ids = _mapped(count, np.uint64)
        self._hashes = _mapped(count, np.int64)
        self._states = _mapped(count, np.uint8)
        start = 0
        while self._loading:
            # Taken off the list: its memory is given back before the next part's copy needs some.
            start = self._take(self._loading.pop(0), start)
        self._index()

    def unchanged(self, keys: Keys) -> NDArray[np.bool_]:
        """Say for each row whether its document is in the index as it is, and mark the ids met.

        A document that changed once counts as changed from then on: if its slice is read again and the row is
        back to what it was, what was sent in between has to be overwritten.
        """
        if not len(self._ids):
            return np.zeros(len(keys), np.bool_)
        places, is_known = self._find(keys.ids)
        answer: NDArray[np.bool_] = is_known & (self._hashes[places] == keys.hashes)
        answer &= (self._states[places] & (_FOREIGN | _SENT)) == 0
        if self.has_collisions:
            answer &= ~self._is_shared(places)
        self._states[places[is_known & ~answer]] |= _SENT
        self._overwriting += int(np.count_nonzero(is_known & ~answer))
        self._mark(places[is_known])
        return answer

    def mark(self, keys: Keys) -> None:
        """Mark the ids met of rows that are sent whatever they say."""
        if len(self._ids):
            places, is_known = self._find(keys.ids)
            self._overwriting += int(np.count_nonzero(is_known))
            self._mark(places[is_known])

    def unmet_hashes(self, certificate: Certificate, limit: int) -> list[int] | None:
        """Return the content hashes of all unmet documents; None if they are more than `limit` or foreign."""
        self._require(certificate)
        if self.has_foreign or self.unmet > limit:
            return None
        hashes: list[int] = self._hashes[(self._states & _MET) == 0].tolist()
        return hashes

    def hashes_of(self, ids: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return for each id the content hash of its document, and whether there is one.

        Of foreign documents the hash is 0; what it is of an id that is not there means nothing.
        """
        if not len(self._ids):
            return np.zeros(len(ids), np.int64), np.zeros(len(ids), np.bool_)
        places, is_known = self._find(ids)
        return self._hashes[places], is_known

    def stale(self, certificate: Certificate, keys: Keys, *, foreign: bool = False) -> NDArray[np.bool_]:
        """Say for each document, as it is now, whether it may be deleted.

        Only one that was there when the ledger was loaded, has the content it had then, and was not met.
        """
        self._require(certificate)
        return self.is_surplus(keys, foreign=foreign)

    def is_surplus(self, keys: Keys, *, foreign: bool = False) -> NDArray[np.bool_]:
        """Say for each document, as it is now, whether it is one that no row was met for, and unchanged."""
        if not len(self._ids):
            return np.zeros(len(keys), np.bool_)
        places, is_known = self._find(keys.ids)
        # Not met, and foreign or not as asked.
        states = self._states[places] & (_MET | _FOREIGN)
        answer: NDArray[np.bool_] = is_known & (states == (_FOREIGN if foreign else 0))
        if not foreign:
            answer &= self._hashes[places] == keys.hashes
        if self.has_collisions:
            for row in np.flatnonzero(is_known & self._is_shared(places)):
                answer[row] = self._run_is_stale(int(places[row]), keys.hashes[row], foreign=foreign)
        return answer

    def _require(self, certificate: Certificate) -> None:
        """Hold the rule at run time too: types are not checked there, and this guards other people's data."""
        if not isinstance(certificate, Certificate):
            raise TypeError("Deletes are handed out against a certificate of completeness only.")
        certificate.require(self._index_uuid)

    def _take(self, part: "_Part", start: int) -> int:
        """Copy a part behind what is there, sorted; return where it ends."""
        end = start + part.count
        order = np.argsort(part.ids[: part.count])
        self._ids[start:end] = part.ids[order]
        self._hashes[start:end] = part.hashes[order]
        self._states[start:end] = part.states[order]
        return end

    def _insert(self, keys: Keys) -> None:
        """Put documents that were sent, and are not known, where they belong."""
        order = np.argsort(keys.ids)
        places = np.searchsorted(self._ids, keys.ids[order]) + np.arange(len(order))
        is_new = np.zeros(len(self._ids) + len(order), np.bool_)
        is_new[places] = True
        self._hashes = _merged(self._hashes, keys.hashes[order], is_new)
        self._states = _merged(self._states, np.full(len(order), _SENT), is_new)
        self._ids = _merged(self._ids, keys.ids[order], is_new)
        self._index()

    def _index(self) -> None:
        self._finder = _Finder(self._ids)
        self.has_collisions = bool((self._ids[1:] == self._ids[:-1]).any())

    @property
    def _mark_bits(self) -> np.uint8:
        return np.uint8(self._reading * _FIRST_READING)

    def _find(self, ids: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return for each id the first place where it is or would be, and whether it is there."""
        places = np.minimum(self._finder.places(ids), len(self._ids) - 1)
        return places, self._ids[places] == ids

    def _mark(self, places: NDArray[np.intp]) -> None:
        self._states[places[(self._states[places] & _MET) == 0]] |= self._mark_bits
        if self.has_collisions:
            for place in np.unique(places[self._is_shared(places)]):
                states = self._states[self._run(int(place))]
                states[(states & _MET) == 0] |= self._mark_bits

    def _is_shared(self, places: NDArray[np.intp]) -> NDArray[np.bool_]:
        following = np.minimum(places + 1, len(self._ids) - 1)
        shared: NDArray[np.bool_] = (following != places) & (self._ids[following] == self._ids[places])
        return shared

    def _run(self, place: int) -> slice:
        """Return where the documents with the same id hash are, from the first of them."""
        return slice(place, int(np.searchsorted(self._ids, self._ids[place], side="right")))

    def _run_is_stale(self, place: int, hash_: np.int64, *, foreign: bool) -> bool:
        run = self._run(place)
        states = self._states[run] & (_MET | _FOREIGN)
        if (states & _MET).any():
            return False
        return bool(
            (states == _FOREIGN).any() if foreign else ((states == 0) & (self._hashes[run] == hash_)).any()
        )


_LAST_OF_PART: Final = np.array([((part + 1) << 60) - 1 for part in range(_PARTS)], np.uint64)


class _Part:
    """Documents whose id hashes begin alike, in the order they came, with room for more."""

    __slots__ = ("count", "hashes", "ids", "states")

    def __init__(self) -> None:
        self.ids = _mapped(0, np.uint64)
        self.hashes = _mapped(0, np.int64)
        self.states = _mapped(0, np.uint8)
        self.count = 0

    def extend(self, ids: NDArray[np.uint64], hashes: NDArray[np.int64], state: np.uint8) -> None:
        start, self.count = self.count, self.count + len(ids)
        if self.count > len(self.ids):
            capacity = self.count * _GROWTH + 4096
            self.ids = _grown(self.ids, capacity)
            self.hashes = _grown(self.hashes, capacity)
            self.states = _grown(self.states, capacity)
        self.ids[start : self.count] = ids
        self.hashes[start : self.count] = hashes
        self.states[start : self.count] = state


_Element = TypeVar("_Element", bound=np.generic)


def _mapped(count: int, kind: type[_Element]) -> NDArray[_Element]:
    """Return an array in memory of its own, which takes what is written to it and is given back at once.

    The allocator would keep what is freed between arrays that live on, a third of all in the end.
    """
    memory = mmap.mmap(-1, max(1, count * np.dtype(kind).itemsize))
    return np.frombuffer(memory, kind, count)


def _grown(array: NDArray[_Element], capacity: int) -> NDArray[_Element]:
    grown = _mapped(capacity, array.dtype.type)
    grown[: len(array)] = array
    return grown


def _merged(
    array: NDArray[_Element], added: NDArray[_Element], is_added: NDArray[np.bool_]
) -> NDArray[_Element]:
    merged = _mapped(len(is_added), array.dtype.type)
    merged[is_added] = added
    merged[~is_added] = array
    return merged


class _Finder:
    """Finds ids in a sorted array: a table of where each beginning begins, then a few steps.

    Id hashes are spread evenly, so a table with one entry for four to eight of them leads that close. It
    takes a quarter of the time of a binary search, whose every step waits for memory.
    """

    def __init__(self, ids: NDArray[np.uint64]) -> None:
        bits = max(1, len(ids).bit_length() - 3)
        self._ids = ids
        self._shift = np.uint64(64 - bits)
        beginnings = np.arange(2**bits, dtype=np.uint64) << self._shift
        self._table = np.searchsorted(ids, beginnings).astype(np.uint32)
        steps = np.diff(self._table, append=np.uint32(len(ids)))
        self._is_even = int(steps.max()) <= _MOST_STEPS

    @property
    def nbytes(self) -> int:
        return self._table.nbytes

    def places(self, ids: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Return for each id the first place where it is or, to keep the order, would be."""
        if not self._is_even:
            return np.searchsorted(self._ids, ids)
        places: NDArray[np.intp] = self._table[ids >> self._shift].astype(np.intp)
        before = np.arange(len(ids))
        while len(before):
            # Rows whose place is further on: of those left, the ones whose place holds a smaller id.
            reached = places[before]
            is_within = reached < len(self._ids)
            before, reached = before[is_within], reached[is_within]
            before = before[self._ids[reached] < ids[before]]
            places[before] += 1
        return places
