"""What the log tells and what it does not: of the server as a whole, and of each table. Pure.

A gap is a reason, and where a person can close it the statement that does. None of them is ours to run: a
table that is added to a publication without a replica identity can no longer be updated by anybody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from sources.contract import Finding
from sources.errors import shortlist
from sources.postgresql.catalog.discovery import Target, effective_key
from sources.postgresql.quoting import identifier, qualified

SLOT_PREFIX: Final = "elastic_ingest_"
APPLICATION_NAME: Final = "elastic-ingest follow"
"""How the connections of feeds are called in `pg_stat_replication`."""
_WARNING: Final = (
    "Not before every table has a replica identity: without one, its updates and deletes fail once it is"
    " published."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What the server says of itself; the columns of `queries.SERVER`."""

    role: str
    wal_level: str
    is_standby: bool
    encoding: str
    started: str
    may_replicate: bool
    is_rds: bool
    free_slots: int
    free_senders: int
    is_published: bool
    publishes_all: bool | None
    tells_roots: bool
    publication: str
    """What tells the publication from what it was before any change of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A relation that holds rows of a slice; the columns of `queries.MEMBERS`."""

    root: int
    oid: int
    schema: str
    name: str
    kind: str
    persistence: str
    identity: str
    file: int | None
    ancestors: tuple[int, ...]
    identity_columns: tuple[str, ...]
    is_published: bool
    is_filtered: bool
    columns: tuple[str, ...] | None
    """The published columns; None if all are."""


