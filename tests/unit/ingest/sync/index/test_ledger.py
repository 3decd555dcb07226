"""The ledger answers as a dictionary would; no collision marks a document as stale whose row exists."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.elasticsearch.indices import ContentIndex
from ingest.errors import IncompleteSyncError
from ingest.sync.blocks.lines import KeyReader, Keys
from ingest.sync.deletion_certificate import Certificate
from ingest.sync.index.ledger import Ledger

INDEX = ContentIndex(name="music", concrete_name="music", uuid="u", mapping={}, settings={})
CERTIFICATE = Certificate(index=INDEX, slices=("album",), rows=1)
READER = KeyReader()
COLLIDING = KeyReader(id_bits=8)

documents = st.dictionaries(st.integers(0, 400).map(str), st.integers(-3, 3), max_size=60)


def keys(documents: dict[str, int], reader: KeyReader = READER) -> Keys:
    return reader.of_pairs(list(documents), list(documents.values()))


def loaded(documents: dict[str, int], reader: KeyReader = READER) -> Ledger:
    ledger = Ledger("u")
    ledger.add(keys(documents, reader))
    ledger.seal()
    return ledger


@given(held=documents, read=documents)
def test_unchanged_means_known_id_and_equal_content(held: dict[str, int], read: dict[str, int]) -> None:
    ledger = loaded(held)

    answer = ledger.unchanged(keys(read))

    assert answer.tolist() == [held.get(id_) == content for id_, content in read.items()]


@given(held=documents, read=documents)
def test_stale_is_what_was_held_and_not_met(held: dict[str, int], read: dict[str, int]) -> None:
    ledger = loaded(held)
    ledger.unchanged(keys(read))

    answer = ledger.stale(CERTIFICATE, keys(held))

    assert answer.tolist() == [id_ not in read for id_ in held]
    assert ledger.unmet == len(held.keys() - read.keys())


@given(held=documents, read=documents)
def test_a_collision_never_gives_up_a_document_whose_row_was_met(
    held: dict[str, int], read: dict[str, int]
) -> None:
    ledger = loaded(held, COLLIDING)
    ledger.unchanged(keys(read, COLLIDING))

    answer = ledger.stale(CERTIFICATE, keys(held, COLLIDING))

    assert not any(is_stale for id_, is_stale in zip(held, answer.tolist(), strict=True) if id_ in read)


@given(held=documents, read=documents)
def test_a_collision_between_held_documents_never_calls_a_changed_row_unchanged(
    held: dict[str, int], read: dict[str, int]
) -> None:
    ledger = loaded(held, COLLIDING)
    known = {id_: content for id_, content in read.items() if id_ in held}

    answer = ledger.unchanged(keys(known, COLLIDING))

    for (id_, content), is_unchanged in zip(known.items(), answer.tolist(), strict=True):
        assert not is_unchanged or held[id_] == content


@given(held=documents, foreign=documents, read=documents)
def test_documents_of_another_service_are_sent_once_and_deleted_if_gone(
    held: dict[str, int], foreign: dict[str, int], read: dict[str, int]
) -> None:
    foreign = {id_: 0 for id_ in foreign if id_ not in held}
    ledger = Ledger("u")
    ledger.add(keys(held))
    ledger.add(keys(foreign), foreign=True)
    ledger.seal()

    unchanged = ledger.unchanged(keys(read)).tolist()

    assert not any(same for id_, same in zip(read, unchanged, strict=True) if id_ in foreign)
    assert ledger.stale(CERTIFICATE, keys(foreign), foreign=True).tolist() == [
        id_ not in read for id_ in foreign
    ]
    assert not ledger.stale(CERTIFICATE, keys(foreign)).any()
    assert not ledger.stale(CERTIFICATE, keys(held), foreign=True).any()


@pytest.mark.parametrize("reader", [READER, KeyReader(id_bits=3)], ids=["spread evenly", "all alike"])
def test_many_documents_are_found_however_their_hashes_are_spread(reader: KeyReader) -> None:
    held = {str(number): number for number in range(3000)}
    ledger = loaded(held, reader)

    known = ledger.unchanged(keys(held, reader))
    unknown = ledger.unchanged(keys({str(-number): number for number in range(1, 3000)}, READER))

    assert known.all() if reader is READER else not known.any()
    assert not unknown.any()
    assert ledger.unmet == 0


def test_a_document_written_by_somebody_since_the_scan_is_not_stale() -> None:
    ledger = loaded({"a": 1})

    assert not ledger.stale(CERTIFICATE, keys({"a": 2})).any()


def test_a_document_that_was_not_there_at_the_scan_is_not_stale() -> None:
    ledger = loaded({"a": 1})

    assert not ledger.stale(CERTIFICATE, keys({"b": 1})).any()


@given(
    held=documents,
    before=documents,
    abandoned=documents,
    again=documents,
    earlier_readings=st.sampled_from([0, 1, 60, 61, 62, 200]),
)
def test_an_abandoned_reading_leaves_what_it_wrote_to_be_met_again(
    held: dict[str, int],
    before: dict[str, int],
    abandoned: dict[str, int],
    again: dict[str, int],
    earlier_readings: int,
) -> None:
    before = {id_: content for id_, content in before.items() if id_ in held or id_ not in abandoned}
    ledger = loaded(held)
    ledger.start_reading()
    ledger.unchanged(keys(before))
    for _ in range(earlier_readings):
        ledger.start_reading()
    ledger.start_reading()
    sent = {
        id_: abandoned[id_]
        for id_, known in zip(abandoned, ledger.unchanged(keys(abandoned)).tolist(), strict=True)
        if not known
    }

    ledger.abandon_reading()
    assert ledger.reload(keys(sent)) == len(sent.keys() - held.keys())
    ledger.start_reading()
    unchanged = ledger.unchanged(keys(again))

    now = held | sent
    assert ledger.stale(CERTIFICATE, keys(now)).tolist() == [
        id_ not in before and id_ not in again for id_ in now
    ]
    for (id_, content), is_unchanged in zip(again.items(), unchanged.tolist(), strict=True):
        assert not is_unchanged or now[id_] == content


def test_a_row_that_is_back_to_what_it_was_is_sent_again_if_it_differed_in_between() -> None:
    ledger = loaded({"flag": 1, "same": 1})
    ledger.unchanged(keys({"flag": 2, "same": 1}))

    assert ledger.unchanged(keys({"flag": 1, "same": 1})).tolist() == [False, True]


def test_the_hashes_of_few_unmet_documents_can_be_asked_for() -> None:
    ledger = loaded({"a": 11, "b": 12, "c": 13})
    ledger.mark(keys({"b": 0}))

    assert sorted(ledger.unmet_hashes(CERTIFICATE, 2) or []) == [11, 13]
    assert ledger.unmet_hashes(CERTIFICATE, 1) is None


def test_nothing_is_given_up_without_a_certificate() -> None:
    ledger = loaded({"a": 1})
    no_certificate: Any = None

    with pytest.raises(TypeError):
        ledger.stale(no_certificate, keys({"a": 1}))
    with pytest.raises(TypeError):
        ledger.unmet_hashes(no_certificate, 10)


def test_a_certificate_for_another_index_gives_up_nothing() -> None:
    ledger = Ledger("another")
    ledger.add(keys({"a": 1}))
    ledger.seal()

    with pytest.raises(IncompleteSyncError, match="another"):
        ledger.stale(CERTIFICATE, keys({"a": 1}))


def test_an_entry_takes_at_most_twenty_bytes() -> None:
    ledger = Ledger("u")
    random = np.random.default_rng(1)
    count = 100_000
    for _ in range(10):
        page = Keys(
            random.integers(0, 2**64, count // 10, dtype=np.uint64),
            random.integers(-(2**63), 2**63 - 1, count // 10, dtype=np.int64),
        )
        ledger.add(page)

    ledger.seal()

    assert len(ledger) == count
    assert ledger.nbytes <= 20 * count
