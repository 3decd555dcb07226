"""What needs a real Elasticsearch: the server itself, a relay in front of it, and tests of whole syncs."""
