"""What is asked of the server about its log: what it writes, what is published, how old rows are told."""

SERVER = """
SELECT r.rolname AS role, pg_catalog.current_setting('wal_level') AS wal_level,
       pg_catalog.pg_is_in_recovery() AS is_standby,
       pg_catalog.current_setting('server_encoding') AS encoding,
       pg_catalog.pg_postmaster_start_time()::text AS started,
       r.rolsuper OR r.rolreplication OR COALESCE(
           (SELECT pg_catalog.pg_has_role(r.oid, g.oid, 'USAGE') FROM pg_catalog.pg_roles g
            WHERE g.rolname = 'rds_replication'), false) AS may_replicate,
       EXISTS (SELECT FROM pg_catalog.pg_roles g WHERE g.rolname = 'rds_replication') AS is_rds,
       pg_catalog.current_setting('max_replication_slots')::int8
           - (SELECT count(*) FROM pg_catalog.pg_replication_slots
              WHERE NOT starts_with(slot_name, $2::text)) AS free_slots,
       pg_catalog.current_setting('max_wal_senders')::int8
           - (SELECT count(*) FROM pg_catalog.pg_stat_replication
              WHERE application_name IS DISTINCT FROM $3::text) AS free_senders,
       p.pubname IS NOT NULL AS is_published,
       p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AS publishes_all,
       COALESCE((to_jsonb(p) ->> 'pubviaroot')::bool, false) AS tells_roots,
       concat_ws(' ', p.oid, p.xmin,
           (SELECT md5(string_agg(concat_ws(' ', d.classid, d.objid), ',' ORDER BY d.classid, d.objid))
            FROM pg_catalog.pg_depend d
            WHERE d.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass AND d.refobjid = p.oid)
       ) AS publication
FROM pg_catalog.pg_roles r
LEFT JOIN pg_catalog.pg_publication p ON p.pubname = $1::text
WHERE r.rolname = current_user
"""
"""`to_jsonb` because version 12 has no `pubviaroot`.

Each table and schema of a publication is an object that depends on it. One that is left out and put back is
another object, so `publication` tells of that, too.
"""

_TREE = """
WITH RECURSIVE tree AS (
    SELECT oid AS root, oid AS member FROM unnest($1::oid[]) AS oid
    UNION
    SELECT tree.root, i.inhrelid
    FROM tree
    JOIN pg_catalog.pg_class c ON c.oid = tree.member AND c.relkind = 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.member
), ancestry AS (
    SELECT DISTINCT member, member AS ancestor FROM tree
    UNION
    SELECT ancestry.member, i.inhparent
    FROM ancestry
    JOIN pg_catalog.pg_class c ON c.oid = ancestry.ancestor AND c.relispartition
    JOIN pg_catalog.pg_inherits i ON i.inhrelid = ancestry.ancestor
), published AS (
    SELECT c.oid, to_jsonb(v) ->> 'rowfilter' IS NOT NULL AS is_filtered,
           to_jsonb(v) -> 'attnames' AS columns
    FROM pg_catalog.pg_publication_tables v
    JOIN pg_catalog.pg_namespace n ON n.nspname = v.schemaname
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.tablename
    WHERE v.pubname = $2::text
)
"""

MEMBERS = f"""{_TREE}
SELECT tree.root, c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
       c.relpersistence::text AS persistence, c.relreplident::text AS identity,
       pg_catalog.pg_relation_filenode(c.oid)::int8 AS file,
       ARRAY(SELECT a.ancestor FROM ancestry a WHERE a.member = c.oid) AS ancestors,
       (SELECT array_agg(a.attname::text)
        FROM pg_catalog.pg_index i
        CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, position)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
        WHERE i.indrelid = c.oid AND i.indisvalid AND k.position <= i.indnkeyatts
          AND CASE c.relreplident WHEN 'd' THEN i.indisprimary AND i.indimmediate
                                  WHEN 'i' THEN i.indisreplident ELSE false END) AS identity_columns,
       p.oid IS NOT NULL AS is_published, COALESCE(p.is_filtered, false) AS is_filtered, p.columns
FROM tree
JOIN pg_catalog.pg_class c ON c.oid = tree.member
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
    SELECT p.oid, p.is_filtered, p.columns
    FROM ancestry a JOIN published p ON p.oid = a.ancestor
    WHERE a.member = c.oid
    LIMIT 1
) p ON true
ORDER BY tree.root, c.oid
"""
"""Every relation that holds rows of a slice, or has those that do as its parts.

`to_jsonb` because the view has neither a filter nor a list of columns before version 15.
"""

PLACES = """
WITH RECURSIVE ancestry AS (
    SELECT oid AS member, oid AS ancestor FROM unnest($1::oid[]) AS oid
    UNION
    SELECT ancestry.member, i.inhparent
    FROM ancestry JOIN pg_catalog.pg_inherits i ON i.inhrelid = ancestry.ancestor
)
SELECT member, ancestor FROM ancestry
"""
"""What a relation is a part of, itself included."""

TYPES = """
SELECT md5(concat(
    (SELECT string_agg(concat_ws(' ', e.oid, e.enumlabel), ',' ORDER BY e.oid) FROM pg_catalog.pg_enum e),
    (SELECT string_agg(concat_ws(' ', a.attrelid, a.attnum, a.attname, a.atttypid), ','
                       ORDER BY a.attrelid, a.attnum)
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind = 'c' AND a.attnum > 0)))
"""
"""What enums and composite types are made of; a change of it shows in no relation."""

NOW = "SELECT pg_catalog.pg_current_wal_insert_lsn()::text"
SNAPSHOT = "SELECT pg_catalog.txid_current_snapshot()::text"
RUNNING = """
SELECT COALESCE(array_agg(DISTINCT transactionid::text::oid), '{}') FROM pg_catalog.pg_locks
WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted
"""
"""Every transaction that has a number holds a lock on it until all sessions see how it ended.

A snapshot lists only those with lower numbers than one that has ended.
"""
CLOCK = "SELECT EXTRACT(epoch FROM pg_catalog.clock_timestamp())::float8"

STARTED = "SELECT pg_catalog.pg_postmaster_start_time()::text"
SENDER_TIMEOUT = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'"

HELD = """
SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)::int8 AS bytes
FROM pg_catalog.pg_replication_slots WHERE slot_name = $1::text
"""
"""How much of its log the server keeps for a slot."""

SLOT_IS_THERE = "SELECT EXISTS (SELECT FROM pg_catalog.pg_replication_slots WHERE slot_name = $1::text)"

BLOCKING = """
SELECT string_agg(concat('process ', a.pid, ' since ', a.xact_start::timestamptz(0)), ', '
                  ORDER BY a.xact_start)
FROM (SELECT pid, xact_start FROM pg_catalog.pg_stat_activity
      WHERE backend_xid IS NOT NULL AND pid <> $1::int4 ORDER BY xact_start LIMIT 3) a
"""
PREPARED = """
SELECT string_agg(quote_literal(gid), ', ' ORDER BY prepared)
FROM (SELECT gid, prepared FROM pg_catalog.pg_prepared_xacts ORDER BY prepared LIMIT 3) p
"""
END_SESSION = "SELECT pg_catalog.pg_terminate_backend($1::int4)"
