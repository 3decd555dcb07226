"""Keys are gathered once each, in bounded room; whatever they do not tell is doubted and never left out."""

from hypothesis import given
from hypothesis import strategies as st

from sources.postgresql.feed.pending_keys import Followed, PendingKeys
from tests.unit.sources.postgresql.feed.test_messages import (
    OID,
    UNCHANGED,
    begin,
    change,
    commit,
    relation,
    row,
    truncate,
)

ALBUM = Followed("album", ("id",))


def pending(*slices: Followed, room_bytes: int = 2**20) -> PendingKeys:
    pending = PendingKeys(room_bytes)
    pending.place(OID, slices or [ALBUM])
    pending.told(relation(("id", True), ("shop", True), ("title", False)))
    return pending


def insert(*values: bytes) -> bytes:
    return change("I", b"N", row(*values))


def test_each_key_is_told_once_with_what_it_is_from() -> None:
    told = pending()
    for message in (
        begin(xid=7, microseconds=0),
        insert(b"1", b"a", b"x"),
        insert(b"2", b"a", b"x"),
        commit(500),
    ):
        told.told(message)
    for message in (begin(xid=9, microseconds=10**6), insert(b"1", b"a", b"y"), commit(600)):
        told.told(message)

    taken = told.take()

    assert {name: list(keys) for name, keys in taken.keys.items()} == {"album": [("1",), ("2",)]}
    assert (taken.changes, taken.xids, taken.committed) == (3, {7, 9}, 946_684_800)
    assert told.position == 600
    assert told.take().is_empty


def test_several_slices_may_show_rows_of_one_relation_by_different_keys() -> None:
    told = pending(ALBUM, Followed("sales", ("shop", "id")))

    told.told(insert(b"1", b"a", b"x"))

    assert {name: list(keys) for name, keys in told.take().keys.items()} == {
        "album": [("1",)],
        "sales": [("a", "1")],
    }


def test_a_key_that_is_not_part_of_the_identity_is_doubted_with_every_change() -> None:
    told = pending(Followed("album", ("title",)))
    for _ in range(2):
        told.told(insert(b"1", b"a", b"x"))
        assert list(told.take().doubted) == ["album"]


def test_truncate_and_keys_left_out_are_doubted_and_their_keys_forgotten() -> None:
    for message in (truncate(OID), change("U", b"N", row(UNCHANGED, b"a", b"x"))):
        told = pending()
        told.told(begin(xid=3))
        told.told(insert(b"1", b"a", b"x"))
        told.told(message)
        told.told(insert(b"2", b"a", b"x"))
        taken = told.take()
        assert list(taken.doubted) == ["album"]
        assert taken.keys == {}
        assert taken.xids == {3}


def test_an_unknown_relation_is_asked_about_before_anything_is_taken() -> None:
    told = PendingKeys()
    told.told(relation(("id", True)))
    told.told(insert(b"1"))
    assert list(told.unknown) == [OID]

    told.place(OID, [])
    told.told(insert(b"2"))

    assert not told.unknown
    assert told.take().is_empty


def test_a_relation_that_becomes_ours_is_doubted_until_its_columns_are_told() -> None:
    told = PendingKeys()
    told.place(OID, [])
    told.told(relation(("id", True)))
    told.place(OID, [ALBUM])
    told.told(insert(b"1"))
    assert list(told.take().doubted) == ["album"]

    told.told(relation(("id", True)))
    told.told(insert(b"1"))

    assert list(told.take().keys) == ["album"]


def test_a_transaction_larger_than_the_room_is_doubted_and_takes_no_room() -> None:
    told = pending(room_bytes=10_000)
    told.told(begin())
    for number in range(1000):
        told.told(insert(b"%d" % number, b"a", b"x"))
        assert not told.is_full
    told.told(commit(500))

    assert not told.is_full
    assert list(told.take().doubted) == ["album"]


def test_many_transactions_fill_it_and_taking_empties_it() -> None:
    told = pending(room_bytes=10_000)
    number = 0
    while not told.is_full:
        for message in (begin(), insert(b"%d" % number, b"a", b"x"), commit(number + 1)):
            told.told(message)
        number += 1

    taken = told.take()

    assert len(taken.keys["album"]) == number
    assert not taken.doubted
    assert not told.is_full


def test_a_position_within_a_transaction_is_not_believed() -> None:
    told = pending()
    told.alive(50)
    told.told(begin())
    told.alive(100)
    assert told.position == 50
    told.told(commit(90))
    told.alive(100)
    assert told.position == 100


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), max_size=200),
    st.integers(300, 3000),
    st.sets(st.integers(0, 200)),
)
def test_whatever_was_changed_is_told_or_doubted(
    changes: list[tuple[int, int]], room: int, taking: set[int]
) -> None:
    slices = [Followed("a", ("id",)), Followed("b", ("id",)), Followed("c", ("id",))]
    told = PendingKeys(room)
    for number, one in enumerate(slices):
        told.place(number, [one])
        told.told(relation(("id", True)).replace(OID.to_bytes(4, "big"), number.to_bytes(4, "big"), 1))
    wanted: set[tuple[str, str]] = set()
    for number, (which, key) in enumerate(changes):
        told.told(change("I", b"N", row(b"%d" % key), oid=which))
        wanted.add((slices[which].name, str(key)))
        if number in taking or number == len(changes) - 1:
            taken = told.take()
            found = {(name, key) for name, keys in taken.keys.items() for (key,) in keys}
            assert wanted == found | {one for one in wanted if one[0] in taken.doubted}
            wanted.clear()
