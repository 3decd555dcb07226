"""An answer is settled into what is counted, sent again, refused and fatal, each action by its own item."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.elasticsearch.indices import ContentIndex
from ingest.errors import IncompleteSyncError
from ingest.sync.blocks.chunks import Chunk
from ingest.sync.delivery.settling import Destination, id_of, settle
from ingest.sync.delivery.verdicts import MismatchError
from tests.support.fake_transport import BAD, BUSY, CREATED, DROPPED, UPDATED

INDEX = ContentIndex(name="music", concrete_name="music-1", uuid="u", mapping={}, settings={})
DESTINATION = Destination(index=INDEX, pipeline="p")
OUTCOMES = {"created": CREATED, "updated": UPDATED, "dropped": DROPPED, "busy": BUSY, "bad": BAD}


def chunk_of(*ids: str) -> Chunk:
    return Chunk.of([b'{"index":{"_id":"%b"}}\n{"n":1}\n' % id_.encode() for id_ in ids])


def answer(*items: dict[str, Any]) -> bytes:
    return orjson.dumps({"items": [{"index": {"_index": "music-1", **item}} for item in items]})


@given(st.permutations(["created", "updated", "dropped", "busy", "bad", "busy", "created"]), st.randoms())
def test_each_action_gets_the_outcome_of_its_own_item_in_whatever_order_they_come(
    outcomes: list[str], random: Any
) -> None:
    ids = [f"{number}-{outcome}" for number, outcome in enumerate(outcomes)]
    items = [{"_id": id_, **OUTCOMES[outcome]} for id_, outcome in zip(ids, outcomes, strict=True)]
    random.shuffle(items)

    settled = settle(answer(*items), chunk_of(*ids), DESTINATION)

    counts = settled.counts
    assert (counts.created, counts.updated, counts.dropped) == (2, 1, 1)
    assert sorted(id_of(action) for action in settled.retry) == sorted(id_ for id_ in ids if "busy" in id_)
    assert [one.id for one in settled.rejected] == [id_ for id_ in ids if "bad" in id_]
    assert settled.fatal is None


def test_actions_with_one_id_are_answered_in_their_order() -> None:
    chunk = Chunk.of([b'{"index":{"_id":"a"}}\n{"n":%d}\n' % number for number in range(3)])
    items = [{"_id": "a", **one} for one in (CREATED, BUSY, UPDATED)]

    settled = settle(answer(*items), chunk, DESTINATION)

    assert settled.retry == [b'{"index":{"_id":"a"}}\n{"n":1}\n']


@pytest.mark.parametrize(
    "items",
    [
        [{"_id": "a", **CREATED}, BUSY],
        [{"_id": "a", **CREATED}, {"_id": "z", **BUSY}],
        [{"_id": "a", **CREATED}, {"_id": "a", **BUSY}],
        [{"_id": "a", **CREATED, "_index": None}, {"_id": "b", **BUSY}],
    ],
    ids=["without an id", "an id of nobody", "an id twice", "in no index"],
)
def test_an_answer_that_does_not_tell_its_items_apart_is_not_believed(items: list[dict[str, Any]]) -> None:
    with pytest.raises(MismatchError):
        settle(answer(*items), chunk_of("a", "b"), DESTINATION)


@pytest.mark.parametrize("others", [[], [{"_id": "b", **BUSY}]], ids=["alone", "beside a failed one"])
def test_a_document_stored_in_another_index_ends_the_job(others: list[dict[str, Any]]) -> None:
    chunk = chunk_of("a", *(item["_id"] for item in others))

    settled = settle(answer({"_id": "a", **CREATED, "_index": "elsewhere"}, *others), chunk, DESTINATION)

    assert settled.counts.created == 1
    assert isinstance(settled.fatal, IncompleteSyncError)
    assert "elsewhere" in str(settled.fatal)
