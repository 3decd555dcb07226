"""What the output plugin `pgoutput` sends, version 1 of its protocol, as records. Pure.

    B C   begin and commit of a transaction     R   a relation, before the first change of one
    I U D a row inserted, updated, deleted      T   relations emptied
    Y O M a type, an origin, a message: read and left

Of a row only the values of its key are kept. Every length is checked against what there is, so that a message
which is cut short, or none of these, is an error and nothing else. PostgreSQL documentation, "Logical
Replication Message Formats".
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

Values = tuple[str, ...]
"""Texts as the server writes values, in the order of the positions that were asked for."""

POSTGRES_EPOCH: Final = 946_684_800
"""2000-01-01 in seconds since 1970."""

_BEGIN: Final = struct.Struct(">qqI")
_COMMIT: Final = struct.Struct(">Bqqq")
_UINT32: Final = struct.Struct(">I")
_UINT16: Final = struct.Struct(">H")
_COLUMN_TAIL: Final = struct.Struct(">Ii")
_TRUNCATE: Final = struct.Struct(">IB")
_LOGICAL_MESSAGE: Final = struct.Struct(">Bq")

_BEGINS, _COMMITS = b"BC"
_CHANGES: Final = b"IUD"
_INSERT, _UPDATE, _DELETE = _CHANGES
_NEW, _OLD_KEY, _OLD = b"NKO"
_NULL, _UNCHANGED, _TEXT, _BINARY = b"nutb"


class MessageError(ValueError):
    """These bytes are no message of the protocol."""


class Begin(NamedTuple):
    """A transaction that was committed begins to be told.

    Like `Commit` and `Change` a tuple, which is made in half the time: three come for each row that changes.
    """

    xid: int
    committed: float
    """Seconds since 1970, by the server's clock."""


class Commit(NamedTuple):
    """A transaction has been told whole."""

    end: int
    """The position behind its commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A relation as the changes after this message have it."""

    oid: int
    schema: str
    name: str
    columns: tuple[str, ...]
    """Their names; a change has a value for each, in this order."""
    identity: frozenset[str]
    """The columns by which an old row is told."""


