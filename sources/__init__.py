"""The adapters. They know nothing of Elasticsearch's jobs or of the service; the service knows them by `SOURCES`."""

from sources.base import Source
from sources.postgresql import PostgreSQL

SOURCES: dict[str, type[Source]] = {PostgreSQL.service_type: PostgreSQL}
