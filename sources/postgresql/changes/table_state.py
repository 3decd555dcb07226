"""The state of a table when a snapshot of it was opened, and the position that follows from it.

A document can change without a new row version if a label of an enum is renamed, a dropped column is added
again with another default, a partition is attached, a database is replaced by an older copy of it. All of
this is in the fingerprint. What cannot be had in one is a reason not to use row versions at all.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sources.postgresql.catalog.catalog import Catalog
from sources.postgresql.catalog.discovery import Target
from sources.postgresql.catalog.types import Presence, ServerFacts, Type, TypeKind
from sources.postgresql.changes.positions import Position, Server

_HEAP: Final = "heap"
_NAMES_OTHER_OBJECTS: Final = frozenset({"aclitem"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionResult:
    """A position, or the reason why there is none."""

    position: Position | None
    refusal: str = ""


class Servers:
    """The servers a job meets, which is one unless it is replaced; each is asked once who it is."""

    def __init__(self) -> None:
        self._known: dict[str, ServerFacts | None] = {}

    async def facts(self, catalog: Catalog, started: str) -> ServerFacts | None:
        """Return what the server that was started then says; None if the role may not ask."""
        if started not in self._known:
            self._known[started] = await catalog.server()
        return self._known[started]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """What was found under the name of a table, and how it is read."""

    presence: Presence
    server: ServerFacts | None
    target: Target
    select: str
    """The SELECT that renders the documents, whole."""
    reads_children: bool
    is_unique: bool
    """Whether the server guarantees that no two rows have the same key."""

    def position(self) -> PositionResult:
        """Derive the position: the server's timeline, and a fingerprint of what decides about documents."""
        members = [file for file in self.presence.files if self._is_read(file)]
        if reason := self._refusal(members):
            return PositionResult(position=None, refusal=reason)
        if self.server is None:
            reason = "The role may not execute pg_control_system() and pg_control_checkpoint()."
            return PositionResult(position=None, refusal=reason)
        parts = (self.server.database, *members, self.presence.columns, self.presence.types or "")
        position = Position(
            server=Server(
                system=self.server.system,
                timeline=self.server.timeline,
                started=_digest(self.presence.server_started),
                undisturbed=_digest(self.presence.undisturbed),
            ),
            horizon=self.presence.horizon,
            fingerprint=_digest(self.select, *parts),
        )
        return PositionResult(position=position)

    def _is_read(self, file: str) -> bool:
        return self.reads_children or file.split(" ")[0] == str(self.presence.oid)

    def _refusal(self, members: Sequence[str]) -> str | None:
        if self.server is not None and self.server.is_distributed:
            return "Its rows may be on other servers, whose row versions say nothing here (citus)."
        for _, _, kind, *access_method in (member.split(" ", 3) for member in members):
            if kind in "vf":
                return "A view or a foreign table has no row versions of its own."
            if kind in "rm" and access_method != [_HEAP]:
                return f"Tables of access method {access_method[0]} may keep row versions otherwise."
        if not self.is_unique:
            return "The server does not guarantee that its key tells rows apart."
        for column in self.target.layout.columns:
            if any(_names_objects(one) for one in _parts(column.type)):
                return f"Column {column.name} shows names of other objects, which may be renamed."
        return None


def _parts(of: Type) -> Iterable[Type]:
    """Give a type and all types it consists of."""
    yield of
    if of.part is not None:
        yield from _parts(of.part)
    for member in of.attributes:
        yield from _parts(member.type)


def _names_objects(of: Type) -> bool:
    """Whether a value shows the name of something in the catalog, as `regclass` does."""
    if of.kind is not TypeKind.BASE or not of.base_name:
        return False
    return of.base_name.startswith("reg") or of.base_name in _NAMES_OTHER_OBJECTS


def _digest(*texts: str) -> str:
    joined = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=8).hexdigest()
