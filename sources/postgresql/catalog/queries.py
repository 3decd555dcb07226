"""What is asked of PostgreSQL's catalog, in SQL.

The catalog tables are read, never `information_schema`: that view leaves out what one may not read, and a
table that is left out looks like a table that is gone.
"""

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
"""The columns of relations, and the members of composite types, which have a relation each."""

KEYS = """
SELECT i.indrelid AS relation, i.indisprimary AS is_primary,
       (SELECT array_agg(a.attname::text ORDER BY k.position)
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

_TYPES = """
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
       pn.nspname AS sender_schema, p.proname AS sender,
       t.typtype = 'b' AND EXISTS (
           SELECT FROM pg_catalog.pg_cast c
           WHERE c.castsource = t.oid AND c.casttarget = 'pg_catalog.json'::pg_catalog.regtype
             AND c.castmethod = 'f') AS has_json_cast,
       t.typtype = 'b' AND EXISTS (
           SELECT FROM pg_catalog.pg_proc g
           WHERE g.proname = 'st_asgeojson' AND g.pronamespace = t.typnamespace
             AND g.proargtypes[0] = t.oid) AS has_geojson
FROM needed
JOIN pg_catalog.pg_type t ON t.oid = needed.oid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_catalog.pg_proc p ON p.oid = t.typsend
LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace
"""

TYPES_WITH_MULTIRANGES = _TYPES.replace(
    "{multiranges}",
    "UNION ALL SELECT m.rngtypid FROM pg_catalog.pg_range m"
    " WHERE t.typtype = 'm' AND m.rngmultitypid = t.oid",
).replace(
    "{range_of_multirange}", "(SELECT m.rngtypid FROM pg_catalog.pg_range m WHERE m.rngmultitypid = t.oid)"
)
TYPES_WITHOUT_MULTIRANGES = _TYPES.replace("{multiranges}", "").replace("{range_of_multirange}", "NULL::oid")

_HIDDEN_BY_VIEWS = """
WITH RECURSIVE used AS (
    SELECT c.oid AS view, c.oid AS member, c.relowner AS reader FROM pg_catalog.pg_class c
    WHERE c.oid = ANY($1::oid[]) AND c.relkind = 'v'
    UNION
    SELECT used.view, c.oid,
           CASE WHEN {is_invoker} THEN {invoker} ELSE m.relowner END
    FROM used
    JOIN pg_catalog.pg_class m ON m.oid = used.member AND m.relkind = 'v'
    JOIN pg_catalog.pg_rewrite w ON w.ev_class = m.oid
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
        AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'n'
    JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.oid <> m.oid
)
SELECT DISTINCT used.view, n.nspname AS schema, c.relname AS name, r.rolname AS reader
FROM used
JOIN pg_catalog.pg_class c ON c.oid = used.member AND c.relrowsecurity
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.oid = used.reader
WHERE NOT r.rolsuper AND NOT r.rolbypassrls
  AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE'))
ORDER BY used.view, n.nspname, c.relname
"""
HIDDEN_BY_VIEWS = _HIDDEN_BY_VIEWS.replace(
    "{is_invoker}", "COALESCE(m.reloptions::text ~ 'security_invoker=(true|on|yes|1)', false)"
).replace("{invoker}", "(SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)")
"""Tables under a view whose row security applies to whom the view reads them as, which is its owner unless
the view says otherwise (since version 15).
"""

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
