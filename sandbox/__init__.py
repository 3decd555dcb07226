"""The embedded servers: an Elasticsearch double and a PostgreSQL, for a first run and for tests."""
