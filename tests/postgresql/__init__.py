"""PostgreSQL of every supported version, full installations, for `make test-postgresql`."""
