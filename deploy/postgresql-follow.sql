-- What following needs in a database besides postgresql-role.sql: the REPLICATION attribute and a publication.
--
--   psql --dbname=chinook --set=schema=public --file=postgresql-follow.sql
--
-- Run it as a superuser, or as the owner of the tables who may also alter the role; on RDS as the master user. The server
-- has to run with wal_level = logical. Run it again for a second schema, or for tables that were created later.
--
-- Only tables whose replica identity tells their key are added. PostgreSQL refuses UPDATE and DELETE, to everybody, on a
-- published table that has none; those are listed at the end, with what to do, and are followed by polling.
\set ON_ERROR_STOP on
BEGIN;
SELECT current_setting('wal_level') <> 'logical' AS is_not_logical,
       EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'rds_replication') AS is_rds,
       NOT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = 'elastic_ingest') AS is_new \gset
\if :is_not_logical
\warn 'wal_level is not logical: ALTER SYSTEM SET wal_level = logical; and start the server again (in a cloud: its parameter).'
\endif
\if :is_rds
GRANT rds_replication TO elastic_ingest;
\else
ALTER ROLE elastic_ingest REPLICATION;
\endif
\if :is_new
CREATE PUBLICATION elastic_ingest;
\endif
-- Partitions are published with the table they are a part of.
CREATE TEMPORARY TABLE elastic_ingest_tables ON COMMIT DROP AS
WITH RECURSIVE tree AS (
    SELECT c.oid AS root, c.oid AS member
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :'schema' AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
    UNION ALL
    SELECT tree.root, i.inhrelid
    FROM tree
    JOIN pg_catalog.pg_class c ON c.oid = tree.member AND c.relkind = 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.member
)
SELECT tree.root::regclass AS name,
       bool_and(c.relreplident = 'f' OR EXISTS (
           SELECT FROM pg_catalog.pg_index i
           WHERE i.indrelid = c.oid AND i.indisvalid
             AND CASE c.relreplident WHEN 'd' THEN i.indisprimary AND i.indimmediate ELSE i.indisreplident END
       )) AS is_identified,
       (SELECT format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I;', tree.root::regclass, x.relname)
        FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = tree.root AND i.indisunique AND i.indisvalid AND i.indimmediate
          AND i.indpred IS NULL AND i.indexprs IS NULL
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
                          WHERE a.attrelid = tree.root AND a.attnum = ANY (i.indkey) AND NOT a.attnotnull)
        ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1) AS statement
FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.member
GROUP BY tree.root;
SELECT format('ALTER PUBLICATION elastic_ingest ADD TABLE %s', t.name)
FROM elastic_ingest_tables t
WHERE t.is_identified AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid
    WHERE p.pubname = 'elastic_ingest' AND r.prrelid = t.name)
ORDER BY t.name::text \gexec
SELECT t.name AS "Not published, for it has no replica identity",
       COALESCE(t.statement, 'add a primary key') AS "What would give it one"
FROM elastic_ingest_tables t WHERE NOT t.is_identified ORDER BY t.name::text;
COMMIT;
