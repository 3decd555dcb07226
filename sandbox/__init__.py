"""The embedded default: an Elasticsearch double and a PostgreSQL server for a first run and for tests."""
