"""Advanced sync rules: the snippet's shape, and the result of a rule's query as a slice.

    [{"tables": ["album"], "query": "SELECT * FROM public.album WHERE ...", "id_columns": ["albumid"]}]

The query is somebody else's SQL. It is sent over the extended protocol as `DECLARE ... CURSOR FOR <query>` in
a read-only transaction: what is not one SELECT is refused by the server's own grammar, what writes by the
transaction. Only a query that was accepted on its own is then put into a FROM clause, where the server
renders its rows; being complete and balanced by then, it cannot reach out of the parentheses.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from typing import Any

from sources.contract import Batch, IsUnchanged, RowTest, RuleProblem, Snapshot
from sources.errors import SourceConfigurationError, SourceUnavailableError
from sources.postgresql import statements
from sources.postgresql.catalog.catalog import Catalog
from sources.postgresql.catalog.types import Attribute, Relation
from sources.postgresql.connection import Limits, transaction
from sources.postgresql.failures import translated
from sources.postgresql.read.blocks import batch_of, changed_batch_of
from sources.postgresql.render.documents import Documents, Origin
from sources.postgresql.render.values import Rendering
from sources.postgresql.selection import Name
from sources.postgresql.settings import Settings
from sources.unversioned import unversioned

SNIPPET_ID = "advanced_snippet"
_MEMBERS = {"tables", "query", "id_columns"}
_LONGEST_QUERY = 1_000_000
_BLOCK_BYTES = 512 * 1024
_MOST_ROWS_AT_ONCE = 20_000


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


async def validate(value: Any, settings: Settings, limits: Limits) -> list[RuleProblem]:
    """Say everything that is wrong with a snippet's value; the server is asked about each query."""
    try:
        rules = parse(value)
    except SourceConfigurationError as error:
        return [_problem(error)]
    problems = []
    for rule in rules:
        try:
            await describe(rule, settings, limits)
        except SourceConfigurationError as error:
            problems.append(_problem(error))
    return problems


async def describe(rule: Rule, settings: Settings, limits: Limits) -> Described:
    """Let the server parse the query and say what it returns. Raises SourceConfigurationError for what is
    wrong.
    """
    with translated(f"Checking {rule.label}"):
        async with transaction(settings, limits) as connection:
            await connection.execute(statements.look_in(settings.schemas), timeout=limits.command_seconds)
            catalog = Catalog(connection, limits.command_seconds)
            tables = await _tables(rule, catalog, settings)
            columns = await _columns(rule, connection, catalog, limits)
            described = Described(
                rule=rule,
                origin=Origin(
                    database=settings.database,
                    schema=tables[0].schema,
                    tables=tuple(dict.fromkeys(table.name for table in tables)),
                    is_rule=True,
                ),
                columns=columns,
                key=await _key(rule, catalog, tables, columns),
                server_version=catalog.server_version,
                relations=tuple(await catalog.locked_relations()),
            )
            # Renders nothing yet, but lets the server refuse what cannot be rendered.
            await connection.fetch(statements.CLOSE, timeout=limits.command_seconds)
            documents = _documents(described, settings, 0)
            await connection.fetch(
                statements.declare(_lines(documents, rule)), timeout=limits.command_seconds
            )
            return described


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSlice:
    """The result of one advanced rule's query."""

    settings: Settings
    limits: Limits
    described: Described
    seed: int

    @property
    def name(self) -> str:
        return self.described.rule.label

    @property
    def estimated_rows(self) -> int | None:
        return None

    @property
    def mapping(self) -> Mapping[str, Any]:
        return _documents(self.described, self.settings, self.seed).mapping()

    @property
    def scope(self) -> None:
        """None: several rules may read the same tables."""
        return

    def narrowed(self, tests: Sequence[RowTest]) -> None:
        """Leave the rows to the service: the query's columns are known only once it runs."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Open the result, which has no row versions."""
        return unversioned(self, "The result of an advanced rule has no row versions.")

    async def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Read the whole result under one snapshot; see `sources.contract.Slice`."""
        rule = self.described.rule
        with translated(f"Reading {self.name}"):
            async with transaction(self.settings, self.limits) as connection:
                catalog = Catalog(connection, self.limits.command_seconds)
                patience = self.limits.lock_seconds + self.limits.command_seconds
                await connection.execute(
                    statements.look_in(self.settings.schemas), timeout=self.limits.command_seconds
                )
                for relation in self.described.relations:
                    source = statements.relation(relation.schema, relation.name)
                    await connection.execute(statements.lock(source), timeout=patience)
                files = [await catalog.files(relation.oid) for relation in self.described.relations]
                columns = await _columns(rule, connection, catalog, self.limits)
                described = replace(self.described, columns=columns)
                if missing := [name for name in described.key if name not in {c.name for c in columns}]:
                    raise SourceConfigurationError(f"{self.name} no longer returns {', '.join(missing)}.")
                await connection.fetch(statements.CLOSE, timeout=self.limits.command_seconds)
                documents = _documents(described, self.settings, self.seed)
                await connection.fetch(
                    statements.declare(_lines(documents, rule)), timeout=self.limits.stall_seconds
                )
                async with aclosing(self._blocks(connection)) as blocks:
                    async for block in blocks:
                        yield (
                            batch_of(block) if is_unchanged is None else changed_batch_of(block, is_unchanged)
                        )
                if [await catalog.files(relation.oid) for relation in self.described.relations] != files:
                    raise SourceUnavailableError(
                        f"Reading {self.name} failed: a table was rewritten meanwhile."
                    )
                await connection.execute(statements.COMMIT, timeout=self.limits.command_seconds)

    async def _blocks(self, connection: Any) -> AsyncGenerator[bytes, None]:
        """Fetch as many rows at a time as make up a block, beginning with the configured number."""
        count = self.settings.fetch_size
        while rows := await connection.fetch(statements.fetch(count), timeout=self.limits.stall_seconds):
            lines = [row[0] for row in rows]
            block = "\n".join([*lines, ""]).encode()
            yield block
            if len(rows) < count:
                return
            count = max(1, min(count * _BLOCK_BYTES // len(block), count * 8, _MOST_ROWS_AT_ONCE))


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
    described = await connection.prepare(statements.fetch(0), timeout=limits.command_seconds)
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


def _documents(described: Described, settings: Settings, seed: int) -> Documents:
    return Documents(
        origin=described.origin,
        columns=described.columns,
        key=described.key,
        rendering=Rendering(
            server_version=described.server_version, max_value_bytes=settings.max_value_bytes
        ),
        seed=seed,
    )


def _lines(documents: Documents, rule: Rule) -> str:
    return documents.select_lines(statements.sub_select(rule.query))
