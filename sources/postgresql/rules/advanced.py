"""Advanced sync rules: the snippet's shape, and what the server says of each query.

    [{"tables": ["album"], "query": "SELECT * FROM public.album WHERE ...", "id_columns": ["albumid"]}]

The query is somebody else's SQL. It is sent over the extended protocol as `DECLARE ... CURSOR FOR <query>` in
a read-only transaction: what is not one SELECT is refused by the server's own grammar, what writes by the
transaction. Only a query that was accepted on its own is then put into a FROM clause, where the server
renders its rows; being complete and balanced by then, it cannot reach out of the parentheses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sources.contract import RuleProblem
from sources.errors import SourceConfigurationError
from sources.postgresql import statements
from sources.postgresql.catalog.catalog import Catalog
from sources.postgresql.catalog.types import Attribute, Relation
from sources.postgresql.connection import Database, Limits
from sources.postgresql.failures import translated
from sources.postgresql.render.document_sql import DocumentSQL, Origin
from sources.postgresql.render.sql import Rendering
from sources.postgresql.selection import Name
from sources.postgresql.settings import Settings

SNIPPET_ID = "advanced_snippet"
_MEMBERS = {"tables", "query", "id_columns"}
_LONGEST_QUERY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of the snippet."""

    number: int
    tables: tuple[str, ...]
    query: str
    id_columns: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How a person calls it."""
        return f"advanced rule {self.number} ({', '.join(self.tables)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A rule the server has accepted: where its documents come from, its columns, what identifies a row."""

    rule: Rule
    origin: Origin
    columns: tuple[Attribute, ...]
    key: tuple[str, ...]
    server_version: int
    relations: tuple[Relation, ...]
    """All it reads from that can be locked."""

    def document_sql(self, settings: Settings, seed: int) -> DocumentSQL:
        """Return how its rows become documents."""
        rendering = Rendering.of(settings, self.server_version)
        return DocumentSQL(
            origin=self.origin, columns=self.columns, key=self.key, rendering=rendering, seed=seed
        )


def are_given(value: Any) -> bool:
    """Say whether a snippet's value holds rules, usable or not."""
    return value is not None and value not in ({}, [])


def parse(value: Any) -> tuple[Rule, ...]:
    """Read the snippet's value; empty for no rules. Raises SourceConfigurationError naming every problem."""
    if not are_given(value):
        return ()
    if not isinstance(value, list):
        raise SourceConfigurationError("Advanced rules must be a list of objects with tables and query.")
    problems = [problem for number, item in enumerate(value, 1) for problem in _problems(number, item)]
    if problems:
        raise SourceConfigurationError(*problems)
    return tuple(
        Rule(
            number=number,
            tables=tuple(item["tables"]),
            query=item["query"].strip().rstrip(";").strip(),
            id_columns=tuple(item.get("id_columns", ())),
        )
        for number, item in enumerate(value, 1)
    )


async def validate(value: Any, database: Database) -> list[RuleProblem]:
    """Say everything that is wrong with a snippet's value; the server is asked about each query."""
    try:
        rules = parse(value)
    except SourceConfigurationError as error:
        return [_problem(error)]
    problems = []
    for rule in rules:
        try:
            await describe(rule, database)
        except SourceConfigurationError as error:
            problems.append(_problem(error))
    return problems


async def describe(rule: Rule, database: Database) -> Described:
    """Let the server parse the query and return its columns. Raises SourceConfigurationError."""
    limits = database.limits
    with translated(f"Checking {rule.label}"):
        async with database.transaction() as connection:
            look_in = statements.look_in(database.settings.schemas)
            await connection.execute(look_in, timeout=limits.command_seconds)
            described = await described_by(rule, connection, database)
            # Renders nothing yet, but lets the server refuse what cannot be rendered.
            document_sql = described.document_sql(database.settings, 0)
            query = statements.declare(document_sql.select(statements.sub_select(rule.query)))
            await connection.fetch(query, timeout=limits.command_seconds)
            return described


