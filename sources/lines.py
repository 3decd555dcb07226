"""Lines of the contract: written in Python, for a source whose system cannot write them, and counted."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from sources.contract import HASH_END, ID_END, Batch, IsUnchanged

MAX_ID_BYTES = 512
_COUNTED_BYTES = 64 * 1024
_LINE_FEED = 0x0A


def count_lines(block: bytes) -> int:
    """Count the line feeds of a block: numpy compares sixteen bytes at a time, `bytes.count` one.

    Piece by piece, because each comparison needs as much room as what it compares: a large block would have
    pages mapped for it, which takes longer than counting.
    """
    octets = np.frombuffer(block, np.uint8)
    pieces = (octets[start : start + _COUNTED_BYTES] for start in range(0, len(octets), _COUNTED_BYTES))
    return sum(int(np.count_nonzero(piece == _LINE_FEED)) for piece in pieces)


def line(id_: str, members: Mapping[str, Any], seed: int) -> bytes:
    """Render a document whose first member is its id. Equal hashes of an id mean equal documents."""
    body = orjson.dumps({"id": id_, **members})[1:]
    digest = hashlib.blake2b(b"%d " % seed + body, digest_size=8).digest()
    content_hash = b"%d" % int.from_bytes(digest, "big", signed=True)
    return orjson.dumps(id_) + ID_END + content_hash + HASH_END + body + b"\n"


def batch(lines: Sequence[bytes], is_unchanged: IsUnchanged | None, nulled: int = 0) -> Batch:
    """Make a batch of complete lines, without those whose documents are known as they are."""
    if is_unchanged is None or not lines:
        return Batch(lines=b"".join(lines), count=len(lines), nulled=nulled)
    known = is_unchanged(b"".join(lines)).tolist()
    changed = [one for one, is_known in zip(lines, known, strict=True) if not is_known]
    return Batch(
        lines=b"".join(changed), count=len(changed), unchanged=len(lines) - len(changed), nulled=nulled
    )


def split_lines(block: bytes) -> list[bytes]:
    """Return the lines of a block, without their line feeds."""
    lines = block.split(b"\n")
    lines.pop()
    return lines


def join_lines(lines: Iterable[bytes]) -> bytes:
    """Make a block of lines that have no line feeds."""
    return b"".join(line + b"\n" for line in lines)


def limited_id(id_: str) -> str:
    """Return the id, or, if it is longer than an id may be, a digest of it."""
    encoded = id_.encode()
    return id_ if len(encoded) <= MAX_ID_BYTES else f"%H{hashlib.sha256(encoded).hexdigest()}"
