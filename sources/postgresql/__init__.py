"""PostgreSQL as a source. Nothing outside this package knows the driver or writes SQL."""

from sources.postgresql.source import PostgreSQL

__all__ = ["PostgreSQL"]
