"""The adapters. They know nothing of Elasticsearch, jobs or the service, which finds them in `registry`."""
