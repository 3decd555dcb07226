"""The adapters. Independent of Elasticsearch, jobs and the service, which finds them in `registry`."""
