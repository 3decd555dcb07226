"""Asks the server for what a position consists of: its identity, its restarts, what makes documents of rows.

A document can change without a new row version if a label of an enum is renamed, a dropped column is added
again with another default, a partition is attached, a database is replaced by an older copy of it. All of
this is in the fingerprint. What cannot be had in one is a reason not to use row versions at all.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sources.postgresql.catalog.discovery import Target
from sources.postgresql.catalog.types import FIRST_USER_OID, Attribute, Type, TypeKind
from sources.postgresql.changes.positions import Position, Server

SERVER = """
SELECT s.system_identifier, c.timeline_id, pg_catalog.pg_postmaster_start_time()::text AS started,
       concat(b.stats_reset, ' ', a.stats_reset) AS undisturbed,
       pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()) AS horizon
FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c,
     pg_catalog.pg_stat_bgwriter b, pg_catalog.pg_stat_archiver a
"""

MAY_ASK = """
SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
       AND has_function_privilege('pg_catalog.pg_control_checkpoint()', 'EXECUTE') AS may_ask,
       EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus') AS is_distributed
"""

MEMBERS = """
SELECT c.oid, c.relkind::text AS kind, a.amname AS access_method,
       pg_catalog.pg_relation_filenode(c.oid) AS file
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
WHERE c.oid = ANY($1::oid[]) ORDER BY c.oid
"""

DATABASE = """
SELECT oid, pg_catalog.current_setting('lc_monetary') AS money
FROM pg_catalog.pg_database WHERE datname = current_database()
"""

COLUMNS = """
SELECT a.attnum, a.attname, a.atttypid, a.atttypmod, a.attgenerated::text AS generated,
       CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS expression
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""

TYPES = """
SELECT t.oid,
       ARRAY(SELECT concat(e.oid, ' ', e.enumlabel) FROM pg_catalog.pg_enum e
             WHERE e.enumtypid = t.oid ORDER BY e.oid) AS labels,
       ARRAY(SELECT concat(a.attnum, ' ', a.attname, ' ', a.atttypid) FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
             ORDER BY a.attnum) AS members,
       ARRAY(SELECT concat(x.extname, ' ', x.extversion) FROM pg_catalog.pg_depend p
             JOIN pg_catalog.pg_extension x ON x.oid = p.refobjid
             WHERE p.classid = 'pg_catalog.pg_type'::regclass AND p.objid = t.oid AND p.deptype = 'e'
             ORDER BY x.extname) AS extensions,
       ARRAY(SELECT concat(f.oid, ' ', md5(f.prosrc), ' ', f.probin) FROM pg_catalog.pg_proc f
             WHERE f.oid IN (t.typoutput, t.typsend)
                OR f.oid IN (SELECT k.castfunc FROM pg_catalog.pg_cast k WHERE k.castsource = t.oid)
             ORDER BY f.oid) AS functions
FROM pg_catalog.pg_type t WHERE t.oid = ANY($1::oid[]) ORDER BY t.oid
"""
"""What a type that did not come with the server shows of its values, as far as the catalog tells."""

_HEAP: Final = "heap"
_NAMES_OTHER_OBJECTS: Final = frozenset({"aclitem"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """A position, or the reason why there is none."""

    position: Position | None
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is needed to find the circumstances: a connection whose snapshot is taken, and what is read."""

    connection: Any
    timeout_seconds: float
    target: Target
    select: str
    """The SELECT that renders the documents, whole."""
    is_unique: bool
    """Whether the server guarantees that no two rows have the same key."""

    async def circumstances(self, members: Sequence[int]) -> Circumstances:
        """Find the circumstances of a snapshot; `members` are the table and all that are read with it."""
        (asked,) = await self._fetch(MAY_ASK)
        rows = await self._fetch(MEMBERS, list(members))
        if reason := self._refusal(asked, rows):
            return Circumstances(position=None, refusal=reason)
        (server,) = await self._fetch(SERVER)
        position = Position(
            server=Server(
                system=str(server["system_identifier"]),
                timeline=str(server["timeline_id"]),
                started=_digest(server["started"]),
                undisturbed=_digest(server["undisturbed"]),
            ),
            horizon=server["horizon"],
            fingerprint=await self._fingerprint(rows),
        )
        return Circumstances(position=position)

    def _refusal(self, asked: Any, members: Sequence[Any]) -> str | None:
        if not asked["may_ask"]:
            return "The role may not execute pg_control_system() and pg_control_checkpoint()."
        if asked["is_distributed"]:
            return "Its rows may be on other servers, whose row versions say nothing here (citus)."
        for member in members:
            if member["kind"] in "vf":
                return "A view or a foreign table has no row versions of its own."
            if member["kind"] in "rm" and member["access_method"] != _HEAP:
                return f"Tables of access method {member['access_method']} may keep row versions otherwise."
        if not self.is_unique:
            return "The server does not guarantee that its key tells rows apart."
        for column in self.target.layout.columns:
            if any(_names_objects(one) for one in _parts(column.type)):
                return f"Column {column.name} shows names of other objects, which may be renamed."
        return None

    async def _fingerprint(self, members: Sequence[Any]) -> str:
        columns: Iterable[Attribute] = self.target.layout.columns
        own = {t.oid for c in columns for t in _parts(c.type) if t.oid >= FIRST_USER_OID}
        parts = [
            await self._fetch(DATABASE),
            members,
            await self._fetch(COLUMNS, self.target.relation.oid),
            await self._fetch(TYPES, sorted(own)) if own else (),
        ]
        return _digest(self.select, *(repr([tuple(row) for row in rows]) for rows in parts))

    async def _fetch(self, query: str, *arguments: Any) -> Sequence[Any]:
        rows: Sequence[Any] = await self.connection.fetch(query, *arguments, timeout=self.timeout_seconds)
        return rows


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
