"""Queries PostgreSQL's catalog and returns what it says as records."""

from collections.abc import Iterable, Sequence
from typing import Any

from sources.postgresql import statements
from sources.postgresql.catalog import presence_queries, queries
from sources.postgresql.catalog.types import (
    Attribute,
    Layout,
    Presence,
    Relation,
    ServerFacts,
    Type,
    TypeKind,
)

_KINDS = {
    "b": TypeKind.BASE,
    "c": TypeKind.COMPOSITE,
    "d": TypeKind.DOMAIN,
    "e": TypeKind.ENUM,
    "m": TypeKind.MULTIRANGE,
    "r": TypeKind.RANGE,
    "p": TypeKind.PSEUDO,
}


class Catalog:
    """Asks one connection's catalog. Types once resolved are kept, so use one only within a transaction."""

    def __init__(self, connection: Any, timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout = timeout_seconds
        self._types: dict[int, Type] = {}

    @property
    def server_version(self) -> int:
        """The server's major version."""
        major: int = self._connection.get_server_version().major
        return major

    async def missing_schemas(self, schemas: Sequence[str]) -> list[str]:
        """Return those of the schemas that do not exist."""
        found = {row["nspname"] for row in await self._fetch(queries.SCHEMAS, list(schemas))}
        return [schema for schema in schemas if schema not in found]

    async def relations(self, schemas: Sequence[str]) -> list[Relation]:
        """Return every table, view and the like of the schemas, readable or not, ordered by name."""
        rows = await self._fetch(queries.RELATIONS, list(schemas))
        partitioned = [row["oid"] for row in rows if row["kind"] == "p"]
        estimates = {}
        if partitioned:
            sums = await self._fetch(queries.PARTITIONED_ROWS, partitioned)
            estimates = {row["root"]: row["estimated_rows"] for row in sums}
        return [Relation(**(dict(row) | _estimate(row, estimates))) for row in rows]

    async def locked_relations(self) -> list[Relation]:
        """Return what the statements of this transaction read from, as far as LOCK TABLE would take it.

        A table under a view which we may not read ourselves is left out: locking the view locks it.
        """
        return [Relation(**dict(row)) for row in await self._fetch(queries.LOCKED_RELATIONS)]

    async def children(self) -> dict[int, list[int]]:
        """Return which tables inherit from which, partitions included."""
        children: dict[int, list[int]] = {}
        for row in await self._fetch(queries.INHERITANCE):
            children.setdefault(row["parent"], []).append(row["child"])
        return children

    async def layouts(self, oids: Sequence[int]) -> dict[int, Layout]:
        """Return columns and keys of relations that exist; an empty key where the server guarantees none."""
        rows = await self._fetch(queries.COLUMNS, list(oids))
        types = await self.types(row["type"] for row in rows)
        keys: dict[int, tuple[str, ...]] = {}
        for row in await self._fetch(queries.KEYS, list(oids)):
            keys.setdefault(row["relation"], tuple(row["columns"]))
        columns: dict[int, list[Attribute]] = {oid: [] for oid in {row["relation"] for row in rows}}
        for row in rows:
            is_key = row["name"] in keys.get(row["relation"], ())
            columns[row["relation"]].append(
                Attribute(
                    name=row["name"], type=types[row["type"]], modifier=row["modifier"], is_not_null=is_key
                )
            )
        shapes = {row["oid"]: row["shape"] for row in await self._fetch(presence_queries.SHAPES, list(oids))}
        return {
            oid: Layout(columns=tuple(found), key=keys.get(oid, ()), shape=shapes[oid])
            for oid, found in columns.items()
        }

    async def types(self, oids: Iterable[int]) -> dict[int, Type]:
        """Return the types of these oids, complete with all they consist of."""
        missing = list({oid for oid in oids if oid not in self._types})
        if missing:
            query = (
                queries.TYPES_WITH_MULTIRANGES
                if self.server_version >= 14
                else queries.TYPES_WITHOUT_MULTIRANGES
            )
            rows = {row["oid"]: row for row in await self._fetch(query, missing)}
            members: dict[int, list[Any]] = {}
            composites = [row["relation"] for row in rows.values() if row["kind"] == "c"]
            if composites:
                for row in await self._fetch(queries.COLUMNS, composites):
                    members.setdefault(row["relation"], []).append(row)
            for oid in rows:
                self._resolve(oid, rows, members)
        return self._types

    async def presence(self, schema: str, name: str, *, with_types: bool) -> Presence | None:
        """Return what there is under this name; None if there is nothing."""
        query = presence_queries.PRESENCE_WITH_TYPES if with_types else presence_queries.PRESENCE
        rows = await self._fetch(query, schema, name)
        return Presence(**(dict(rows[0]) | {"files": tuple(rows[0]["files"])})) if rows else None

    async def server(self) -> ServerFacts | None:
        """Return what the server says of itself; None if the role may not ask."""
        may_ask = (await self._fetch(presence_queries.MAY_ASK))[0][0]
        return ServerFacts(**(await self._fetch(presence_queries.SERVER))[0]) if may_ask else None

    async def types_of(self, oid: int) -> str | None:
        """Return the digest of a relation's types, see `Presence.types`; None too if it is gone."""
        rows = await self._fetch(presence_queries.TYPES, oid)
        return rows[0][0] if rows else None

    async def have_files(self, files: Sequence[str]) -> bool:
        """Say whether relations are still in the files they were in; a rewrite changes them."""
        # What a command did is told without asking for rows, which takes one round trip instead of two.
        tag = await self._connection.execute(statements.have_files(files), timeout=self._timeout)
        return bool(tag == "SELECT 1")

    async def files(self, oids: Iterable[int]) -> tuple[tuple[str, ...], ...]:
        """Return the files of each existing relation and its children; a rewrite changes them."""
        return tuple(tuple(row[0]) for row in await self._fetch(presence_queries.FILES, sorted(oids)))

    async def hidden_by_views(self, oids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return for each view whose own reading row security would limit: the table, and who reads it."""
        found: dict[int, tuple[str, str]] = {}
        for row in await self._fetch(queries.HIDDEN_BY_VIEWS, list(oids)):
            found.setdefault(row["view"], (f"{row['schema']}.{row['name']}", row["reader"]))
        return found

    async def role(self) -> Any:
        """Return what the current role may do beyond reading."""
        return (await self._fetch(queries.ROLE))[0]

    async def encoding(self) -> str:
        """Return the database's encoding."""
        encoding: str = (await self._fetch(queries.ENCODING))[0][0]
        return encoding

    async def _fetch(self, query: str, *arguments: Any) -> list[Any]:
        rows: list[Any] = await self._connection.fetch(query, *arguments, timeout=self._timeout)
        return rows

    def _resolve(self, oid: int, rows: dict[int, Any], members: dict[int, list[Any]]) -> Type:
        if oid in self._types:
            return self._types[oid]
        row = rows[oid]
        kind = _KINDS[row["kind"]]
        if row["is_array"] and kind is TypeKind.BASE:
            kind = TypeKind.ARRAY
        part_oid = {
            TypeKind.ARRAY: row["element"],
            TypeKind.DOMAIN: row["base"],
            TypeKind.RANGE: row["subtype"],
            TypeKind.MULTIRANGE: row["range"],
        }.get(kind)
        self._types[oid] = found = Type(
            oid=oid,
            schema=row["schema"],
            name=row["name"],
            kind=kind,
            part=self._resolve(part_oid, rows, members) if part_oid else None,
            modifier=row["modifier"],
            attributes=tuple(
                Attribute(
                    name=member["name"],
                    type=self._resolve(member["type"], rows, members),
                    modifier=member["modifier"],
                )
                for member in members.get(row["relation"], ())
                if kind is TypeKind.COMPOSITE
            ),
            sender=(row["sender_schema"], row["sender"]) if row["sender"] else None,
            has_json_cast=row["has_json_cast"],
            has_geojson=row["has_geojson"],
        )
        return found


def _estimate(row: Any, estimates: dict[int, int]) -> dict[str, int | None]:
    return {"estimated_rows": estimates.get(row["oid"], row["estimated_rows"])}
