"""`elastic-ingest check`: checks everything a connector's first job needs, and prints each finding."""

import json

import click
from rich.text import Text

from ingest.checks.quick import quick_checks
from ingest.checks.report import Check, Severity
from ingest.cli import FAILED
from ingest.cli.output import table
from ingest.cli.session import Session, with_session

_MARKS = {
    Severity.OK: ("ok     ", "green"),
    Severity.NOTE: ("note   ", "yellow"),
    Severity.PROBLEM: ("problem", "bold red"),
}


@click.command()
@click.argument("connector_id", required=False)
@click.option("--samples", is_flag=True, help="Show three documents as they would be indexed.")
@click.option("--quick", is_flag=True, help="Only what a container's health check asks.")
@with_session
async def check(session: Session, /, connector_id: str | None, samples: bool, quick: bool) -> None:
    """Check everything the service and its first jobs need; exit code 1 if something would not work.

    Looks at config.yml, Elasticsearch, the privileges of its keys, each connector, its index, pipelines and
    source, and reads a few documents. Nothing is written. With --quick, asks the service that runs here
    whether it works if service.status_port is set, and otherwise only whether Elasticsearch answers.
    """
    found: list[Check] = []
    if quick:
        checks = quick_checks(session.config, session.client)
    else:
        # Most of the service, which a health check can do without.
        from ingest.checks.all_checks import examine

        checks = examine(session.config, session.client, connector_id=connector_id)
    async for one in checks:
        found.append(one)
        if not session.output.as_json:
            _print(session, one, samples)
    problems = sum(one.severity is Severity.PROBLEM for one in found)
    verdict = f"{problems} problems" if problems > 1 else "1 problem" if problems else "No problems"
    session.output.show(
        {"problems": problems, "checks": [one.to_wire() for one in found]}, f"{verdict} found."
    )
    if problems:
        raise SystemExit(FAILED)


def _print(session: Session, one: Check, samples: bool) -> None:
    mark, style = _MARKS[one.severity]
    session.output.console.print(Text.assemble((mark, style), f"  {one.subject}: {one.sentence}"))
    tables = one.facts.get("tables")
    if tables:
        rows = [(each["name"], each["estimated_rows"], each["fields"]) for each in tables]
        session.output.console.print(table(("  table", "rows, about", "fields"), rows))
    if samples:
        for document in one.facts.get("samples", ()):
            session.output.console.print(Text(json.dumps(document, indent=2, ensure_ascii=False)))
