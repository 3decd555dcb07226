"""Findings about relations: what would stop a sync or surprise its owner, once for all it concerns."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sources.contract import Finding
from sources.errors import shortlist
from sources.postgresql.catalog.catalog import Catalog
from sources.postgresql.catalog.types import Layout, Relation


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one relation, in words that other relations with the same problem share."""

    subject: str
    one: str
    """Completes a sentence that begins with the relation."""
    many: str
    """Completes a sentence that begins with a number of relations."""
    remedy: str


def key_problems(relation: Relation, layout: Layout, given_key: tuple[str, ...]) -> Iterator[Problem]:
    names = {column.name for column in layout.columns}
    absent = ", ".join(column for column in given_key if column not in names)
    if absent:
        yield Problem(
            relation.label,
            f"has no column {absent}",
            f"have no column {absent}",
            "Correct Id columns.",
        )
    elif not given_key and not layout.key:
        yield Problem(
            relation.label,
            "has no primary key and no unique key without nulls, so its rows cannot be told apart",
            "have no primary key and no unique key without nulls, so their rows cannot be told apart",
            "Add a primary key, name identifying columns in Id columns, use an advanced rule with id_columns,"
            " or leave it out of the list of tables (!name).",
        )


def access_problems(relation: Relation) -> Iterator[Problem]:
    if not relation.is_readable:
        yield Problem(
            relation.label,
            "may not be read by the role",
            "may not be read by the role",
            "Grant the role USAGE on the schema and SELECT on it, or leave it out of the list of tables"
            " (!name).",
        )
    elif relation.is_filtered:
        yield Problem(
            relation.label,
            "has row security, which would hide rows from the role",
            "have row security, which would hide rows from the role",
            "Exempt the role with BYPASSRLS, or read what it may see through a view.",
        )


def view_problem(view: Relation, table: str, reader: str) -> Problem:
    what = f"as role {reader}, from which row security would hide rows of {table}"
    return Problem(
        view.label,
        f"reads {what}",
        f"read {what}",
        f"Exempt {reader} with BYPASSRLS, or give the view to an owner whom the policies do not limit.",
    )


def grouped(problems: Iterable[Problem]) -> list[Finding]:
    """Make one finding of all relations with the same problem."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for each in problems:
        alike.setdefault((each.one, each.many, each.remedy), []).append(each.subject)
    findings = []
    for (one, many, remedy), subjects in alike.items():
        problem = f"{subjects[0]} {one}."
        if len(subjects) > 1:
            problem = f"{len(subjects)} tables {many}: {shortlist(subjects)}."
        findings.append(Finding(problem=problem, remedy=remedy, subjects=tuple(subjects)))
    return findings


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
