"""Findings about relations: what would stop a sync or surprise its owner, once for all it concerns."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sources.contract import Finding
from sources.postgresql.catalog.catalog import Catalog
from sources.postgresql.catalog.types import Layout, Relation

MOST_NAMED = 20
"""How many relations with the same fault are named in its message."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one relation, in words that other relations with the same fault share."""

    subject: str
    one: str
    """Completes a sentence that begins with the relation."""
    many: str
    """Completes a sentence that begins with a number of relations."""
    remedy: str


def key_faults(relation: Relation, layout: Layout, given_key: tuple[str, ...]) -> Iterator[Fault]:
    names = {column.name for column in layout.columns}
    absent = ", ".join(column for column in given_key if column not in names)
    if absent:
        yield Fault(
            relation.label,
            f"has no column {absent}",
            f"have no column {absent}",
            "Correct Id columns.",
        )
    elif not given_key and not layout.key:
        yield Fault(
            relation.label,
            "has no primary key and no unique key without nulls, so its rows cannot be told apart",
            "have no primary key and no unique key without nulls, so their rows cannot be told apart",
            "Add a primary key, name identifying columns in Id columns, use an advanced rule with id_columns,"
            " or leave it out of the list of tables (!name).",
        )


def access_faults(relation: Relation) -> Iterator[Fault]:
    if not relation.is_readable:
        yield Fault(
            relation.label,
            "may not be read by the role",
            "may not be read by the role",
            "Grant the role USAGE on the schema and SELECT on it, or leave it out of the list of tables"
            " (!name).",
        )
    elif relation.is_filtered:
        yield Fault(
            relation.label,
            "has row security, which would hide rows from the role",
            "have row security, which would hide rows from the role",
            "Exempt the role with BYPASSRLS, or read what it may see through a view.",
        )


def view_fault(view: Relation, table: str, reader: str) -> Fault:
    what = f"as role {reader}, from which row security would hide rows of {table}"
    return Fault(
        view.label,
        f"reads {what}",
        f"read {what}",
        f"Exempt {reader} with BYPASSRLS, or give the view to an owner whom the policies do not limit.",
    )


def grouped(faults: Iterable[Fault]) -> list[Finding]:
    """Make one finding of all relations with the same fault."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for fault in faults:
        alike.setdefault((fault.one, fault.many, fault.remedy), []).append(fault.subject)
    findings = []
    for (one, many, remedy), subjects in alike.items():
        problem = f"{subjects[0]} {one}."
        if len(subjects) > 1:
            problem = f"{len(subjects)} tables {many}: {shortlist(subjects)}."
        findings.append(Finding(problem=problem, remedy=remedy, subjects=tuple(subjects)))
    return findings


def shortlist(names: Sequence[str]) -> str:
    """Name the first of many, and say how many more there are."""
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


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
