"""Which relations a sync reads: what the configuration names, held against what the catalog says.

Whatever is selected and cannot be read becomes a finding. A table that silently drops out would look like one
whose rows are gone.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sources.contract import Finding
from sources.errors import SourceConfigurationError, SourceUnavailableError, shortlist
from sources.postgresql.catalog.catalog import Catalog
from sources.postgresql.catalog.findings import (
    access_problems,
    grouped,
    key_problems,
    view_problem,
)
from sources.postgresql.catalog.types import Layout, Relation
from sources.postgresql.selection import Exclusions, Name
from sources.postgresql.settings import Settings

_TABLES = "rp"
_Pair = tuple[str, str]
"""Schema and name."""


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
    """Find every selected relation, its columns and its key; as many queries for one as for thousands."""
    missing = await catalog.missing_schemas(settings.schemas)
    findings = [
        _fatal(
            f"Schema {schema!r} does not exist.",
            "Correct Schema; names are spelled exactly as in PostgreSQL.",
        )
        for schema in missing
    ]
    existing = {(r.schema, r.name): r for r in await catalog.relations(settings.schemas)}
    children = await catalog.children()
    left_out = _left_out(existing, settings)
    chosen, unknown = _chosen(existing, left_out, settings)
    if not missing:
        findings += unknown
    chosen, inheriting = _without_repeats(chosen, children, left_out, settings)
    findings += _partition_findings(chosen, existing.values(), children, left_out)
    problems = [problem for relation in chosen for problem in access_problems(relation)]
    views = [relation.oid for relation in chosen if relation.kind == "v"]
    hidden = await catalog.hidden_by_views(views) if views else {}
    problems += [
        view_problem(relation, *hidden[relation.oid]) for relation in chosen if relation.oid in hidden
    ]
    layouts = await catalog.layouts([relation.oid for relation in chosen])
    keys = {pair: columns for name, columns in settings.selection.key_columns.items()
            if (pair := _meant(name, existing, settings.schemas)) is not None}  # fmt: skip
    targets = [
        Target(
            relation=relation,
            layout=layouts.get(relation.oid, Layout(columns=(), key=())),
            only=relation.oid in inheriting,
            given_key=keys.get((relation.schema, relation.name), ()),
        )
        for relation in chosen
    ]
    problems += [problem for t in targets for problem in key_problems(t.relation, t.layout, t.given_key)]
    return Discovery(targets=tuple(targets), findings=(*findings, *grouped(problems)))


async def rediscovered(catalog: Catalog, target: Target, oid: int) -> Target:
    """Return what a relation's name means now, which is the relation with this oid, or which was altered.

    Raises SourceConfigurationError if it cannot be read, and SourceUnavailableError if how tables inherit
    from each other has to be looked at again.
    """
    before = target.relation
    relation = next((r for r in await catalog.relations([before.schema]) if r.oid == oid), None)
    layout = (await catalog.layouts([oid])).get(oid)
    inherits_alike = relation is not None and (relation.kind, relation.is_partition) == (
        before.kind,
        before.is_partition,
    )
    if target.only or before.has_children or (relation is not None and relation.has_children):
        inherits_alike = inherits_alike and oid == before.oid
    if relation is None or layout is None or not inherits_alike:
        raise SourceUnavailableError(
            f"Table {before.label} was replaced by another kind of table of the same name meanwhile."
        )
    found = replace(target, relation=relation, layout=layout)
    if problems := [*access_problems(relation), *key_problems(relation, layout, target.given_key)]:
        raise SourceConfigurationError(*(str(finding) for finding in grouped(problems)))
    return found


def effective_key(target: Target) -> tuple[str, ...]:
    """Return the columns that identify a row."""
    return target.given_key or target.layout.key


def _fatal(problem: str, remedy: str) -> Finding:
    return Finding(problem=problem, remedy=remedy)


def _left_out(existing: Mapping[_Pair, Relation], settings: Settings) -> set[int]:
    """Return the relations that the list of tables excludes."""
    exclusions = Exclusions.of(settings.selection.excluded, settings.schemas)
    return {relation.oid for pair, relation in existing.items() if exclusions.cover(*pair)}


def _chosen(
    existing: Mapping[_Pair, Relation], left_out: Collection[int], settings: Settings
) -> tuple[list[Relation], list[Finding]]:
    chosen: dict[int, Relation] = {}
    if settings.selection.every_table:
        chosen = {r.oid: r for r in existing.values() if r.kind in _TABLES and not r.is_partition}
    unknown = []
    for name in settings.selection.names:
        pair = _meant(name, existing, settings.schemas)
        if pair is None:
            unknown.append(str(name))
        else:
            chosen.setdefault(existing[pair].oid, existing[pair])
    kept = [relation for relation in chosen.values() if relation.oid not in left_out]
    findings = _unknown_findings(unknown, settings)
    if chosen and not kept:
        findings.append(_fatal("The list of tables leaves out every table it names.", "Correct it."))
    return kept, findings


def _unknown_findings(unknown: Sequence[str], settings: Settings) -> list[Finding]:
    if not unknown:
        return []
    where = f"in schema {', '.join(settings.schemas)}"
    if len(unknown) == 1:
        problem = f"Table {unknown[0]!r} was not found {where}."
    else:
        problem = (
            f"{len(unknown)} tables were not found {where}: {shortlist([repr(name) for name in unknown])}."
        )
    return [Finding(problem=problem, remedy="Correct the list of tables.", subjects=tuple(unknown))]


def _partition_findings(
    chosen: Iterable[Relation],
    existing: Iterable[Relation],
    children: Mapping[int, Sequence[int]],
    left_out: Collection[int],
) -> list[Finding]:
    """Say so where a partition is to be left out of a table that is read as a whole."""
    if not left_out:
        return []
    labels = {relation.oid: relation.label for relation in existing}
    return [
        _fatal(
            f"{labels.get(partition, 'A partition')} is part of {relation.label} and cannot be left out.",
            f"Leave out {relation.label}, or read it by an advanced rule.",
        )
        for relation in chosen
        if relation.kind == "p"
        for partition in sorted(_descendants(relation.oid, children) & set(left_out))
    ]


def _meant(name: Name, existing: Container[_Pair], schemas: Sequence[str]) -> _Pair | None:
    return next((pair for pair in name.candidates(schemas) if pair in existing), None)


def _without_repeats(
    chosen: Sequence[Relation],
    children: Mapping[int, Sequence[int]],
    left_out: Collection[int],
    settings: Settings,
) -> tuple[list[Relation], set[int]]:
    """Read each row once where tables inherit from each other.

    If all that inherit from a table are chosen too, or left out, each is read alone. Otherwise the table is
    read as SQL reads it, with all that inherit from it, and under the wildcard these are then not read again.
    """
    oids = {relation.oid for relation in chosen} | set(left_out)
    pairs = {(relation.schema, relation.name) for relation in chosen}
    named = {pair for name in settings.selection.names if (pair := _meant(name, pairs, settings.schemas))}
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


def _descendants(oid: int, children: Mapping[int, Sequence[int]]) -> set[int]:
    found: set[int] = set()
    pending = [oid]
    while pending:
        below = [child for child in children.get(pending.pop(), ()) if child not in found]
        found.update(below)
        pending += below
    return found
