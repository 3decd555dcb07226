"""The connector service: reads `config.yml`, works off sync jobs, mirrors a source into Elasticsearch."""
