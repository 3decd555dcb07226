"""What is remembered of each slice fits into the connector's document, and is read back as it was."""

import asyncio
import base64
import random
import zlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sync.comparison.checkpoints import MOST_BYTES, Checkpoint, pack, unpack
from ingest.sync.comparison.cursor import Cursor

TEXTS = st.none() | st.text()


def checkpoints_of(count: int) -> dict[str, Checkpoint]:
    """Return checkpoints as a database of many tables leaves them: nothing of them repeats needlessly."""
    chance = random.Random(count)
    server = "1 7712878845859888271 1 5f0c66a1b2934d10 9a31be0722c4f1aa"
    return {
        f"tenant_{chance.getrandbits(32):08x}.orders": Checkpoint(
            rows=chance.randrange(100_000),
            position=f"{server} {73_000_000 + chance.randrange(50_000)} {chance.getrandbits(64):016x}",
            sums=str(chance.getrandbits(64) - 2**63),
        )
        for _ in range(count)
    }


def packed(value: Any) -> str:
    return base64.b64encode(zlib.compress(orjson.dumps(value))).decode()


@given(
    st.dictionaries(
        st.text(), st.builds(Checkpoint, rows=st.integers(0, 2**62), position=TEXTS, sums=TEXTS), max_size=20
    )
)
def test_checkpoints_are_read_as_they_were_written(checkpoints: dict[str, Checkpoint]) -> None:
    assert unpack(pack(checkpoints)) == checkpoints


def test_there_is_room_for_ten_thousand_tables() -> None:
    checkpoints = checkpoints_of(10_000)

    assert unpack(pack(checkpoints)) == checkpoints


def test_what_does_not_fit_is_left_out_beginning_with_the_smallest() -> None:
    checkpoints = checkpoints_of(2_000)

    text = pack(checkpoints, most_bytes=50_000)

    kept = unpack(text)
    left_out = [one.rows for name, one in checkpoints.items() if name not in kept]
    assert 40_000 < len(text) <= 50_000
    assert min(one.rows for one in kept.values()) >= max(left_out)
    assert kept.items() <= checkpoints.items()


@pytest.mark.parametrize(
    "stored",
    [
        None,
        7,
        [],
        "",
        "not base64!",
        "aaaa",
        "é",
        packed([["a"], [1], [None], [None]])[:-8],
        packed({}),
        packed(5),
        packed([["a"], [1], [None]]),
        packed([["a", "b"], [1], [None], [None]]),
        packed([[7], [1], [None], [None]]),
        packed([["a"], ["1"], [None], [None]]),
        packed([["a"], [True], [None], [None]]),
        packed([["a"], [1], [2], [None]]),
        packed([["a"], [1], [None], [{}]]),
        "A" * (MOST_BYTES + 4),
    ],
)
async def test_what_somebody_else_stored_is_no_cursor(stored: Any) -> None:
    cursor = Cursor(circumstances="c", index_uuid="u", shards=None, checkpoints={})
    wire = await cursor.to_wire()

    assert await Cursor.from_wire({**wire, "slices": stored}) is None
    assert await Cursor.from_wire(wire) == cursor


async def test_the_event_loop_goes_on_while_a_cursor_is_written_or_read() -> None:
    """For ten thousand slices it takes tens of milliseconds."""
    cursor = Cursor(circumstances="c", index_uuid="u", shards=None, checkpoints={})
    wire = await cursor.to_wire()

    for work in (cursor.to_wire(), Cursor.from_wire(wire)):
        task = asyncio.create_task(work)
        await asyncio.sleep(0)  # the task's first step, which is all of it unless it waits for a thread

        assert not task.done()
        await task


def test_a_little_text_that_would_be_inflated_to_very_much_is_not() -> None:
    with pytest.raises(ValueError, match="longer than any"):
        unpack(base64.b64encode(zlib.compress(b"[" * 2**26)).decode())
