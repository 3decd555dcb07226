"""Guards keep every part of a request from creating an index; their answers never count as documents."""

from itertools import accumulate
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.elasticsearch.indices import ContentIndex
from ingest.errors import IndexChangedError
from ingest.sync.blocks.chunks import Chunk, Chunker, ChunkLimits, documents
from ingest.sync.delivery.guard import APART_BYTES, GUARD, guarded, room_beside_guards
from ingest.sync.delivery.settling import Destination, settle
from ingest.sync.delivery.verdicts import MismatchError, count_successes
from tests.support.fake_transport import BUSY, CREATED, GUARD_HELD, UPDATED
from tests.support.memory_source import line_of

INDEX = ContentIndex(name="music", concrete_name="music", uuid="u", mapping={}, settings={})
DESTINATION = Destination(index=INDEX, pipeline=None)
MOST_BYTES_OF_A_BLOCK = 128 * 1024
HELD = GUARD_HELD["update"]
LONG, BIG, SHORT = 2**20 + 1, 2**19 - 1000, 10


def grown(chunker: Chunker) -> Chunker:
    """Return a chunker past its first chunks, which are small and double."""
    for _ in range(16):
        list(chunker.add(line_of("0", {}), 1))
        chunker.flush()
    return chunker


def rendered(lengths: list[int]) -> Chunk:
    """Return a chunk as it is rendered from lines of these lengths."""
    chunker = grown(Chunker(b"", ChunkLimits(10**9, 10**9)))
    lines = b"".join(line_of(str(n), {"text": "x" * length}) for n, length in enumerate(lengths))
    (chunk,) = (one for one in [*chunker.add(lines, len(lengths)), chunker.flush()] if one is not None)
    return chunk


def collected(lengths: list[int]) -> Chunk:
    """Return a chunk of single actions, as it is sent again."""
    return Chunk.of(documents(rendered(lengths).body))


CHUNKS = pytest.mark.parametrize("chunk_of", [rendered, collected])


@CHUNKS
@pytest.mark.parametrize(
    "lengths", [[SHORT], [SHORT] * 5000, [40_000] * 20, [LONG], [BIG, BIG], [SHORT, BIG, SHORT] * 2]
)
def test_the_documents_stay_what_they_are(chunk_of: Any, lengths: list[int]) -> None:
    chunk = chunk_of(lengths)

    body = guarded(chunk)

    sent = b"".join(body.pieces)
    assert sent.replace(GUARD, b"") == chunk.body == rendered(lengths).body
    assert (sent.count(GUARD), len(sent)) == (body.guards, body.size)
    assert documents(sent).count(GUARD) == body.guards
    assert documents(sent)[0] == GUARD


@CHUNKS
@given(lengths=st.lists(st.integers(0, 60_000), min_size=1, max_size=40))
def test_no_stretch_of_many_bytes_is_without_a_guard(chunk_of: Any, lengths: list[int]) -> None:
    actions = documents(b"".join(guarded(chunk_of(lengths)).pieces))

    ends = [0, *accumulate(map(len, actions))]
    guards = [number for number, action in enumerate(actions) if action == GUARD]
    stretches = [ends[b] - ends[a + 1] for a, b in zip(guards, [*guards[1:], len(actions)], strict=True)]
    assert max(stretches) < APART_BYTES + MOST_BYTES_OF_A_BLOCK


LEAST_OF_A_PART = 2**20
COUNTED_BESIDE_BYTES = 500
"""What Elasticsearch counts for a request to index a document, beside its bytes, at most."""


def unguarded_parts(body: list[bytes]) -> list[int]:
    """Return the counted sizes of parts without a guard that a request may be cut into.

    A cut may be anywhere behind at least 1 MB, so such a part lies between two guards. A document right
    behind the first guard is not cut from it.
    """
    runs: list[list[int]] = []
    for action in body:
        if action == GUARD:
            runs.append([])
        else:
            runs[-1].append(len(action) + COUNTED_BESIDE_BYTES)
    if len(runs[0]) == 1:
        runs[0] = []
    return [sum(run) for run in runs if sum(run) >= LEAST_OF_A_PART]


MEMBERS = b'"_timestamp":"2026-01-01T00:00:00.000000+00:00","_extract_binary_content":true,'
lengths_of_documents = st.lists(
    st.one_of(st.integers(0, 2000), st.integers(2000, 300_000), st.integers(300_000, LONG + 1000)),
    min_size=1,
    max_size=12,
)