class Gap(Enum):
    """Why the log tells nothing of a table, as it completes a sentence about one of them and about many."""

    GONE = ("is another table than before, or gone", "are other tables than before, or gone")
    KIND = ("is no table, and only tables are in the log", "are no tables, and only tables are in the log")
    CHILDREN = (
        "is read with the tables that inherit from it",
        "are read with the tables that inherit from them",
    )
    KEY = (
        "has no key that the server guarantees",
        "have no keys that the server guarantees",
    )
    UNLOGGED = (
        "is not written to the log (UNLOGGED, or part of it is)",
        "are not written to the log (UNLOGGED)",
    )
    FOREIGN_PART = ("has parts on other servers", "have parts on other servers")
    UNPUBLISHED = ("is not in the publication", "are not in the publication")
    FILTERED = (
        "is published in part only (a row filter)",
        "are published in part only (row filters)",
    )
    COLUMNS = (
        "is published without all columns of its key",
        "are published without all columns of their keys",
    )
    IDENTITY = (
        "has a replica identity that does not tell its key",
        "have replica identities that do not tell their keys",
    )


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the connector, with all that holds its rows."""

    target: Target
    members: tuple[Member, ...]

    @property
    def label(self) -> str:
        """How a person calls it."""
        return self.target.relation.label

    def gap(self, *, tells_roots: bool) -> Gap | None:
        """Return what keeps the log from telling which rows changed; None if it tells."""
        relation = self.target.relation
        key = set(effective_key(self.target))
        parts = [member for member in self.members if member.kind != "p"]
        identified = self.members if tells_roots else parts
        gaps: Sequence[tuple[Gap, bool]] = (
            (Gap.GONE, (relation.schema, relation.name) not in {(m.schema, m.name) for m in self.members}),
            (Gap.KIND, relation.kind not in "rp"),
            (Gap.CHILDREN, relation.kind == "r" and relation.has_children and not self.target.only),
            (Gap.KEY, bool(self.target.given_key) or not key),
            (Gap.UNLOGGED, any(part.persistence != "p" for part in parts)),
            (Gap.FOREIGN_PART, any(part.kind != "r" for part in parts)),
            (Gap.UNPUBLISHED, not all(part.is_published for part in parts)),
            (Gap.FILTERED, any(part.is_filtered for part in parts)),
            (Gap.COLUMNS, any(part.columns is not None and not key.issubset(part.columns) for part in parts)),
            (Gap.IDENTITY, not all(_tells(member, key) for member in identified)),
        )
        return next((gap for gap, is_open in gaps if is_open), None)


def server_gaps(server: Server, publication: str) -> list[Finding]:
    """Return what keeps the server from telling anything, each with what a person can do."""
    role = identifier(server.role)
    grant = f"GRANT rds_replication TO {role};" if server.is_rds else f"ALTER ROLE {role} REPLICATION;"
    published = identifier(publication)
    gaps: Sequence[tuple[bool, str, str]] = (
        (server.is_standby, "The server is a standby.", "Give the primary's address as Host."),
        (
            server.wal_level != "logical",
            f"The server does not write what logical replication needs (wal_level is {server.wal_level}).",
            "ALTER SYSTEM SET wal_level = logical; and start it again (docs/following.md for clouds).",
        ),
        (not server.may_replicate, f"Role {server.role} may not replicate.", grant),
        (
            not server.is_published,
            f"There is no publication {publication!r}.",
            f"CREATE PUBLICATION {published} FOR TABLE ...; (see deploy/postgresql-follow.sql). {_WARNING}",
        ),
        (
            server.publishes_all is False,
            f"Publication {publication!r} leaves out inserts, updates, deletes or truncations.",
            f"ALTER PUBLICATION {published} SET (publish = 'insert, update, delete, truncate');",
        ),
        (
            server.free_slots <= 0,
            "All replication slots of the server are in use.",
            "Raise max_replication_slots and start the server again, or drop slots nobody needs.",
        ),
        (
            server.free_senders <= 0,
            "All WAL senders of the server are in use.",
            "Raise max_wal_senders and start the server again.",
        ),
    )
    return [_finding(problem, remedy) for is_open, problem, remedy in gaps if is_open]


def table_gaps(tables: Iterable[Table], publication: str, *, tells_roots: bool) -> list[Finding]:
    """Return of which tables the log tells nothing, those with the same gap together."""
    by_gap: dict[Gap, list[Table]] = {}
    for table in tables:
        if (gap := table.gap(tells_roots=tells_roots)) is not None:
            by_gap.setdefault(gap, []).append(table)
    findings = []
    for gap, alike in by_gap.items():
        names = [table.label for table in alike]
        one, many = gap.value
        problem = f"{names[0]} {one}, so it is followed by polling."
        if len(names) > 1:
            problem = f"{len(names)} tables {many}, so they are followed by polling: {shortlist(names)}."
        findings.append(replace(_finding(problem, _remedy(gap, alike, publication)), subjects=tuple(names)))
    return findings


def silences(tables: Iterable[Table], publication: str, *, tells_roots: bool) -> Mapping[str, str]:
    """Return for each table of which the log tells nothing the reason, and what a person can do."""
    found = {}
    for table in tables:
        if (gap := table.gap(tells_roots=tells_roots)) is not None:
            found[table.label] = f"It {gap.value[0]}. {_remedy(gap, [table], publication)}"
    return found


def _finding(problem: str, remedy: str) -> Finding:
    return Finding(problem=problem, remedy=remedy, is_fatal=False)


def _tells(member: Member, key: set[str]) -> bool:
    """Whether an old row of a relation is told with its key."""
    return member.identity == "f" or key.issubset(member.identity_columns)


def _remedy(gap: Gap, tables: Sequence[Table], publication: str) -> str:
    match gap:
        case Gap.UNPUBLISHED:
            names = [qualified(table.target.relation.schema, table.target.relation.name) for table in tables]
            warning = "" if all(map(_is_identified, tables)) else f" {_WARNING}"
            return f"ALTER PUBLICATION {identifier(publication)} ADD TABLE {shortlist(names)};{warning}"
        case Gap.IDENTITY:
            failing = [
                t.label for t in tables if not _is_identified(t) and all(m.is_published for m in t.members)
            ]
            warning = (
                f" Until then nobody can update or delete rows of {shortlist(failing)}." if failing else ""
            )
            return (
                "ALTER TABLE ... REPLICA IDENTITY USING INDEX ...; with the index of its key"
                f" (deploy/postgresql-follow.sql lists the statements).{warning}"
            )
        case Gap.FILTERED | Gap.COLUMNS:
            return (
                f"ALTER PUBLICATION {identifier(publication)} SET TABLE ...; with all rows, and at least the"
                " columns of the key."
            )
        case Gap.UNLOGGED:
            return "ALTER TABLE ... SET LOGGED; if its rows may be written to the log."
        case Gap.KEY:
            return "Add a primary key; Id columns name what the server does not guarantee."
        case Gap.GONE | Gap.KIND | Gap.CHILDREN | Gap.FOREIGN_PART:
            return "Nothing has to be done."


def _is_identified(table: Table) -> bool:
    """Whether adding a table to a publication harms nobody."""
    return all(member.identity == "f" or member.identity_columns for member in table.members)
