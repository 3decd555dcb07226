"""Chunks hold every document once, in order, within their limits."""

import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sync.blocks.chunks import FIRST_BYTES, Chunk, Chunker, ChunkLimits, cut, documents
from ingest.sync.blocks.lines import LARGE_LINE_BYTES
from tests.support.memory_source import line_of

CONSTANTS = b'"_timestamp":"2026-01-01T00:00:00Z",'

blocks = st.lists(st.lists(st.integers(0, 300), max_size=12), max_size=8)
"""Blocks of documents, each given by the length of its text."""


def chunked(blocks: list[list[int]], limits: ChunkLimits) -> tuple[list[Chunk], list[str]]:
    chunker = Chunker(CONSTANTS, limits)
    chunks: list[Chunk] = []
    ids: list[str] = []
    for number, lengths in enumerate(blocks):
        rows = [(f"{number}-{row}", {"t": "x" * length}) for row, length in enumerate(lengths)]
        ids += [id_ for id_, _ in rows]
        chunks += chunker.add(b"".join(line_of(id_, members) for id_, members in rows), len(rows))
    if (rest := chunker.flush()) is not None:
        chunks.append(rest)
    return chunks, ids


def ids_in(chunk: Chunk) -> list[str]:
    return [orjson.loads(document.split(b"\n")[0])["index"]["_id"] for document in documents(chunk.body)]


@given(blocks=blocks, max_bytes=st.integers(1, 2000), max_count=st.integers(1, 9))
def test_chunks_are_the_input_in_order_within_the_limits(
    blocks: list[list[int]], max_bytes: int, max_count: int
) -> None:
    chunks, ids = chunked(blocks, ChunkLimits(max_bytes, max_count))

    assert [id_ for chunk in chunks for id_ in ids_in(chunk)] == ids
    assert all(chunk.count == len(ids_in(chunk)) <= max_count for chunk in chunks)
    assert all(len(chunk.body) <= max_bytes for chunk in chunks if chunk.count > 1)


@given(blocks=blocks, max_bytes=st.integers(300, 2000))
def test_no_chunk_could_have_taken_the_first_document_of_the_next(
    blocks: list[list[int]], max_bytes: int
) -> None:
    chunks, _ = chunked(blocks, ChunkLimits(max_bytes, 10_000))

    for chunk, following in itertools.pairwise(chunks):
        assert len(chunk.body) + len(documents(following.body)[0]) > max_bytes


@given(
    lengths=st.lists(st.integers(1, 300), max_size=30), max_bytes=st.integers(1, 999), most=st.integers(1, 9)
)
def test_single_actions_are_cut_within_the_limits(lengths: list[int], max_bytes: int, most: int) -> None:
    actions = [b"x" * length + b"\n" for length in lengths]

    for by_caller, by_settings in ((most, 100), (100, most)):
        chunks = list(cut(actions, ChunkLimits(max_bytes, by_settings), by_caller))

        assert [action for chunk in chunks for action in chunk.actions] == actions
        assert all(chunk.count <= most for chunk in chunks)
        assert all(chunk.size <= max_bytes for chunk in chunks if chunk.count > 1)
        for chunk, following in itertools.pairwise(chunks):
            assert chunk.count == most or chunk.size + len(following.actions[0]) > max_bytes


def test_limits_that_shrink_hold_for_the_next_chunk_of_actions() -> None:
    limits = ChunkLimits(100, 10)
    chunks = cut([b"x" * 39 + b"\n"] * 4, limits, 10)

    counts = [next(chunks).count]
    limits.shrink(80)
    counts += [chunk.count for chunk in chunks]

    assert counts == [2, 1, 1]


def test_every_document_arrives_as_it_was_given() -> None:
    (chunk,), _ = chunked([[3, 0]], ChunkLimits(10_000, 10))

    assert [orjson.loads(document.split(b"\n")[1])["t"] for document in documents(chunk.body)] == ["xxx", ""]
    assert chunk.body.endswith(b"}\n")


def test_a_document_over_the_limit_travels_alone() -> None:
    chunks, _ = chunked([[10, 5000, 10]], ChunkLimits(1000, 10))

    assert [chunk.count for chunk in chunks] == [1, 1, 1]


def test_what_was_refused_as_too_large_halves_later_chunks() -> None:
    limits = ChunkLimits(1000, 10)

    limits.shrink(900)
    limits.shrink(5000)

    assert limits.max_bytes == 450


def test_the_first_chunks_grow_until_they_are_as_large_as_they_may_be() -> None:
    lengths = [100_000] * 400
    most = 5 * FIRST_BYTES

    chunks, ids = chunked([lengths], ChunkLimits(most, 10_000))

    room = 110_000  # for one more document
    wanted = [FIRST_BYTES, 2 * FIRST_BYTES, 4 * FIRST_BYTES, most, most]
    assert [id_ for chunk in chunks for id_ in ids_in(chunk)] == ids
    assert all(size - room < len(chunk.body) <= size for chunk, size in zip(chunks[:5], wanted, strict=True))


def test_discarded_documents_are_not_sent() -> None:
    chunker = Chunker(CONSTANTS, ChunkLimits(1000, 10))
    assert list(chunker.add(line_of("a", {"n": 1}), 1)) == []

    chunker.discard()

    assert chunker.flush() is None


def test_an_empty_block_leaves_no_trace() -> None:
    chunks, ids = chunked([[], [1, 2], []], ChunkLimits(1000, 10))

    assert [id_ for chunk in chunks for id_ in ids_in(chunk)] == ids


@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("after", [0, 2])
def test_a_large_value_arrives_as_it_was_given_and_is_not_copied(before: int, after: int) -> None:
    lengths = [*([3] * before), LARGE_LINE_BYTES, *([3] * after)]
    chunks, ids = chunked([lengths], ChunkLimits(10**7, 100))

    assert [id_ for chunk in chunks for id_ in ids_in(chunk)] == ids
    texts = [orjson.loads(one.split(b"\n")[1])["t"] for chunk in chunks for one in documents(chunk.body)]
    assert [len(text) for text in texts] == lengths
    assert sum(isinstance(piece, memoryview) for chunk in chunks for piece in chunk.pieces) == 1
    assert all(chunk.size == len(chunk.body) for chunk in chunks)
