"""Cuts rendered documents into chunks of a bounded number of bytes and documents.

A document that is larger than the limit, or large at all, travels alone: a busy server may carry out each
large document of a request by itself, without the guard before it (`ingest.sync.delivery.guard`). The limit
can only shrink while a job runs: a server that answered 413 once would do so again. The first chunks are
smaller, each twice the size of the one before: Elasticsearch works while the second one is read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ingest.sync.blocks.lines import (
    ACTION,
    SMALL_BLOCK_BYTES,
    render,
    render_large,
    rendered_overhead,
    small_blocks,
)
from sources.lines import count_lines

FIRST_BYTES: Final = 512 * 1024
"""How large the first chunk becomes at most."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The body of one bulk request: `count` actions, each with its document.

    It stays in the pieces it was rendered in: filling one buffer of several MiB costs more than all steps
    before. Each piece but the last ends with the start of the next action, except within a large document.
    """

    pieces: tuple[bytes | memoryview, ...]
    size: int
    count: int

    @classmethod
    def of(cls, actions: Sequence[bytes]) -> Self:
        """Make a chunk of single actions, each with its document."""
        body = b"".join(actions)
        if not body.startswith(ACTION):
            return cls((body,), len(body), len(actions))
        rest = (action[len(ACTION) :] + ACTION for action in actions)
        pieces = (ACTION, *(b"".join(run) for run in _runs(rest)))
        return cls((*pieces[:-1], pieces[-1][: -len(ACTION)]), len(body), len(actions))

    @property
    def body(self) -> bytes:
        """The body in one piece, made anew."""
        return b"".join(self.pieces)

    @property
    def is_of_deletes(self) -> bool:
        """Whether its actions have no documents."""
        return not bytes(self.pieces[0][: len(ACTION)]).startswith(ACTION)

    @property
    def actions(self) -> list[bytes]:
        """The actions, each with its document if it has one, line feeds included."""
        return self.body.splitlines(keepends=True) if self.is_of_deletes else documents(self.body)


@dataclass(slots=True)
class ChunkLimits:
    """How large a chunk may be."""

    max_bytes: int
    max_count: int

    def shrink(self, refused_bytes: int) -> None:
        """Stay below half of what was refused from now on."""
        self.max_bytes = max(1, min(self.max_bytes, refused_bytes // 2))


class Chunker:
    """Gathers blocks of lines (`sources.contract`) and hands them out as chunks."""

    def __init__(self, constants: bytes, limits: ChunkLimits) -> None:
        """`constants` are JSON members that documents get, each with a comma after it."""
        self._limits = limits
        self._grown_bytes = FIRST_BYTES
        self.use(constants)
        self._pieces: list[bytes | memoryview] = []
        self._bytes = 0
        self._count = 0

    def use(self, constants: bytes) -> None:
        """Give documents these members from now on."""
        self._constants = constants
        self._overhead = rendered_overhead(constants)

    def add(self, lines: bytes, count: int) -> Iterator[Chunk]:
        """Take in a block and yield each chunk that it completes.

        Lazy: a chunk that nobody asks for is not built, so a caller who waits between two holds one at a
        time.
        """
        if not count:
            return
        fits = self._fits(len(lines) + count * self._overhead, count)
        for block in small_blocks(lines):
            if isinstance(block, memoryview):
                yield from self._add_alone(block)
            elif fits:
                self._append((render(block, self._constants),), count_lines(block))
            else:
                yield from self._add(block)

    def flush(self) -> Chunk | None:
        """Return what is left, or None."""
        return self._close() if self._count else None

    def discard(self) -> None:
        """Forget what is left."""
        self._pieces, self._bytes, self._count = [], 0, 0

    def _fits(self, size: int, count: int) -> bool:
        return self._bytes + size <= self._most_bytes and self._count + count <= self._limits.max_count

    @property
    def _most_bytes(self) -> int:
        return min(self._limits.max_bytes, self._grown_bytes)

    def _stop(self, rendered_ends: NDArray[np.int64], first: int, rendered_start: int) -> int:
        """Return how far the chunk can take lines from `first` on; an empty one takes one of any size."""
        room = self._most_bytes - self._bytes
        by_bytes = int(np.searchsorted(rendered_ends, rendered_start + room, side="right"))
        stop = min(by_bytes, first + self._limits.max_count - self._count)
        return max(stop, first if self._count else first + 1)

    def _add_alone(self, line: memoryview) -> Iterator[Chunk]:
        if self._count:
            yield self._close()
        self._append(render_large(line, self._constants), 1)
        yield self._close()

    def _add(self, block: bytes) -> Iterator[Chunk]:
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == 0x0A) + 1
        rendered_ends = ends + self._overhead * np.arange(1, len(ends) + 1)
        first, start, rendered_start = 0, 0, 0
        while True:
            stop = self._stop(rendered_ends, first, rendered_start)
            if stop > first:
                lines = block[start : int(ends[stop - 1])]
                self._append((render(lines, self._constants),), stop - first)
                first, start, rendered_start = stop, int(ends[stop - 1]), int(rendered_ends[stop - 1])
            if first == len(ends):
                return
            yield self._close()

    def _append(self, pieces: tuple[bytes | memoryview, ...], count: int) -> None:
        self._pieces += pieces
        self._bytes += sum(map(len, pieces))
        self._count += count

    def _close(self) -> Chunk:
        # Every piece ends with the start of an action that belongs before the next line: the last one has
        # none.
        last = self._pieces.pop()[: -len(ACTION)]
        chunk = Chunk((ACTION, *self._pieces, last), self._bytes, self._count)
        self._grown_bytes = max(self._grown_bytes, min(2 * self._grown_bytes, self._limits.max_bytes))
        self.discard()
        return chunk


def cut(actions: Sequence[bytes], limits: ChunkLimits, most: int) -> Iterator[Chunk]:
    """Cut single actions into chunks of at most so many, by the limits as they are when a chunk is taken."""
    start = 0
    while start < len(actions):
        most_now = min(most, limits.max_count)
        stop, size = start + 1, len(actions[start])
        while stop < min(len(actions), start + most_now):
            size += len(actions[stop])
            if size > limits.max_bytes:
                break
            stop += 1
        yield Chunk.of(actions[start:stop])
        start = stop


def _runs(actions: Iterable[bytes]) -> Iterator[list[bytes]]:
    run: list[bytes] = []
    size = 0
    for action in actions:
        run.append(action)
        size += len(action)
        if size >= SMALL_BLOCK_BYTES:
            yield run
            run, size = [], 0
    if run:
        yield run


def documents(body: bytes) -> list[bytes]:
    """Split the body of a chunk into its actions, each with its document, line feeds included."""
    lines = body.splitlines(keepends=True)
    return [action + document for action, document in zip(lines[::2], lines[1::2], strict=True)]
