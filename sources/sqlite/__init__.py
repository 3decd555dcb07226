"""SQLite as a source: full syncs of the tables of one database file."""

from sources.sqlite.source import SQLite

__all__ = ["SQLite"]
