"""The four connectors over one database, each with an index of its own, and the documents of rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DATABASE = "torture"
SCHEMA = "public"
RULE_QUERY = (
    "SELECT al.id, al.title, al.version, ar.name FROM public.album al "
    "LEFT JOIN public.artist ar ON ar.id = al.artist_id"
)
RULES: tuple[Mapping[str, Any], ...] = (
    {"tables": ["album", "artist"], "query": RULE_QUERY, "id_columns": ["id"]},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """One connector, and how its documents are named."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """Its configuration, besides where the database is."""
    follows: bool = False
    has_rule: bool = False

    @property
    def index(self) -> str:
        """The name of its index."""
        return f"search-{self.name}"

    def document_id(self, table: str, key: str) -> str | None:
        """Return the id of a row's document; None if the row has none here."""
        if not self.has_rule:
            return f"{DATABASE}_{SCHEMA}_{table}_{key}"
        return f"{DATABASE}_{SCHEMA}_album,artist_{key}" if table == "album" else None


CONNECTORS = (
    Connector(name="plain"),
    Connector(name="rule", has_rule=True),
    Connector(name="log", values={"follow": True, "follow_interval": 1}, follows=True),
    Connector(
        name="poll",
        values={"follow": True, "follow_interval": 1, "follow_publication": "none_such"},
        follows=True,
    ),
)


def fields_of(prefix: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a document that are columns of its row."""
    return {f"{SCHEMA}_{prefix}_{name}": value for name, value in row.items()}
