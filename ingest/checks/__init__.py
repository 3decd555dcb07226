"""What the first job would find out, found out before it: everything that `elastic-ingest check` looks at."""
