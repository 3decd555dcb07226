"""Where a source is found by its service type."""

from sources.contract import Source
from sources.postgresql import PostgreSQL

SOURCES: dict[str, type[Source]] = {PostgreSQL.service_type: PostgreSQL}
