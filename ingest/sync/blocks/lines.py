"""Blocks of lines (`sources.contract`), read and rendered without a Python object a row.

    keys    id ID_END hash ...                  ->  Keys: a 64-bit hash of every id and every content hash
    render  id ID_END hash HASH_END members LF  ->  {"index":{"_id":id}} LF
                                                    {constants,"_content_hash":hash,members LF

Both are a handful of passes over the block in C: numpy finds the separators and reads eight bytes of every
line at a time; `bytes.replace` writes bulk lines. A row costs 0.1 to 0.6 µs this way, less than splitting
it off would.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from ingest.elasticsearch.mappings import CONTENT_HASH
from ingest.sync.blocks.json_text import json_text
from sources.contract import HASH_END, ID_END

ACTION: Final = b'{"index":{"_id":'
_ID_END_RENDERED: Final = b"}}\n"

SMALL_BLOCK_BYTES: Final = 48 * 1024
"""Rendered, with what is added to short lines, such a block stays below the allocator's 128 KiB."""

LARGE_LINE_BYTES: Final = 2**19
"""From this size on memory counts for more than time, and a document travels alone."""

_PREFIX: Final = 24
"""Bytes before a block, so that the windows in which digits are read never start before it."""
_SUFFIX: Final = 8
_LONGEST_ID: Final = 512 * 6 + 2
"""The longest `_id`, each byte written as an escape of six, in quotes."""

_LONGEST_KEY: Final = _LONGEST_ID + 32
"""The longest id, a content hash and what ends them."""

_LF, _QUOTE, _BACKSLASH, _BRACE, _BRACKET = b'\n"\\{]'

_HITS: Final = b'"hits":['
_HIT: Final = b'{"_id":"'
_HASH_MEMBER: Final = b',"fields":{"%b":[' % CONTENT_HASH.encode()
_SORT_MEMBER: Final = b']},"sort":['
_NEXT_HIT: Final = b"]}," + _HIT
_LAST_HIT: Final = b"]}]"
"""How Elasticsearch writes a page of hits of which id, hash and sort value were asked for."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A block of documents in the line format of the contract."""

    block: bytes
    count: int


@dataclass(frozen=True, slots=True)
class Keys:
    """What identifies the documents of a block: one element a line."""

    ids: NDArray[np.uint64]
    """Hashes of the ids; equal ids have equal hashes within one process."""
    hashes: NDArray[np.int64]
    """The content hashes."""

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def joined(cls, parts: Sequence["Keys"]) -> "Keys":
        """Put the keys of several blocks one after the other."""
        parts = [_no_keys(), *parts]
        return cls(
            np.concatenate([part.ids for part in parts]), np.concatenate([part.hashes for part in parts])
        )


