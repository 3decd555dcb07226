"""Which relations a sync reads: what the configuration names, held against what the catalog says.

Whatever is selected and cannot be read becomes a finding. A table that silently drops out would look like one
whose rows are gone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sources.contract import Finding
from sources.postgresql.catalog.catalog import Catalog
from sources.postgresql.catalog.types import Layout, Relation
from sources.postgresql.selection import Name
from sources.postgresql.settings import Settings

_TABLES = "rp"
_GRANT = "Grant the role USAGE on the schema and SELECT on it, or leave it out of the list of tables."


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A relation to read, with its columns and its key."""

    relation: Relation
    layout: Layout
    only: bool = False
    """Whether to leave out tables that inherit from it, because they are read by themselves."""
    given_key: tuple[str, ...] = ()
    """The key columns of the configuration, empty if the table's own key is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What there is to read and what is wrong with it."""

    targets: tuple[Target, ...]
    findings: tuple[Finding, ...]


async def discover(catalog: Catalog, settings: Settings) -> Discovery:
    """Find every selected relation, its columns and its key."""
    missing = await catalog.missing_schemas(settings.schemas)
    findings = [
        _fatal(
            f"Schema {schema!r} does not exist.",
            "Correct Schema; names are spelled exactly as in PostgreSQL.",
        )
        for schema in missing
    ]
    relations = await catalog.relations(settings.schemas)
    chosen, unknown = _chosen(relations, settings)
    if not missing:
        findings += unknown
    chosen, inheriting = _without_repeats(chosen, await catalog.children(), settings)
    findings += [finding for relation in chosen for finding in _access_findings(relation)]
    layouts = await catalog.layouts([relation.oid for relation in chosen])
    keys = {pair: columns for name, columns in settings.selection.key_columns.items()
            if (pair := _meant(name, relations, settings.schemas)) is not None}  # fmt: skip
    targets = []
    for relation in chosen:
        layout = layouts.get(relation.oid, Layout(columns=(), key=()))
        target = Target(
            relation=relation,
            layout=layout,
            only=relation.oid in inheriting,
            given_key=keys.get((relation.schema, relation.name), ()),
        )
        targets.append(target)
        findings += key_findings(target)
    return Discovery(targets=tuple(targets), findings=tuple(findings))


async def database_findings(catalog: Catalog) -> list[Finding]:
    """Report what stops nothing but should be known: a role that may write, an unsafe encoding."""
    role = await catalog.role()
    findings = []
    powers = list(role["powers"])
    powers += ["superuser"] if role["is_superuser"] else []
    powers += ["BYPASSRLS"] if role["bypasses_row_security"] and not role["is_superuser"] else []
    if powers:
        findings.append(
            Finding(
                problem=f"Role {role['name']} may do more than read ({', '.join(powers)}).",
                remedy="Use a role that has only CONNECT, USAGE and SELECT.",
                is_fatal=False,
            )
        )
    if await catalog.encoding() == "SQL_ASCII":
        findings.append(
            Finding(
                problem="The database's encoding is SQL_ASCII, which does not check texts.",
                remedy="A table whose text is not valid UTF-8 cannot be read; convert the database.",
                is_fatal=False,
            )
        )
    return findings


def effective_key(target: Target) -> tuple[str, ...]:
    """Return the columns that identify a row."""
    return target.given_key or target.layout.key


def key_findings(target: Target) -> Iterable[Finding]:
    """Say what is wrong with the key of a relation."""
    label = target.relation.label
    names = {column.name for column in target.layout.columns}
    if target.given_key:
        absent = [column for column in target.given_key if column not in names]
        if absent:
            yield _fatal(f"{label} has no column {', '.join(absent)}.", "Correct Id columns.")
    elif not target.layout.key:
        yield _fatal(
            f"{label} has no primary key and no unique key without nulls, so its rows cannot be told apart.",
            "Add a primary key, name identifying columns in Id columns, use an advanced rule with id_columns,"
            " or leave it out of the list of tables.",
        )


def _fatal(problem: str, remedy: str) -> Finding:
    return Finding(problem=problem, remedy=remedy)


def _access_findings(relation: Relation) -> Iterable[Finding]:
    if not relation.is_readable:
        yield _fatal(f"The role may not read {relation.label}.", _GRANT)
    elif relation.is_filtered:
        yield _fatal(
            f"Row security would hide rows of {relation.label} from the role.",
            "Exempt the role with BYPASSRLS, or read what it may see through a view.",
        )


def _chosen(relations: Sequence[Relation], settings: Settings) -> tuple[list[Relation], list[Finding]]:
    by_name = {(relation.schema, relation.name): relation for relation in relations}
    chosen: dict[int, Relation] = {}
    findings = []
    if settings.selection.every_table:
        chosen = {r.oid: r for r in relations if r.kind in _TABLES and not r.is_partition}
    for name in settings.selection.names:
        pair = _meant(name, relations, settings.schemas)
        if pair is None:
            where = ", ".join(settings.schemas)
            findings.append(
                _fatal(f"Table {str(name)!r} was not found in schema {where}.", "Correct the list of tables.")
            )
        else:
            chosen.setdefault(by_name[pair].oid, by_name[pair])
    return list(chosen.values()), findings


def _meant(name: Name, relations: Sequence[Relation], schemas: Sequence[str]) -> tuple[str, str] | None:
    existing = {(relation.schema, relation.name) for relation in relations}
    return next((pair for pair in name.candidates(schemas) if pair in existing), None)


def _without_repeats(
    chosen: Sequence[Relation], children: dict[int, list[int]], settings: Settings
) -> tuple[list[Relation], set[int]]:
    """Read each row once where tables inherit from each other.

    If all that inherit from a table are chosen too, each is read alone. Otherwise the table is read as SQL
    reads it, with all that inherit from it, and under the wildcard these are then not read again.
    """
    oids = {relation.oid for relation in chosen}
    named = {pair for name in settings.selection.names if (pair := _meant(name, chosen, settings.schemas))}
    alone: set[int] = set()
    covered: set[int] = set()
    for relation in chosen:
        if relation.kind != "r" or not relation.has_children:
            continue
        below = _descendants(relation.oid, children)
        if below <= oids:
            alone.add(relation.oid)
        else:
            covered |= below
    kept = [r for r in chosen if r.oid not in covered or (r.schema, r.name) in named]
    return kept, alone


def _descendants(oid: int, children: dict[int, list[int]]) -> set[int]:
    found: set[int] = set()
    pending = [oid]
    while pending:
        below = [child for child in children.get(pending.pop(), ()) if child not in found]
        found.update(below)
        pending += below
    return found