@given(lengths=lengths_of_documents, repeated=st.integers(1, 40))
@example(lengths=[LONG, LONG], repeated=1)
@example(lengths=[SHORT, LONG], repeated=3)
@example(lengths=[SHORT], repeated=5000)
def test_whatever_a_busy_server_cuts_off_has_a_guard(lengths: list[int], repeated: int) -> None:
    small = [length for length in lengths if length < 2000] * repeated
    lines = b"".join(line_of(str(n), {"text": "x" * length}) for n, length in enumerate(lengths + small))
    chunker = Chunker(MEMBERS, ChunkLimits(10 * 2**20, 10**9))

    chunks = [*chunker.add(lines, len(lengths + small)), chunker.flush()]

    sent = [guarded(chunk) for chunk in chunks if chunk is not None]
    sent += [guarded(Chunk.of(chunk.actions)) for chunk in chunks if chunk is not None]
    assert [unguarded_parts(documents(b"".join(body.pieces))) for body in sent] == [[]] * len(sent)


@pytest.mark.parametrize("max_bytes", [100_000, 131_072, 1_000_000])
def test_guards_do_not_make_a_request_larger_than_allowed(max_bytes: int) -> None:
    chunker = Chunker(b"", ChunkLimits(room_beside_guards(max_bytes), 10**9))
    lines = b"".join(line_of(str(n), {"text": "x" * (n % 3000)}) for n in range(3000))

    sizes = [guarded(chunk).size for chunk in chunker.add(lines, 3000)]

    assert 0.95 * max_bytes < max(sizes) <= max_bytes


@pytest.mark.parametrize("lengths", [[SHORT] * 5000, [LONG], [40_000] * 20])
def test_a_request_of_several_guards_ends_with_one(lengths: list[int]) -> None:
    body = guarded(rendered(lengths))

    assert body.guards > 1
    assert body.pieces[-1] == GUARD


def answer(*items: tuple[str, dict[str, Any]]) -> bytes:
    return orjson.dumps({"items": [{action: {"_index": "music", **item}} for action, item in items]})


GUARD_ITEM = ("update", HELD)
DOCUMENTS = [("index", {"_id": "a", **CREATED}), ("index", {"_id": "b", **UPDATED})]


def settled(*items: tuple[str, dict[str, Any]], guards: int = 1) -> Any:
    chunk = Chunk.of([b'{"index":{"_id":"%b"}}\n{"n":1}\n' % id_ for id_ in (b"a", b"b")])
    return settle(answer(*items), chunk, DESTINATION, guards=guards)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_guard_that_held_counts_as_no_document(place: int) -> None:
    items = [*DOCUMENTS[:place], GUARD_ITEM, *DOCUMENTS[place:]]

    found = settled(*items)

    assert (found.counts.created, found.counts.updated, found.rejected, found.fatal) == (1, 1, [], None)
    assert count_successes(answer(*items), 2, "music", 1) == (1, 1)


@pytest.mark.parametrize(
    "item",
    [
        {"status": 404, "error": {"type": "document_missing_exception", "reason": "[_]: document missing"}},
        {"status": 200, "result": "noop"},
        {"status": 200, "result": "updated"},
        {"status": 403, "error": {"type": "cluster_block_exception", "reason": "[FORBIDDEN/8/index write]"}},
    ],
)
def test_a_guard_that_finds_an_alias_ends_the_job_after_counting(item: dict[str, Any]) -> None:
    found = settled(("update", {"_id": "_", **item}), *DOCUMENTS)

    assert (found.counts.created, found.counts.updated) == (1, 1)
    assert isinstance(found.fatal, IndexChangedError)


def test_a_guard_turned_away_decides_nothing() -> None:
    busy = [(action, {"_id": item["_id"], **BUSY}) for action, item in (GUARD_ITEM, *DOCUMENTS)]

    found = settled(*busy)

    assert found.fatal is None
    assert len(found.retry) == 2


@pytest.mark.parametrize(
    ("items", "guards"),
    [
        (DOCUMENTS, 1),
        ([GUARD_ITEM, *DOCUMENTS], 0),
        ([GUARD_ITEM, GUARD_ITEM, *DOCUMENTS], 1),
        ([GUARD_ITEM, GUARD_ITEM, DOCUMENTS[0]], 1),
    ],
    ids=["missing", "one never sent", "one too many", "one for a document"],
)
def test_an_answer_with_another_number_of_guards_is_not_believed(items: Any, guards: int) -> None:
    with pytest.raises(MismatchError):
        settled(*items, guards=guards)


def test_a_missing_index_fails_documents_and_ends_the_job() -> None:
    missing = {
        "status": 404,
        "error": {"type": "index_not_found_exception", "reason": "no such index [music]"},
    }

    found = settled(GUARD_ITEM, *((action, {"_id": item["_id"], **missing}) for action, item in DOCUMENTS))

    assert found.counts.created == found.counts.updated == 0
    assert "removed" in str(found.fatal)
