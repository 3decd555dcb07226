"""What `pgoutput` sends becomes records; what is cut, longer or none of it becomes an error."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.postgresql.feed.messages import (
    POSTGRES_EPOCH,
    Begin,
    Change,
    Commit,
    Message,
    MessageError,
    Other,
    Relation,
    Truncate,
    decode,
)

OID = 16385
Value = bytes | None
UNCHANGED = b"\0unchanged"
"""Stands for a value that is left out; no text has a NUL."""


def name(text: str) -> bytes:
    return text.encode() + b"\0"


def row(*values: Value) -> bytes:
    parts = [struct.pack(">H", len(values))]
    for value in values:
        if value is None:
            parts.append(b"n")
        elif value == UNCHANGED:
            parts.append(b"u")
        else:
            parts.append(b"t" + struct.pack(">I", len(value)) + value)
    return b"".join(parts)


def change(kind: str, *parts: bytes, oid: int = OID) -> bytes:
    return kind.encode() + struct.pack(">I", oid) + b"".join(parts)


def relation(*columns: tuple[str, bool], identity: str = "d") -> bytes:
    told = b"".join(bytes([key]) + name(column) + struct.pack(">Ii", 23, -1) for column, key in columns)
    head = b"R" + struct.pack(">I", OID) + name("public") + name("album")
    return head + identity.encode() + struct.pack(">H", len(columns)) + told


def begin(xid: int = 7, microseconds: int = 0) -> bytes:
    return b"B" + struct.pack(">qqI", 100, microseconds, xid)


def commit(end: int) -> bytes:
    return b"C" + struct.pack(">Bqqq", 0, end - 8, end, 0)


def truncate(*oids: int) -> bytes:
    return b"T" + struct.pack(f">IB{len(oids)}I", len(oids), 1, *oids)


EVERY_KIND: list[tuple[bytes, Message]] = [
    (
        begin(xid=4_294_967_295, microseconds=1_500_000),
        Begin(xid=4_294_967_295, committed=POSTGRES_EPOCH + 1.5),
    ),
    (commit(2**62), Commit(2**62)),
    (
        relation(("id", True), ("tïtle", False)),
        Relation(oid=OID, schema="public", name="album", columns=("id", "tïtle"), identity=frozenset({"id"})),
    ),
    (truncate(OID, 2**32 - 1), Truncate((OID, 2**32 - 1))),
    (b"Y" + struct.pack(">I", 9) + name("public") + name("mood"), Other()),
    (b"O" + struct.pack(">q", 1) + name("elsewhere"), Other()),
    (b"M" + struct.pack(">Bq", 1, 5) + name("prefix") + struct.pack(">I", 3) + b"a\0b", Other()),
    (change("I", b"N", row(b"1", b"x", None)), Change(OID, (("1",),))),
    (change("U", b"N", row(b"1", UNCHANGED, b"y")), Change(OID, (("1",),))),
    (change("U", b"K", row(b"1", None, None), b"N", row(b"2", b"x", None)), Change(OID, (("1",), ("2",)))),
    (change("U", b"O", row(b"1", b"x", None), b"N", row(b"1", b"y", None)), Change(OID, (("1",),))),
    (change("D", b"K", row(b"1", None, None)), Change(OID, (("1",),))),
    (change("D", b"O", row(b"1", b"x", b"y")), Change(OID, (("1",),))),
]


@pytest.mark.parametrize(("message", "expected"), EVERY_KIND)
def test_every_kind_of_message_is_read(message: bytes, expected: Message) -> None:
    assert decode(message, {OID: (0,)}) == expected


@pytest.mark.parametrize("message", [message for message, _ in EVERY_KIND])
def test_a_message_that_is_cut_or_goes_on_is_an_error(message: bytes) -> None:
    for length in range(len(message)):
        with pytest.raises(MessageError):
            decode(message[:length], {OID: (0,)})
    with pytest.raises(MessageError):
        decode(message + b"n", {OID: (0,)})


def test_of_a_relation_that_is_not_followed_no_key_is_read() -> None:
    assert decode(change("I", b"N", row(b"1")), {}) == Change(OID, None)


def test_a_large_key_that_did_not_change_is_taken_from_the_old_row() -> None:
    old = row(b"large", None)

    assert decode(change("U", b"K", old, b"N", row(UNCHANGED, b"x")), {OID: (0,)}) == Change(
        OID, (("large",),)
    )
    assert decode(change("U", b"N", row(UNCHANGED, b"x")), {OID: (0,)}) == Change(OID, None)


@pytest.mark.parametrize(
    "key", [None, UNCHANGED, b"\xff\xfe"], ids=["null", "left out", "no text in this encoding"]
)
def test_a_key_that_is_not_told_whole_is_none(key: Value) -> None:
    assert decode(change("I", b"N", row(b"1", key)), {OID: (0, 1)}) == Change(OID, None)


def test_a_row_with_fewer_values_than_its_relation_is_an_error() -> None:
    with pytest.raises(MessageError, match="value 2 of it is the key's"):
        decode(change("I", b"N", row(b"1", b"2")), {OID: (0, 2)})


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"S" + bytes(8),
        change("I", b"K", row(b"1")),
        change("I", b"O", row(b"1")),
        change("D", b"N", row(b"1")),
        change("U", b"K", row(b"1"), b"K", row(b"1")),
        change("I", b"N", struct.pack(">H", 1) + b"x"),
        change("I", b"N", struct.pack(">HcI", 1, b"t", 2**32 - 1)),
        truncate() + bytes(4),
        b"T" + struct.pack(">IB", 2**32 - 1, 0),
        b"M" + struct.pack(">Bq", 0, 0) + name("p") + struct.pack(">I", 2**31) + b"x",
    ],
)
def test_what_no_server_sends_is_an_error(message: bytes) -> None:
    with pytest.raises(MessageError):
        decode(message, {OID: (0,)})


@given(st.binary(max_size=200), st.sampled_from(b"BCRIUDTYOM"))
def test_any_bytes_are_read_or_refused(rest: bytes, kind: int) -> None:
    try:
        decode(bytes([kind]) + rest, {int.from_bytes(rest[:4], "big"): (0, 1)})
    except MessageError:
        return


VALUES = st.one_of(
    st.none(),
    st.just(UNCHANGED),
    st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20).map(
        str.encode
    ),
)


@given(st.data(), st.integers(1, 12))
def test_keys_are_what_was_written(data: st.DataObject, width: int) -> None:
    positions = tuple(sorted(data.draw(st.sets(st.integers(0, width - 1), min_size=1))))
    old, new = (data.draw(st.lists(VALUES, min_size=width, max_size=width)) for _ in range(2))

    found = decode(change("U", b"O", row(*old), b"N", row(*new)), {OID: positions})

    before = [old[position] for position in positions]
    after = [old[position] if new[position] in (None, UNCHANGED) else new[position] for position in positions]
    if any(value in (None, UNCHANGED) for value in before):
        assert found == Change(OID, None)
        return
    keys = [tuple((value or b"").decode() for value in key) for key in (before, after)]
    assert found == Change(OID, tuple(dict.fromkeys(keys)))
