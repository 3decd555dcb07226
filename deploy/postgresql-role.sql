-- The role that the service reads with. It may connect, look into one schema and read its tables; nothing else.
--
--   psql --dbname=chinook --set=schema=public --set=password=... --file=postgresql-role.sql
--
-- Run it as the owner of the tables: the last line makes tables that this role creates later readable as well.
\set ON_ERROR_STOP on
CREATE ROLE elastic_ingest LOGIN PASSWORD :'password'
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 20;
SELECT current_database() AS database \gset
GRANT CONNECT ON DATABASE :"database" TO elastic_ingest;
GRANT USAGE ON SCHEMA :"schema" TO elastic_ingest;
GRANT SELECT ON ALL TABLES IN SCHEMA :"schema" TO elastic_ingest;
ALTER DEFAULT PRIVILEGES IN SCHEMA :"schema" GRANT SELECT ON TABLES TO elastic_ingest;
