"""What PostgreSQL's catalog says about types, columns, relations and keys, as records. No SQL, no I/O."""

from dataclasses import dataclass
from enum import Enum
from typing import Self

FIRST_USER_OID = 16384
"""Objects with smaller oids came with the server."""


class TypeKind(Enum):
    """What a type is made of, as far as rendering goes."""

    BASE = "base"
    ENUM = "enum"
    DOMAIN = "domain"
    COMPOSITE = "composite"
    ARRAY = "array"
    RANGE = "range"
    MULTIRANGE = "multirange"
    PSEUDO = "pseudo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """One data type, complete down to the base types it consists of."""

    oid: int
    schema: str
    name: str
    kind: TypeKind
    part: Self | None = None
    """An array's element, a domain's base, a range's subtype, a multirange's range."""
    modifier: int = -1
    """A domain's modifier for its base, e.g. the precision of a numeric."""
    attributes: tuple["Attribute", ...] = ()
    """A composite's members."""
    sender: tuple[str, str] | None = None
    """Schema and name of the function that gives the binary form of a value."""
    has_json_cast: bool = False
    """Whether a cast to json says what JSON a value is."""
    has_geojson: bool = False
    """Whether its schema has a function that gives GeoJSON of it, as PostGIS does."""

    @property
    def inner(self) -> Self:
        """The `part` of a type that is made of one other type."""
        if self.part is None:
            raise ValueError(f"type {self.name} is not made of another type")
        return self.part

    @property
    def base_name(self) -> str:
        """The name if the type came with the server, otherwise empty: for tables of built-in types."""
        return self.name if self.schema == "pg_catalog" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A column of a relation, or a member of a composite."""

    name: str
    type: Type
    modifier: int = -1
    is_not_null: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table, view or the like, and what we are allowed to do with it."""

    oid: int
    schema: str
    name: str
    kind: str
    """`pg_class.relkind`: r table, p partitioned, v view, m materialized view, f foreign table."""
    is_partition: bool
    has_children: bool
    is_heap: bool
    is_readable: bool
    is_filtered: bool
    """Whether row security would hide rows from us."""
    estimated_rows: int | None

    @property
    def label(self) -> str:
        """How a person calls it; no two relations are called the same."""
        return ".".join(f'"{part}"' if "." in part else part for part in (self.schema, self.name))

    @property
    def is_plain(self) -> bool:
        """Whether its rows have places that can be asked for."""
        return self.kind == "r" and self.is_heap

    @property
    def is_lockable(self) -> bool:
        """Whether LOCK TABLE takes it."""
        return self.kind in "rpv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of a relation and those of them that identify a row."""

    columns: tuple[Attribute, ...]
    key: tuple[str, ...]
    shape: str = ""
    """A digest of all this was made from, to be compared with a later one."""

    @property
    def has_user_types(self) -> bool:
        """Whether a column is of a type that did not come with the server."""
        return any(column.type.oid >= FIRST_USER_OID for column in self.columns)

    def column(self, name: str) -> Attribute:
        """Return the column of that name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What there is under a name at the moment a table is read, and where."""

    oid: int
    shape: str
    """See `Layout.shape`."""
    types: str | None
    """A digest of the types of its columns that did not come with the server; None for none, or not asked."""
    columns: str
    """All that its columns are declared as."""
    files: tuple[str, ...]
    """For the relation and each that inherits from it: oid, the file that holds it, kind, access method."""
    pages: int | None
    """How large it is, if it is a plain table."""
    horizon: int
    """The oldest transaction the snapshot saw running."""
    server_started: str
    """The moment at which the server was started."""
    undisturbed: str
    """The moments at which its statistics began, the latest a crash, which need not end its connections."""

    @property
    def has_children(self) -> bool:
        """Whether others inherit from it."""
        return len(self.files) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What a server says of itself and of the database, which stays as it is until it is started again."""

    system: str
    timeline: str
    database: str
    """The database, and what decides how it shows values."""
    is_distributed: bool
    """Whether rows may be on other servers."""
