"""Asks the server what its log tells of some tables, and looks again while a feed is open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from sources.postgresql.catalog.discovery import Target
from sources.postgresql.catalog.presence_queries import SHAPES
from sources.postgresql.catalog.types import FIRST_USER_OID
from sources.postgresql.feed import queries
from sources.postgresql.feed.coverage import APPLICATION_NAME, SLOT_PREFIX, Member, Server, Table
from sources.postgresql.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A server and its tables at one moment."""

    server: Server
    tables: tuple[Table, ...]
    shapes: Mapping[int, str]
    types: str
    """A digest of what types consist of that did not come with the server."""

    def structures(self) -> dict[str, tuple[object, ...]]:
        """Return what holds the rows of each table and what they look like: otherwise after any DDL."""
        return {
            table.label: (
                self.shapes.get(table.target.relation.oid),
                *((member.oid, member.file) for member in table.members),
                self.types if _has_other_types(table.target) else "",
            )
            for table in self.tables
        }


async def observe(
    connection: Any, settings: Settings, targets: Iterable[Target], timeout_seconds: float
) -> Observation:
    """Look once. `connection` is within a transaction."""
    publication = settings.follow_publication
    (server,) = await connection.fetch(
        queries.SERVER, publication, SLOT_PREFIX, APPLICATION_NAME, timeout=timeout_seconds
    )
    targets = list(targets)
    oids = [target.relation.oid for target in targets]
    members: dict[int, list[Member]] = {}
    for row in await connection.fetch(queries.MEMBERS, oids, publication, timeout=timeout_seconds):
        members.setdefault(row["root"], []).append(_member(row))
    return Observation(
        server=Server(**dict(server)),
        tables=tuple(Table(target, tuple(members.get(target.relation.oid, ()))) for target in targets),
        shapes={
            row["oid"]: row["shape"] for row in await connection.fetch(SHAPES, oids, timeout=timeout_seconds)
        },
        types=await connection.fetchval(queries.TYPES, timeout=timeout_seconds),
    )


def _has_other_types(target: Target) -> bool:
    """Whether a column's type, or what it consists of, did not come with the server."""
    return any(
        column.type.oid >= FIRST_USER_OID or column.type.part is not None for column in target.layout.columns
    )


async def ancestors(connection: Any, oids: Sequence[int], timeout_seconds: float) -> Mapping[int, set[int]]:
    """Return of which relations each of these is a part, itself included."""
    found: dict[int, set[int]] = {}
    for row in await connection.fetch(queries.PLACES, list(oids), timeout=timeout_seconds):
        found.setdefault(row["member"], set()).add(row["ancestor"])
    return found


def _member(row: Any) -> Member:
    columns = row["columns"]
    return Member(
        root=row["root"],
        oid=row["oid"],
        schema=row["schema"],
        name=row["name"],
        kind=row["kind"],
        persistence=row["persistence"],
        identity=row["identity"],
        file=row["file"],
        ancestors=tuple(row["ancestors"]),
        identity_columns=tuple(row["identity_columns"] or ()),
        is_published=row["is_published"],
        is_filtered=row["is_filtered"],
        columns=None if columns is None else tuple(orjson.loads(columns)),
    )