class KeyReader:
    """Reads keys. The weights of its id hash are random, so keys of two readers cannot be compared."""

    def __init__(self, *, id_bits: int = 64) -> None:
        """`id_bits` cuts the id hash short, which is how a test forces collisions."""
        # From the system, for importing numpy.random takes longer than a small job.
        octets = os.urandom((_LONGEST_ID // 8 + 2) * 16)
        self._weights = np.frombuffer(octets, np.uint64).reshape(-1, 2) | np.uint64(1)
        self._shift = np.uint64(64 - id_bits)

    def of_lines(self, block: bytes) -> Keys:
        """Read the keys of a block of lines; raises ValueError if it is not one."""
        if not block:
            return _no_keys()
        text = _Text(block)
        line_ends = np.flatnonzero(text.octets == _LF)
        id_ends = np.flatnonzero(text.octets == ID_END[0])
        hash_ends = np.flatnonzero(text.octets == HASH_END[0])
        if not len(hash_ends):
            hash_ends = line_ends
        starts = np.concatenate(([_PREFIX], line_ends[:-1] + 1))
        if not block.endswith(b"\n") or not _are_lines(text, starts, id_ends, hash_ends, line_ends):
            raise ValueError("The block does not consist of lines of id, hash and members.")
        return self._keys(text, starts, id_ends, id_ends + 1, hash_ends)

    def of_hits(self, page: bytes) -> Keys | None:
        """Read the keys of a page of hits as Elasticsearch writes it; None if it is written differently.

        Braces and brackets are where to look; that the same bytes stand around all of them, and nothing
        between two hits, is the proof that they were understood.
        """
        text = _Text(page)
        braces = np.flatnonzero(text.octets == _BRACE)
        is_hit = _stands_at(text, braces, _HIT)
        hits, others = braces[is_hit], braces[~is_hit]
        id_ends = others - _HASH_MEMBER.index(b"{")
        id_ends = id_ends[_stands_at(text, id_ends, _HASH_MEMBER)]
        if len(hits) != len(id_ends):
            return None
        if not len(hits):
            return _no_keys() if _HITS + b"]" in page else None
        brackets = np.flatnonzero(text.octets == _BRACKET)
        hash_starts = id_ends + len(_HASH_MEMBER)
        closing = np.searchsorted(brackets, hash_starts)
        if closing[-1] + 1 >= len(brackets):
            return None
        hash_ends, hit_ends = brackets[closing], brackets[closing + 1]
        starts = hits + len(_HIT) - 1
        if not _are_lines(text, starts, id_ends, hash_ends, hit_ends) or not (
            _stands_at(text, hash_ends, _SORT_MEMBER).all()
            and _stands_at(text, hit_ends[:-1], _NEXT_HIT).all()
            and (hit_ends[:-1] + _NEXT_HIT.index(b"{") == hits[1:]).all()
        ):
            return None
        # What precedes the first hit and follows the last one proves that there are no others.
        first, last = int(hits[0]), int(hit_ends[-1])
        begins, ends = text.slice(first - len(_HITS), first), text.slice(last, last + len(_LAST_HIT))
        if begins != _HITS or ends != _LAST_HIT:
            return None
        return self._keys(text, starts, id_ends, hash_starts, hash_ends)

    def of_pairs(self, ids: list[str], hashes: list[int]) -> Keys:
        """Read the keys of ids and hashes that are Python objects already."""
        lines = [
            b"%b%b%d\n" % (orjson.dumps(id_), ID_END, hash_) for id_, hash_ in zip(ids, hashes, strict=True)
        ]
        return self.of_lines(b"".join(lines))

    def _keys(
        self,
        text: "_Text",
        starts: NDArray[np.intp],
        id_ends: NDArray[np.intp],
        hash_starts: NDArray[np.intp],
        hash_ends: NDArray[np.intp],
    ) -> Keys:
        ids = self._id_hashes(text, starts, id_ends)
        escaped = _lines_with_escapes(text.octets, starts, id_ends)
        if len(escaped):
            ids[escaped] = self._canonical_id_hashes(
                [text.slice(int(starts[line]), int(id_ends[line])) for line in escaped]
            )
        return Keys(ids >> self._shift, _integers(text, hash_starts, hash_ends))

    def _id_hashes(
        self, text: "_Text", starts: NDArray[np.intp], ends: NDArray[np.intp]
    ) -> NDArray[np.uint64]:
        """Hash the bytes of every id, quotes included, eight at a time.

        Each step is a bijection of the eight bytes, so ids that differ in one word of eight never collide.
        """
        lengths = ends - starts
        shortest, longest = int(lengths.min()), int(lengths.max())
        hashes = lengths.astype(np.uint64)
        for word in range((longest + 7) // 8):
            if 8 * (word + 1) <= shortest:
                hashes = self._mixed(hashes, text.words[starts + 8 * word], word)
                continue
            rows = np.flatnonzero(lengths > 8 * word)
            left = np.minimum(lengths[rows] - 8 * word, 8)
            octets = text.words[starts[rows] + 8 * word] & _FIRST_OCTETS[left]
            hashes[rows] = self._mixed(hashes[rows], octets, word)
        return hashes ^ (hashes >> np.uint64(31))

    def _mixed(self, hashes: NDArray[np.uint64], octets: NDArray[np.uint64], word: int) -> NDArray[np.uint64]:
        weights = self._weights[word % len(self._weights)]
        mixed: NDArray[np.uint64] = (octets ^ weights[0]) * weights[1]
        mixed ^= mixed >> np.uint64(32)
        mixed += hashes
        mixed *= _ODD
        return mixed

    def _canonical_id_hashes(self, ids: list[bytes]) -> NDArray[np.uint64]:
        """Hash ids that contain escapes by their value: PostgreSQL and Elasticsearch escape differently."""
        canonical = [json_text(orjson.loads(id_)) for id_ in ids]
        text = _Text(b"".join(canonical))
        ends = np.cumsum([len(id_) for id_ in canonical]) + _PREFIX
        starts = np.concatenate(([_PREFIX], ends[:-1]))
        return self._id_hashes(text, starts, ends)


def small_blocks(block: bytes) -> Iterator[bytes | memoryview]:
    """Cut a block into blocks of whole lines that are small enough to be rendered cheaply.

    A buffer of 128 KiB and more is mapped anew by the allocator each time, and faulting its pages in takes
    ten times as long as filling it (measured: 0.75 against 0.09 µs a row). A large line is not copied: it
    comes as a view.
    """
    start, size = 0, len(block)
    while start < size:
        end = block.rfind(b"\n", start, start + SMALL_BLOCK_BYTES) + 1
        end = end or block.index(b"\n", start) + 1
        is_large = end - start >= LARGE_LINE_BYTES
        yield memoryview(block)[start:end] if is_large else block[start:end]
        start = end


def without_members(block: bytes) -> bytes:
    """Return the lines without what follows the hash, for whoever needs ids and hashes of a large block."""
    heads, start = [], 0
    while start < len(block):
        end = block.index(b"\n", start)
        hash_end = block.find(HASH_END, start, end)
        heads.append(block[start : end if hash_end < 0 else hash_end] + b"\n")
        start = end + 1
    return b"".join(heads)


def render(lines: bytes, constants: bytes) -> bytes:
    """Turn a block of lines into bulk lines, each followed by the start of the next action.

    `constants` are JSON members with a comma after each. The caller puts `ACTION` before the first block
    and cuts it off behind the last. The order of the passes is the cheapest one: what grows the block most
    comes last.
    """
    document_start = _ID_END_RENDERED + b"{" + constants + b'"%b":' % CONTENT_HASH.encode()
    return lines.replace(HASH_END, b",").replace(b"\n", b"\n" + ACTION).replace(ID_END, document_start)


def render_large(line: memoryview, constants: bytes) -> tuple[bytes, memoryview, bytes]:
    """Do what `render` does for one line, as pieces, without copying the document."""
    hash_end = bytes(line[:_LONGEST_KEY]).index(HASH_END) + 1
    return render(bytes(line[:hash_end]), constants), line[hash_end:], ACTION


def rendered_overhead(constants: bytes) -> int:
    """Return how many bytes `render` adds to every line."""
    return len(render(ID_END + HASH_END + b"\n", constants)) - 3


class _Text:
    """A block with room around it, seen as bytes and as words of eight bytes from every offset."""

    __slots__ = ("_padded", "octets", "words")

    def __init__(self, block: bytes) -> None:
        self._padded = bytes(_PREFIX) + block + bytes(_SUFFIX)
        self.octets = np.frombuffer(self._padded, np.uint8)
        self.words: NDArray[np.uint64] = np.ndarray(
            shape=(len(self._padded) - 7,), dtype="<u8", buffer=self._padded, strides=(1,)
        )

    def slice(self, start: int, end: int) -> bytes:
        return self._padded[start:end]


def _no_keys() -> Keys:
    return Keys(np.empty(0, np.uint64), np.empty(0, np.int64))


def _stands_at(text: _Text, places: NDArray[np.intp], constant: bytes) -> NDArray[np.bool_]:
    """Say for each place whether these bytes, eight or more, stand there."""
    answer: NDArray[np.bool_] = (places >= 0) & (places + len(constant) <= len(text.octets))
    within = np.where(answer, places, 0)
    for offset in (*range(0, len(constant) - 8, 8), len(constant) - 8):
        answer &= text.words[within + offset] == np.frombuffer(constant, "<u8", 1, offset)[0]
    return answer


_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_ALL: Final = 2**64 - 1
_FIRST_OCTETS: Final = np.array([_ALL >> (64 - 8 * count) if count else 0 for count in range(9)], np.uint64)
"""Masks of the first n bytes in memory of a little-endian word."""
_LAST_OCTETS: Final = np.array([(_ALL << (64 - 8 * count)) & _ALL for count in range(9)], np.uint64)
_ZEROES: Final = np.uint64(0x3030303030303030)


def _are_lines(
    text: _Text,
    starts: NDArray[np.intp],
    id_ends: NDArray[np.intp],
    hash_ends: NDArray[np.intp],
    ends: NDArray[np.intp],
) -> bool:
    """Check that every line has its parts in order and that every id is in quotes."""
    if not len(starts) == len(id_ends) == len(hash_ends) == len(ends):
        return False
    return bool(
        (starts + 1 < id_ends).all()
        and (id_ends < hash_ends).all()
        and (hash_ends <= ends).all()
        and (ends[:-1] < starts[1:]).all()
        and (text.octets[starts] == _QUOTE).all()
        and (text.octets[id_ends - 1] == _QUOTE).all()
    )


def _lines_with_escapes(
    octets: NDArray[np.uint8], starts: NDArray[np.intp], id_ends: NDArray[np.intp]
) -> NDArray[np.intp]:
    escapes = np.flatnonzero(octets == _BACKSLASH)
    if not len(escapes):
        return escapes
    lines = np.searchsorted(id_ends, escapes)
    escapes, lines = escapes[lines < len(starts)], lines[lines < len(starts)]
    return np.unique(lines[escapes >= starts[lines]])


def _integers(text: _Text, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.int64]:
    """Read signed decimals: three windows of eight digits each, from the last digit backwards."""
    is_negative = text.octets[starts] == ord("-")
    digits = ends - starts - is_negative
    total = np.zeros(len(starts), np.uint64)
    for window in range(3):
        present = np.clip(digits - 8 * window, 0, 8)
        octets = (text.words[ends - 8 * (window + 1)] ^ _ZEROES) & _LAST_OCTETS[present]
        total += _eight_digits(octets) * np.uint64(10 ** (8 * window))
    values = total.view(np.int64)
    return np.where(is_negative, -values, values)


def _eight_digits(octets: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Add up eight digits of each word, the first in the lowest byte, in pairs, fours and eights."""
    pairs = (octets * np.uint64(10) + (octets >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    return (fours * np.uint64(10_000) + (fours >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
