"""The checks of `elastic-ingest check`: everything a connector's first job needs, before it runs."""
