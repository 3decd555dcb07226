"""The adapters. They know nothing of Elasticsearch, jobs or the service, which knows them by `SOURCES`."""

from sources.base import Source
from sources.postgresql import PostgreSQL

SOURCES: dict[str, type[Source]] = {PostgreSQL.service_type: PostgreSQL}