class Change(NamedTuple):
    """A row was written or deleted."""

    oid: int
    keys: tuple[Values, ...] | None
    """Its key, or the keys before and after; None if the message does not tell them."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """Relations were emptied."""

    oids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """A message that says nothing about rows."""


Message = Begin | Commit | Relation | Change | Truncate | Other
_OTHER: Final = Other()


def decode(message: bytes, positions: Mapping[int, tuple[int, ...]], codec: str = "utf-8") -> Message:
    """Read one message; `positions` says for each relation which columns to keep, ascending.

    A change of another relation has no keys, nor one whose key the codec cannot read. Raises MessageError.
    """
    try:
        kind = message[0]
        if kind in _CHANGES:
            return _change(message, positions, codec)
        if kind == _BEGINS:
            _require_end(message, 1 + _BEGIN.size)
            _, committed, xid = _BEGIN.unpack_from(message, 1)
            return Begin(xid, committed / 1e6 + POSTGRES_EPOCH)
        if kind == _COMMITS:
            _require_end(message, 1 + _COMMIT.size)
            return Commit(_COMMIT.unpack_from(message, 1)[2])
        return _rare(message)
    except (struct.error, IndexError) as error:
        raise MessageError(f"a message of {len(message)} bytes is cut short") from error


def _rare(message: bytes) -> Message:
    match message[:1]:
        case b"R":
            return _relation(message)
        case b"T":
            return _truncate(message)
        case b"Y" | b"O" | b"M":
            _check_other(message)
            return _OTHER
        case kind:
            raise MessageError(f"a message begins with {kind!r}, which none does")


def _relation(message: bytes) -> Relation:
    (oid,) = _UINT32.unpack_from(message, 1)
    schema, at = _string(message, 5)
    name, at = _string(message, at)
    at += 1  # how old rows are told, which the columns say better
    (count,) = _UINT16.unpack_from(message, at)
    at += 2
    columns: list[str] = []
    identity: set[str] = set()
    for _ in range(count):
        is_identity = message[at] & 1
        column, at = _string(message, at + 1)
        _COLUMN_TAIL.unpack_from(message, at)
        at += _COLUMN_TAIL.size
        columns.append(column)
        if is_identity:
            identity.add(column)
    _require_end(message, at)
    return Relation(
        oid=oid,
        schema=schema or "pg_catalog",
        name=name,
        columns=tuple(columns),
        identity=frozenset(identity),
    )


def _truncate(message: bytes) -> Truncate:
    count, _ = _TRUNCATE.unpack_from(message, 1)
    start = 1 + _TRUNCATE.size
    if len(message) != start + 4 * count:
        raise MessageError(f"a message says it names {count} relations and does not")
    return Truncate(struct.unpack_from(f">{count}I", message, start))


def _check_other(message: bytes) -> None:
    match message[:1]:
        case b"Y":
            _, at = _string(message, 5)
            _, at = _string(message, at)
        case b"O":
            _, at = _string(message, 9)
        case _:
            _LOGICAL_MESSAGE.unpack_from(message, 1)
            _, at = _string(message, 1 + _LOGICAL_MESSAGE.size)
            (length,) = _UINT32.unpack_from(message, at)
            at += 4 + length
    _require_end(message, at)


def _change(message: bytes, positions: Mapping[int, tuple[int, ...]], codec: str) -> Change:
    kind = message[0]
    (oid,) = _UINT32.unpack_from(message, 1)
    wanted = positions.get(oid)
    if wanted is None:
        return Change(oid, None)
    part, at = message[5], 6
    old: list[bytes | None] | None = None
    if part in (_OLD_KEY, _OLD) and kind != _INSERT:
        old, at = _values(message, at, wanted)
        if kind == _DELETE:
            _require_end(message, at)
            return Change(oid, _keys(codec, old))
        part, at = message[at], at + 1
    if part != _NEW or kind == _DELETE:
        raise MessageError(f"part {part} of a row is none that a change has")
    new, at = _values(message, at, wanted)
    _require_end(message, at)
    if old is None:
        return Change(oid, _keys(codec, new))
    # A large value that did not change is left out of the new row; the old one has it if it is in the key.
    completed = [before if value is None else value for before, value in zip(old, new, strict=True)]
    return Change(oid, _keys(codec, old, completed))


def _values(message: bytes, at: int, wanted: tuple[int, ...]) -> tuple[list[bytes | None], int]:
    """Pass a row and pick the wanted values, None for a null or one that is left out.

    A value that is longer than the message leads behind its end, which whoever asked has to check.
    """
    (count,) = _UINT16.unpack_from(message, at)
    at += 2
    picked: list[bytes | None] = []
    following = iter((*wanted, -1))
    position = next(following)
    for number in range(count):
        kind = message[at]
        at += 1
        value = None
        if kind in (_TEXT, _BINARY):
            start = at + 4
            at = start + _UINT32.unpack_from(message, at)[0]
            if number == position and kind == _TEXT:
                value = message[start:at]
        elif kind not in (_NULL, _UNCHANGED):
            raise MessageError(f"{kind} is no kind of value")
        if number == position:
            picked.append(value)
            position = next(following)
    if position >= 0:
        raise MessageError(f"a row has {count} values, and value {position} of it is the key's")
    return picked, at


def _keys(codec: str, *rows: list[bytes | None]) -> tuple[Values, ...] | None:
    """Return the keys of rows, each once; None unless all are told whole, as text."""
    keys: list[Values] = []
    for row in rows:
        try:
            key = tuple([value.decode(codec) for value in row if value is not None])
        except UnicodeDecodeError:
            return None
        if len(key) != len(row):
            return None
        if key not in keys:
            keys.append(key)
    return tuple(keys)


def _string(message: bytes, start: int) -> tuple[str, int]:
    """Read a text that ends in NUL; return it and where the next part begins."""
    end = message.find(b"\0", start)
    if end < 0:
        raise MessageError("a name does not end")
    return message[start:end].decode(errors="surrogateescape"), end + 1


def _require_end(message: bytes, at: int) -> None:
    if at != len(message):
        raise MessageError(f"a message of {len(message)} bytes should have {at}")
