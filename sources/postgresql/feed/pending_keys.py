"""Keys of changed rows that the log delivered and nobody has taken yet: each once, by slice. Pure.

    messages --> told() --> keys by slice ----> take() --> one moment's worth
                               |
                               +-- too many in one transaction, TRUNCATE, a key that is not told:
                                   the slice is doubted, and its keys are forgotten

Between two transactions `is_full` is true from half the room on; a transaction, however large, has to be read
to its end, so within one the slice with most keys is doubted when the room is used up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sources.postgresql.feed import messages
from sources.postgresql.feed.messages import Begin, Change, Commit, Other, Relation, Truncate, Values

ROOM_BYTES: Final = 32 * 1024 * 1024
"""How much keys may take up: some two hundred thousand of the common kind."""
_KEY_BYTES: Final = 130
_PART_BYTES: Final = 50
"""What a key and each value in it cost besides its characters."""

_TOO_MANY: Final = "More of its rows were changed at once than their keys are kept."
_EMPTIED: Final = "It was emptied by TRUNCATE."
KEY_NOT_TOLD: Final = "A row was changed whose key the log does not tell."


@dataclass(frozen=True, slots=True)
class Followed:
    """A slice, and the columns that identify its rows."""

    name: str
    key: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Taken:
    """What was told in some time."""

    keys: dict[str, dict[Values, None]] = field(default_factory=dict)
    doubted: dict[str, str] = field(default_factory=dict)
    xids: set[int] = field(default_factory=set)
    """The transactions all this is from, by their 32-bit numbers."""
    committed: float | None = None
    changes: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was told."""
        return not (self.keys or self.doubted)


@dataclass(frozen=True, slots=True)
class _Share:
    """How the key of a slice is found among the values kept of a relation's rows; None if as they are."""

    slice: Followed
    order: tuple[int, ...] | None
    is_told: bool
    """Whether old rows are told by columns that include the key."""


class PendingKeys:
    """Takes messages in their order."""

    def __init__(self, room_bytes: int = ROOM_BYTES, codec: str = "utf-8") -> None:
        """Read keys by a codec; one that it cannot read counts as not told."""
        self._room = room_bytes
        self._codec = codec
        self._slices: dict[int, list[Followed]] = {}
        self._positions: dict[int, tuple[int, ...]] = {}
        self._shares: dict[int, tuple[_Share, ...]] = {}
        self._unrelated: set[int] = set()
        self.unknown: dict[int, Relation] = {}
        """Relations that were told of and that nobody has placed yet."""
        self._taken = Taken()
        self._bytes: dict[str, int] = {}
        self._used = 0
        self._transaction: Begin | None = None
        self.position = 0
        """Everything committed up to here has been told."""

    def place(self, oid: int, slices: Sequence[Followed]) -> None:
        """Say which slices show rows of a relation; none: it is nothing to us."""
        relation = self.unknown.pop(oid, None)
        if not slices:
            self._unrelated.add(oid)
            return
        self._unrelated.discard(oid)
        self._slices[oid] = list(slices)
        if relation is not None:
            self._read_relation(relation)

    def doubt(self, name: str, reason: str) -> None:
        """Note that keys do not tell what changed of a slice."""
        self._taken.doubted.setdefault(name, reason)
        self._taken.keys.pop(name, None)
        self._used -= self._bytes.pop(name, 0)

    @property
    def is_full(self) -> bool:
        """Whether to stop reading for a while; never in the middle of a transaction."""
        return self._transaction is None and self._used >= self._room // 2

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be taken."""
        return self._taken.is_empty

    @property
    def is_much(self) -> bool:
        """Whether waiting for more gains nothing."""
        return self._used >= self._room // 16

    def told(self, message: bytes) -> None:
        """Take a message of the plugin. Raises MessageError."""
        match messages.decode(message, self._positions, self._codec):
            case Change() as change:
                self._change(change)
            case Begin() as begin:
                self._transaction = begin
            case Commit(end):
                self._transaction = None
                self.position = max(self.position, end)
            case Relation() as relation:
                self._read_relation(relation)
            case Truncate(oids):
                self._note_transaction()
                for oid in oids:
                    self._doubt_all(oid, _EMPTIED)
            case Other():
                pass

    def alive(self, position: int) -> None:
        """Note how far the log has been read, where nothing in it concerns us."""
        if self._transaction is None:
            self.position = max(self.position, position)

    def take(self) -> Taken:
        """Return what was told since the last time."""
        taken, self._taken = self._taken, Taken()
        self._bytes, self._used = {}, 0
        return taken

    def _read_relation(self, relation: Relation) -> None:
        oid = relation.oid
        if oid in self._unrelated:
            return
        if oid not in self._slices:
            self.unknown[oid] = relation
            return
        columns = {name: number for number, name in enumerate(relation.columns)}
        slices = [(one, relation.identity.issuperset(one.key)) for one in self._slices[oid]]
        positions = tuple(sorted({columns[name] for one, is_told in slices if is_told for name in one.key}))
        self._positions[oid] = positions
        self._shares[oid] = tuple(
            _Share(one, _order(positions, [columns[name] for name in one.key]) if is_told else None, is_told)
            for one, is_told in slices
        )

    def _change(self, change: Change) -> None:
        taken = self._taken
        shares = self._shares.get(change.oid)
        if shares is None:
            if change.oid not in self._unrelated:
                self._note_transaction()
                self._doubt_all(change.oid, KEY_NOT_TOLD)
            return
        self._note_transaction()
        taken.changes += 1
        for share in shares:
            name = share.slice.name
            if name in taken.doubted:
                continue
            if change.keys is None or not share.is_told:
                self.doubt(name, KEY_NOT_TOLD)
                continue
            keys = taken.keys.setdefault(name, {})
            for values in change.keys:
                key = values if share.order is None else tuple([values[place] for place in share.order])
                if key not in keys:
                    keys[key] = None
                    self._use_room(name, _KEY_BYTES + _PART_BYTES * len(key) + sum(map(len, key)))

    def _use_room(self, name: str, size: int) -> None:
        self._bytes[name] = self._bytes.get(name, 0) + size
        self._used += size
        if self._used > self._room:
            self.doubt(max(self._bytes, key=self._bytes.__getitem__), _TOO_MANY)

    def _note_transaction(self) -> None:
        if (begin := self._transaction) is not None:
            self._taken.xids.add(begin.xid)
            if self._taken.committed is None:
                self._taken.committed = begin.committed

    def _doubt_all(self, oid: int, reason: str) -> None:
        for one in self._slices.get(oid, ()):
            self.doubt(one.name, reason)


def _order(positions: Sequence[int], key: Iterable[int]) -> tuple[int, ...] | None:
    """Return where the parts of a key stand among the values kept; None if they are these in this order."""
    order = tuple(positions.index(column) for column in key)
    return None if order == tuple(range(len(positions))) else order
