"""Everything that is asked of PostgreSQL's catalog, and the records it becomes.

The catalog tables are read, never `information_schema`: that view leaves out what one may not read, and a
table that is left out looks like a table that is gone.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sources.postgresql.catalog.types import Attribute, Layout, Relation, Type, TypeKind

_RELATIONS = """
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
       c.relispartition AS is_partition,
       c.relhassubclass AS has_children, COALESCE(a.amname = 'heap', false) AS is_heap,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS is_readable,
       row_security_active(c.oid) AS is_filtered,
       CASE WHEN c.reltuples >= 0 AND (c.reltuples > 0 OR c.relpages > 0)
            THEN c.reltuples::int8 END AS estimated_rows
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
"""

RELATIONS = f"""{_RELATIONS}
WHERE n.nspname = ANY($1::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY n.nspname, c.relname
"""

LOCKED_RELATIONS = f"""{_RELATIONS}
WHERE c.oid IN (
    SELECT relation FROM pg_catalog.pg_locks
    WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation'
      AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
) AND c.relkind IN ('r', 'p', 'v') AND c.oid >= 16384 AND has_table_privilege(c.oid, 'SELECT')
ORDER BY c.oid
"""

SCHEMAS = "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = ANY($1::text[])"

INHERITANCE = "SELECT inhparent AS parent, inhrelid AS child FROM pg_catalog.pg_inherits"

PARTITIONED_ROWS = """
WITH RECURSIVE tree AS (
    SELECT oid AS root, oid AS member FROM unnest($1::oid[]) AS oid
    UNION ALL
    SELECT tree.root, i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.member
)
SELECT tree.root, sum(c.reltuples)::int8 AS estimated_rows
FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.member
WHERE c.relkind = 'r' AND c.reltuples >= 0
GROUP BY tree.root
"""

COLUMNS = """
SELECT attrelid AS relation, attname AS name, atttypid AS type, atttypmod AS modifier
FROM pg_catalog.pg_attribute
WHERE attrelid = ANY($1::oid[]) AND attnum > 0 AND NOT attisdropped
ORDER BY attrelid, attnum
"""

KEYS = """
SELECT i.indrelid AS relation, i.indisprimary AS is_primary,
       (SELECT array_agg(a.attname ORDER BY k.position)
        FROM unnest(i.indkey) WITH ORDINALITY AS k(number, position)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
        WHERE k.position <= i.indnkeyatts) AS columns
FROM pg_catalog.pg_index i
WHERE i.indrelid = ANY($1::oid[]) AND i.indisunique AND i.indisvalid  -- a deferred key holds as well
  AND i.indpred IS NULL AND i.indexprs IS NULL
  AND NOT EXISTS (
      SELECT FROM unnest(i.indkey) WITH ORDINALITY AS k(number, position)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
      WHERE k.position <= i.indnkeyatts AND (NOT a.attnotnull OR EXISTS (
          SELECT FROM pg_catalog.pg_constraint n  -- since version 18 a not-null constraint may be unproven
          WHERE n.conrelid = i.indrelid AND n.contype = 'n' AND NOT n.convalidated
            AND n.conkey = ARRAY[a.attnum])))
ORDER BY i.indrelid, i.indisprimary DESC, i.indnkeyatts, i.indexrelid
"""

TYPES = """
WITH RECURSIVE needed AS (
    SELECT oid FROM unnest($1::oid[]) AS oid
    UNION
    SELECT part.oid
    FROM needed
    JOIN pg_catalog.pg_type t ON t.oid = needed.oid
    LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
    CROSS JOIN LATERAL (
        SELECT t.typbasetype AS oid WHERE t.typtype = 'd'
        UNION ALL SELECT t.typelem WHERE t.typcategory = 'A' AND t.typtype = 'b'
        UNION ALL SELECT r.rngsubtype WHERE t.typtype = 'r'
        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
            WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
        {multiranges}
    ) AS part
)
SELECT t.oid, n.nspname AS schema, t.typname AS name, t.typtype::text AS kind,
       t.typcategory = 'A' AS is_array,
       t.typelem AS element, t.typbasetype AS base, t.typtypmod AS modifier, t.typrelid AS relation,
       r.rngsubtype AS subtype, {range_of_multirange} AS range,
       pn.nspname AS sender_schema, p.proname AS sender
FROM needed
JOIN pg_catalog.pg_type t ON t.oid = needed.oid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_catalog.pg_proc p ON p.oid = t.typsend
LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace
"""

_TYPES_WITH_MULTIRANGES = TYPES.replace(
    "{multiranges}",
    "UNION ALL SELECT m.rngtypid FROM pg_catalog.pg_range m"
    " WHERE t.typtype = 'm' AND m.rngmultitypid = t.oid",
).replace(
    "{range_of_multirange}", "(SELECT m.rngtypid FROM pg_catalog.pg_range m WHERE m.rngmultitypid = t.oid)"
)
_TYPES_WITHOUT_MULTIRANGES = TYPES.replace("{multiranges}", "").replace("{range_of_multirange}", "NULL::oid")

ATTRIBUTES = """
SELECT attrelid AS relation, attname AS name, atttypid AS type, atttypmod AS modifier
FROM pg_catalog.pg_attribute
WHERE attrelid = ANY($1::oid[]) AND attnum > 0 AND NOT attisdropped
ORDER BY attrelid, attnum
"""

FILES = """
WITH RECURSIVE tree AS (
    SELECT $1::oid AS member
    UNION
    SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.member
)
SELECT member, pg_catalog.pg_relation_filenode(member) AS file FROM tree ORDER BY member
"""

PAGES = "SELECT pg_catalog.pg_relation_size($1::oid) / pg_catalog.current_setting('block_size')::int8"

ROLE = """
SELECT r.rolname AS name, r.rolsuper AS is_superuser, r.rolbypassrls AS bypasses_row_security,
       ARRAY(SELECT g.rolname FROM pg_catalog.pg_roles g
             WHERE g.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files',
                                 'pg_signal_backend')
               AND NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, g.oid, 'USAGE')) AS powers
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
"""

ENCODING = """
SELECT pg_catalog.pg_encoding_to_char(encoding) FROM pg_catalog.pg_database WHERE datname = current_database()
"""

_KINDS = {
    "b": TypeKind.BASE,
    "c": TypeKind.COMPOSITE,
    "d": TypeKind.DOMAIN,
    "e": TypeKind.ENUM,
    "m": TypeKind.MULTIRANGE,
    "r": TypeKind.RANGE,
    "p": TypeKind.PSEUDO,
}


class Catalog:
    """Asks one connection's catalog. Types once resolved are kept, so use one only within a transaction."""

    def __init__(self, connection: Any, timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout = timeout_seconds
        self._types: dict[int, Type] = {}

    @property
    def server_version(self) -> int:
        """The server's major version."""
        major: int = self._connection.get_server_version().major
        return major

    async def missing_schemas(self, schemas: Sequence[str]) -> list[str]:
        """Return those of the schemas that do not exist."""
        found = {row["nspname"] for row in await self._fetch(SCHEMAS, list(schemas))}
        return [schema for schema in schemas if schema not in found]

    async def relations(self, schemas: Sequence[str]) -> list[Relation]:
        """Return every table, view and the like of the schemas, readable or not, ordered by name."""
        rows = await self._fetch(RELATIONS, list(schemas))
        partitioned = [row["oid"] for row in rows if row["kind"] == "p"]
        estimates = {}
        if partitioned:
            sums = await self._fetch(PARTITIONED_ROWS, partitioned)
            estimates = {row["root"]: row["estimated_rows"] for row in sums}
        return [Relation(**(dict(row) | _estimate(row, estimates))) for row in rows]

    async def locked_relations(self) -> list[Relation]:
        """Return what the statements of this transaction read from, as far as LOCK TABLE would take it.

        A table under a view which we may not read ourselves is left out: locking the view locks it.
        """
        return [Relation(**dict(row)) for row in await self._fetch(LOCKED_RELATIONS)]

    async def children(self) -> dict[int, list[int]]:
        """Return which tables inherit from which, partitions included."""
        children: dict[int, list[int]] = {}
        for row in await self._fetch(INHERITANCE):
            children.setdefault(row["parent"], []).append(row["child"])
        return children

    async def layouts(self, oids: Sequence[int]) -> dict[int, Layout]:
        """Return columns and keys of relations that exist; an empty key where the server guarantees none."""
        rows = await self._fetch(COLUMNS, list(oids))
        types = await self.types(row["type"] for row in rows)
        keys: dict[int, tuple[str, ...]] = {}
        for row in await self._fetch(KEYS, list(oids)):
            keys.setdefault(row["relation"], tuple(row["columns"]))
        columns: dict[int, list[Attribute]] = {oid: [] for oid in {row["relation"] for row in rows}}
        for row in rows:
            is_key = row["name"] in keys.get(row["relation"], ())
            columns[row["relation"]].append(
                Attribute(
                    name=row["name"], type=types[row["type"]], modifier=row["modifier"], is_not_null=is_key
                )
            )
        return {oid: Layout(columns=tuple(found), key=keys.get(oid, ())) for oid, found in columns.items()}

    async def types(self, oids: Iterable[int]) -> dict[int, Type]:
        """Return the types of these oids, complete with all they consist of."""
        missing = list({oid for oid in oids if oid not in self._types})
        if missing:
            query = _TYPES_WITH_MULTIRANGES if self.server_version >= 14 else _TYPES_WITHOUT_MULTIRANGES
            rows = {row["oid"]: row for row in await self._fetch(query, missing)}
            members: dict[int, list[Any]] = {}
            composites = [row["relation"] for row in rows.values() if row["kind"] == "c"]
            if composites:
                for row in await self._fetch(ATTRIBUTES, composites):
                    members.setdefault(row["relation"], []).append(row)
            for oid in rows:
                self._resolve(oid, rows, members)
        return self._types

    async def files(self, oid: int) -> list[tuple[int, int | None]]:
        """Return which files hold a table and its children; a rewrite changes it."""
        return [(row["member"], row["file"]) for row in await self._fetch(FILES, oid)]

    async def pages(self, oid: int) -> int:
        """Return how many pages a table has now."""
        pages: int = (await self._fetch(PAGES, oid))[0][0]
        return pages

    async def role(self) -> Any:
        """Return what the current role may do beyond reading."""
        return (await self._fetch(ROLE))[0]

    async def encoding(self) -> str:
        """Return the database's encoding."""
        encoding: str = (await self._fetch(ENCODING))[0][0]
        return encoding

    async def _fetch(self, query: str, *arguments: Any) -> list[Any]:
        rows: list[Any] = await self._connection.fetch(query, *arguments, timeout=self._timeout)
        return rows

    def _resolve(self, oid: int, rows: dict[int, Any], members: dict[int, list[Any]]) -> Type:
        if oid in self._types:
            return self._types[oid]
        row = rows[oid]
        kind = _KINDS[row["kind"]]
        if row["is_array"] and kind is TypeKind.BASE:
            kind = TypeKind.ARRAY
        part_oid = {
            TypeKind.ARRAY: row["element"],
            TypeKind.DOMAIN: row["base"],
            TypeKind.RANGE: row["subtype"],
            TypeKind.MULTIRANGE: row["range"],
        }.get(kind)
        self._types[oid] = found = Type(
            oid=oid,
            schema=row["schema"],
            name=row["name"],
            kind=kind,
            part=self._resolve(part_oid, rows, members) if part_oid else None,
            modifier=row["modifier"],
            attributes=tuple(
                Attribute(
                    name=member["name"],
                    type=self._resolve(member["type"], rows, members),
                    modifier=member["modifier"],
                )
                for member in members.get(row["relation"], ())
                if kind is TypeKind.COMPOSITE
            ),
            sender=(row["sender_schema"], row["sender"]) if row["sender"] else None,
        )
        return found


def _estimate(row: Any, estimates: dict[int, int]) -> dict[str, int | None]:
    return {"estimated_rows": estimates.get(row["oid"], row["estimated_rows"])}
