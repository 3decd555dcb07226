r"""From columns to the SELECT that yields documents in the line format of `sources.contract`.

A row comes as two texts, `id \x01 hash` and `members`; COPY's delimiter between them is the \x02 which the
format asks for; so a row needs no work in Python at all. Quote, escape and null of the csv format are control
characters too. They cannot occur in JSON, so nothing is ever quoted.

Members are concatenated: `concat` of `name||value` pairs, with the hash, is as fast as `row_to_json` of a
sub-select with the same members without it (measured), and lets us choose the form of every value. A `concat`
of single parts is a third slower, as it copies every argument once more; a chain of `||` alone copies what it
has so far with every step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sources.contract import HASH_END, ID_END
from sources.postgresql.catalog.types import Attribute
from sources.postgresql.quoting import identifier, json_string, literal
from sources.postgresql.render import mappings
from sources.postgresql.render.hashing import hash_sql, seed_of
from sources.postgresql.render.ids import JsonId, json_id, prefix_of
from sources.postgresql.render.names import field_names
from sources.postgresql.render.sql import Rendering, joined
from sources.postgresql.render.values import json_text

ALIAS = "t"
CONSTANTS = ("id", "database", "schema", "table")
"""Members of every document; the others are fields of columns."""
_ID_MEMBER = '"id":'

COPY_OPTIONS: Mapping[str, str] = {
    "format": "csv",
    "delimiter": HASH_END.decode(),
    "quote": "\x04",
    "escape": "\x04",
    "null": "\x05",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where documents come from, as they say it themselves."""

    database: str
    schema: str
    tables: tuple[str, ...]
    is_rule: bool = False
    """Whether `table` is a list, as for the documents of an advanced rule."""

    @property
    def id_prefix(self) -> str:
        """What the ids of all documents begin with."""
        return prefix_of(self.database, self.schema, self.tables)

    def fields(self, columns: Sequence[str]) -> dict[str, str]:
        """Return the field of each column."""
        return field_names(self.schema, self.tables, columns)

    @property
    def table_json(self) -> str:
        """The value of `table`."""
        names = [json_string(name) for name in self.tables]
        return f"[{','.join(names)}]" if self.is_rule else names[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSQL:
    """The SQL that reads one relation or query as documents."""

    origin: Origin
    columns: tuple[Attribute, ...]
    key: tuple[str, ...]
    rendering: Rendering
    seed: int
    wanted: str = "true"
    """The SQL condition of the rows to read."""

    def select(self, source: str) -> str:
        """Return the SELECT of the two parts of each row of `source`, for COPY with `COPY_OPTIONS`."""
        return f"SELECT {self._head},{self._members} FROM {source} AS t WHERE {self.wanted}"

    def select_hashes(self, source: str) -> str:
        """Return the SELECT of id, hash and place of each row of a plain table, for COPY likewise."""
        return f"SELECT {self._head},ctid FROM {source} AS t WHERE {self.wanted}"

    @property
    def row_hash(self) -> str:
        """The SQL of a hash of the whole row, its key included."""
        seed = seed_of(self.seed, str(self.rendering.server_version), self._members)
        columns = [(reference(column.name), column) for column in self.columns]
        return hash_sql(columns, seed, self.rendering)

    @property
    def identity(self) -> str:
        """The SQL of a row's id, over the same alias as the SELECTs."""
        return self._id.between("", "")

    def id_of(self, values: Sequence[str]) -> str:
        """Return the SQL of the id, as a JSON string, of a row whose key has these expressions' values."""
        by_name = {column.name: column for column in self.columns}
        parts = [(value, by_name[name]) for name, value in zip(self.key, values, strict=True)]
        return json_id(self.origin.id_prefix, parts).between("", "")

    @property
    def mapping(self) -> Mapping[str, Any]:
        """Return Elasticsearch `properties` of all members."""
        constants = {name: mappings.keyword() for name in CONSTANTS}
        names = self.origin.fields([column.name for column in self.columns])
        fields = {
            names[column.name]: mappings.column_mapping(column.type, column.modifier)
            for column in self.columns
        }
        return constants | fields

    @property
    def fields(self) -> Mapping[str, str]:
        """Return the column that each field is made of."""
        names = self.origin.fields([column.name for column in self.columns])
        return {field: column for column, field in names.items()}

    @property
    def _id(self) -> JsonId:
        by_name = {column.name: column for column in self.columns}
        return json_id(self.origin.id_prefix, [(reference(name), by_name[name]) for name in self.key])

    @property
    def _head(self) -> str:
        return f"{self._id.between('', ID_END.decode())}||{self._hash}::text"

    @property
    def _hash(self) -> str:
        """Hash what the id does not already tell; an id and a hash together stand for a document."""
        columns = [(reference(c.name), c) for c in self.columns if c.name not in self.key]
        seed = seed_of(self.seed, str(self.rendering.server_version), self._members)
        return hash_sql(columns, seed, self.rendering)

    @property
    def _members(self) -> str:
        names = self.origin.fields([column.name for column in self.columns])
        parts = [self._id.between(_ID_MEMBER, self._constants)]
        for column in self.columns:
            name = literal(f",{json_string(names[column.name])}:")
            parts.append(f"{name}||{json_text(reference(column.name), column, self.rendering)}")
        parts[-1] += "||'}'"
        return joined(parts)

    @property
    def _constants(self) -> str:
        return (
            f',"database":{json_string(self.origin.database)},"schema":{json_string(self.origin.schema)}'
            f',"table":{self.origin.table_json}'
        )


def reference(column: str) -> str:
    """Name a column of a row in the SELECTs."""
    return f"{ALIAS}.{identifier(column)}"
