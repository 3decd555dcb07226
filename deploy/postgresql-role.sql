-- The role that the service reads with. It may connect, look into one schema and read its tables; nothing else.
--
--   psql --dbname=chinook --set=schema=public --set=password=... --file=postgresql-role.sql
--
-- Run it as the owner of the tables: the last grant makes tables that this role creates later readable as well.
-- Run it again for a second schema, or in a second database of the same server: a role that exists keeps what it has
-- and is only granted more. Its password is set if one is given; without, it stays, and a new role has none until
-- \password elastic_ingest sets one. Either everything here is done or nothing.
\set ON_ERROR_STOP on
BEGIN;
SELECT current_database() AS database,
       NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'elastic_ingest') AS is_new \gset
\if :is_new
CREATE ROLE elastic_ingest LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 20;
\endif
\if :{?password}
ALTER ROLE elastic_ingest PASSWORD :'password';
\endif
GRANT CONNECT ON DATABASE :"database" TO elastic_ingest;
GRANT USAGE ON SCHEMA :"schema" TO elastic_ingest;
GRANT SELECT ON ALL TABLES IN SCHEMA :"schema" TO elastic_ingest;
ALTER DEFAULT PRIVILEGES IN SCHEMA :"schema" GRANT SELECT ON TABLES TO elastic_ingest;
COMMIT;
