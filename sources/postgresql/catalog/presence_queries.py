"""The query of everything that reading a relation depends on at one moment: shape, files, horizon, server.

A query costs a round trip however much is asked, and a small table takes no longer to read than that.
"""

_TYPES = """
WITH RECURSIVE needed AS (
    SELECT a.atttypid AS oid FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384
    UNION
    SELECT part.oid
    FROM needed
    JOIN pg_catalog.pg_type t ON t.oid = needed.oid AND t.oid >= 16384
    CROSS JOIN LATERAL (
        SELECT t.typbasetype AS oid WHERE t.typtype = 'd'
        UNION ALL SELECT t.typelem WHERE t.typcategory = 'A' AND t.typtype = 'b'
        UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid
        UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range r
            WHERE t.typtype = 'm' AND pg_catalog.to_jsonb(r)->>'rngmultitypid' = t.oid::text
        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
            WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS part
)
SELECT pg_catalog.md5(pg_catalog.string_agg(ROW(
    t.oid, n.nspname, t.typname, t.typtype, t.typelem, t.typbasetype, t.typtypmod, t.typsend::oid,
    ARRAY(SELECT concat(e.oid, ' ', e.enumlabel) FROM pg_catalog.pg_enum e
          WHERE e.enumtypid = t.oid ORDER BY e.oid),
    ARRAY(SELECT concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod)
          FROM pg_catalog.pg_attribute a
          WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
          ORDER BY a.attnum),
    ARRAY(SELECT concat(x.extname, ' ', x.extversion) FROM pg_catalog.pg_depend p
          JOIN pg_catalog.pg_extension x ON x.oid = p.refobjid
          WHERE p.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND p.objid = t.oid AND p.deptype = 'e'
          ORDER BY x.extname),
    ARRAY(SELECT concat_ws(' ', f.oid, pg_catalog.md5(f.prosrc), f.probin) FROM (
              SELECT t.typoutput::oid AS oid UNION SELECT t.typsend::oid
              UNION SELECT k.castfunc FROM pg_catalog.pg_cast k WHERE k.castsource = t.oid
              UNION SELECT g.oid FROM pg_catalog.pg_proc g
                  WHERE g.proname = 'st_asgeojson' AND g.pronamespace = t.typnamespace
                    AND g.proargtypes[0] = t.oid
          ) AS used JOIN pg_catalog.pg_proc f ON f.oid = used.oid ORDER BY f.oid)
)::text, ',' ORDER BY t.oid)) AS types
FROM needed JOIN pg_catalog.pg_type t ON t.oid = needed.oid AND t.oid >= 16384
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
"""
"""What types that did not come with the server show of their values, as far as the catalog tells.

Such a type is altered without a lock on the tables that have columns of it.
"""

_COLUMNS = """
SELECT pg_catalog.string_agg(ROW(
    a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, format_type(a.atttypid, a.atttypmod),
    a.attgenerated, CASE WHEN a.attgenerated <> '' THEN (
        SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
        WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END
)::text, ',' ORDER BY a.attnum) AS columns
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
"""

_SHAPE = """
pg_catalog.md5(concat_ws(' ', c.relkind, c.relispartition, c.relhassubclass, c.relam, declared.columns, (
    SELECT string_agg(concat_ws(' ', i.indexrelid, i.indkey, i.indnkeyatts, i.indisprimary, i.indisvalid),
                      ',' ORDER BY i.indexrelid)
    FROM pg_catalog.pg_index i
    WHERE i.indrelid = c.oid AND i.indisunique
), (
    SELECT string_agg(concat_ws(' ', n.conkey, n.convalidated), ',' ORDER BY n.oid)
    FROM pg_catalog.pg_constraint n
    WHERE n.conrelid = c.oid AND n.contype = 'n'
), made_of.types))
"""
"""Everything a layout is made of, in short: while it is the same, so is the layout."""

_DECLARED = f"CROSS JOIN LATERAL ({_COLUMNS} OFFSET 0) AS declared"
_MADE_OF = f"CROSS JOIN LATERAL ({_TYPES} OFFSET 0) AS made_of"
_MADE_OF_BUILT_IN = "CROSS JOIN (SELECT NULL::text AS types) AS made_of"

SHAPES = f"""
SELECT c.oid, {_SHAPE} AS shape FROM pg_catalog.pg_class c {_DECLARED} {_MADE_OF}
WHERE c.oid = ANY($1::oid[])
"""

_FILES = """
ARRAY(
    WITH RECURSIVE tree AS (
        SELECT c.oid AS member
        UNION
        SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.member
    )
    SELECT concat_ws(' ', m.oid, COALESCE(pg_catalog.pg_relation_filenode(m.oid), 0), m.relkind, a.amname)
    FROM tree JOIN pg_catalog.pg_class m ON m.oid = tree.member
    LEFT JOIN pg_catalog.pg_am a ON a.oid = m.relam ORDER BY m.oid
)
"""

FILES = f"SELECT {_FILES} FROM pg_catalog.pg_class c WHERE c.oid = ANY($1::oid[]) ORDER BY c.oid"

_PRESENCE = f"""
SELECT c.oid, {_SHAPE} AS shape, made_of.types, declared.columns, {_FILES} AS files,
       CASE WHEN c.relkind = 'r' THEN
           pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8
       END AS pages,
       pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()) AS horizon,
       pg_catalog.pg_postmaster_start_time()::text AS server_started,
       concat(pg_catalog.pg_stat_get_bgwriter_stat_reset_time(), ' ',
              (SELECT a.stats_reset FROM pg_catalog.pg_stat_get_archiver() a)) AS undisturbed
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
{_DECLARED} {{made_of}}
WHERE n.nspname = $1 AND c.relname = $2
"""

PRESENCE = _PRESENCE.replace("{made_of}", _MADE_OF_BUILT_IN)
PRESENCE_WITH_TYPES = _PRESENCE.replace("{made_of}", _MADE_OF)
"""Planning what looks at types takes as long as all the rest, and few tables have such types."""

TYPES = f"SELECT made_of.types FROM pg_catalog.pg_class c {_MADE_OF} WHERE c.oid = $1::oid"

MAY_ASK = """
SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
       AND has_function_privilege('pg_catalog.pg_control_checkpoint()', 'EXECUTE')
"""

SERVER = """
SELECT s.system_identifier::text AS system, l.timeline_id::text AS timeline,
       concat_ws(' ', d.oid, pg_catalog.current_setting('lc_monetary')) AS database,
       EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus') AS is_distributed
FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() l, pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
"""