def _problems(number: int, item: Any) -> list[str]:
    label = f"Advanced rule {number}"
    if not isinstance(item, dict):
        return [f"{label} must be an object with tables and query."]
    problems = [f"{label} has an unknown member {name!r}." for name in item if name not in _MEMBERS]
    if not _is_names(item.get("tables")):
        problems.append(f"{label} needs tables, a list of at least one table name.")
    query = item.get("query")
    if not isinstance(query, str) or not query.strip().rstrip(";").strip():
        problems.append(f"{label} needs query, a SELECT statement.")
    elif len(query) > _LONGEST_QUERY or "\0" in query:
        problems.append(f"{label} has a query that is too long or contains a NUL character.")
    if "id_columns" in item and not _is_names(item["id_columns"]):
        problems.append(f"{label} has id_columns which is not a list of at least one column name.")
    return problems


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) and name for name in value)


def _problem(error: SourceConfigurationError) -> RuleProblem:
    return RuleProblem(ids=(SNIPPET_ID,), messages=error.problems)


async def described_by(rule: Rule, connection: Any, database: Database) -> Described:
    """Say what a rule's query returns now, as this transaction sees it."""
    catalog = Catalog(connection, database.limits.command_seconds)
    tables = await _tables(rule, catalog, database.settings)
    columns = await _columns(rule, connection, catalog, database.limits)
    described = Described(
        rule=rule,
        origin=Origin(
            database=database.settings.database,
            schema=tables[0].schema,
            tables=tuple(dict.fromkeys(table.name for table in tables)),
            is_rule=True,
        ),
        columns=columns,
        key=await _key(rule, catalog, tables, columns),
        server_version=catalog.server_version,
        relations=tuple(await catalog.locked_relations()),
    )
    await connection.fetch(statements.CLOSE, timeout=database.limits.command_seconds)
    return described


async def _tables(rule: Rule, catalog: Catalog, settings: Settings) -> list[Relation]:
    relations = {(r.schema, r.name): r for r in await catalog.relations(settings.schemas)}
    found, missing = [], []
    for table in rule.tables:
        pair = next((pair for pair in Name(table).candidates(settings.schemas) if pair in relations), None)
        if pair is None:
            missing.append(table)
        else:
            found.append(relations[pair])
    if missing:
        where = ", ".join(settings.schemas)
        raise SourceConfigurationError(f"{rule.label}: not found in schema {where}: {', '.join(missing)}.")
    return found


async def _columns(rule: Rule, connection: Any, catalog: Catalog, limits: Limits) -> tuple[Attribute, ...]:
    """Let the server accept the query on its own, and leave the cursor open."""
    await connection.fetch(statements.declare(rule.query), timeout=limits.command_seconds)
    described = await connection.prepare(statements.FETCH_NONE, timeout=limits.command_seconds)
    attributes = described.get_attributes()
    names = [attribute.name for attribute in attributes]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise SourceConfigurationError(
            f"{rule.label} returns several columns named {', '.join(repeated)}; name each with AS."
        )
    types = await catalog.types(attribute.type.oid for attribute in attributes)
    return tuple(Attribute(name=attribute.name, type=types[attribute.type.oid]) for attribute in attributes)


async def _key(
    rule: Rule, catalog: Catalog, tables: Sequence[Relation], columns: Sequence[Attribute]
) -> tuple[str, ...]:
    wanted = list(rule.id_columns)
    if not wanted:
        layouts = await catalog.layouts([table.oid for table in tables])
        for table in tables:
            if not layouts[table.oid].key:
                raise SourceConfigurationError(
                    f"{rule.label}: {table.label} has no primary key; give id_columns."
                )
            wanted += layouts[table.oid].key
    exact = {column.name for column in columns}
    folded = {column.name.lower(): column.name for column in columns}
    key = [name if name in exact else folded.get(name.lower()) for name in wanted]
    if missing := [name for name, found in zip(wanted, key, strict=True) if found is None]:
        raise SourceConfigurationError(
            f"{rule.label} does not return {', '.join(missing)}, which identifies its rows;"
            " add it to the query, or name other columns in id_columns."
        )
    return tuple(dict.fromkeys(name for name in key if name is not None))
