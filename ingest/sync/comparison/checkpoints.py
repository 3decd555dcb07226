"""Checkpoints as one short text, for a database may have thousands of tables. Pure.

    columns   [[name, ...], [rows, ...], [position, ...], [sums, ...]], by name
    text      base64 of the columns as JSON, deflated

Positions of one job differ in little besides their fingerprints, and names of tables are much alike: written
in columns they take 25 to 47 bytes a slice where one object each took 150 to 180.
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

MOST_BYTES: Final = 512 * 1024
"""The longest text. Whoever looks at a connector reads it too; the largest slices are worth most."""
_MOST_UNPACKED_BYTES: Final = 64 * MOST_BYTES
"""No checkpoints of ours become longer; what somebody else stored may."""
_MARGIN: Final = 0.97
"""How much less than the estimate is tried next: the smallest slices are left out, which deflate best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state of a slice's rows to which its documents in the index correspond."""

    rows: int
    position: str | None = None
    sums: str | None = None


def pack(checkpoints: Mapping[str, Checkpoint], most_bytes: int = MOST_BYTES) -> str:
    """Write as many checkpoints as there is room for, those of the largest slices first."""
    largest_first = sorted(checkpoints, key=lambda name: -checkpoints[name].rows)
    while len(text := _packed({name: checkpoints[name] for name in largest_first})) > most_bytes:
        del largest_first[int(len(largest_first) * most_bytes / len(text) * _MARGIN) :]
    return text


def unpack(text: Any) -> dict[str, Checkpoint]:
    """Read what `pack` wrote. Raises ValueError if it is something else."""
    if not isinstance(text, str) or len(text) > MOST_BYTES:
        raise ValueError("These are no checkpoints.")
    inflating = zlib.decompressobj()
    try:
        written = inflating.decompress(base64.b64decode(text, validate=True), _MOST_UNPACKED_BYTES)
    except zlib.error as error:
        raise ValueError("These are no checkpoints.") from error
    if not inflating.eof:
        raise ValueError("These checkpoints are cut off, or longer than any are.")
    names, rows, positions, sums = orjson.loads(written)
    return {
        _text(name): Checkpoint(
            rows=_count(count), position=_text_or_none(position), sums=_text_or_none(sum_)
        )
        for name, count, position, sum_ in zip(names, rows, positions, sums, strict=True)
    }


def _packed(checkpoints: Mapping[str, Checkpoint]) -> str:
    names = sorted(checkpoints)
    ordered = [checkpoints[name] for name in names]
    columns: Sequence[Sequence[Any]] = (
        names,
        [one.rows for one in ordered],
        [one.position for one in ordered],
        [one.sums for one in ordered],
    )
    return base64.b64encode(zlib.compress(orjson.dumps(columns))).decode()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("A text is expected.")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _count(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("A count is expected.")
    return value
