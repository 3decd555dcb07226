"""Everything the service says to Elasticsearch, and the only place that says it."""
