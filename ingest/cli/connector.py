"""`elastic-ingest connector ...`: connectors, listed, created, configured, scheduled and deleted."""

import asyncio
import sys
from pathlib import Path
from typing import Any, Final

import click

from ingest.cli import fields, views
from ingest.cli.output import facts, table
from ingest.cli.session import CommandFailedError, Session, with_session
from ingest.connector.cron import Schedule
from ingest.elasticsearch import index_names
from ingest.protocol import Connector, JobType, connectors, edits
from ingest.secret import STARS
from sources.contract import Finding
from sources.errors import SourceError
from sources.registry import SOURCES

_JOB_TYPES: Final = [kind.value for kind in JobType]
_PATH: Final = click.Path(path_type=Path)
_POLL_SECONDS: Final = 0.5


@click.group()
def connector() -> None:
    """List, show, create, configure, schedule and delete connectors, and edit their sync rules."""


@connector.command("list")
@with_session
async def list_(session: Session, /) -> None:
    """List every connector with its status."""
    listed = await edits.list_connectors(session.client)
    rows = table(views.CONNECTOR_COLUMNS, map(views.connector_row, listed))
    session.output.show(
        [views.without_secrets(one) for one in listed], rows if listed else "There are no connectors yet."
    )


@connector.command()
@click.argument("connector_id")
@with_session
async def show(session: Session, /, connector_id: str) -> None:
    """Show one connector: status, configuration without its secrets, schedules and sync rules."""
    found = await existing(session, connector_id)
    session.output.show(views.connector_value(found), *views.connector_tables(found))


@connector.command()
@click.argument("connector_id", required=False)
@click.option("--index-name", required=True, help="The index that becomes a mirror of the tables.")
@click.option("--service-type", default="postgresql", show_default=True, type=click.Choice(sorted(SOURCES)))
@click.option("--name", help="What people see; the id or the index's name unless given.")
@click.option("--language", help="Two-letter code: which analyzer text fields get.")
@with_session
async def create(session: Session, /, connector_id: str | None, index_name: str, **options: Any) -> None:
    """Create a connector; without CONNECTOR_ID Elasticsearch chooses an id."""
    if unusable := index_names.problem(index_name):
        raise CommandFailedError(
            f"{index_name} cannot be an index: its name {unusable}; nothing was changed."
        )
    service_type, name, language = options["service_type"], options["name"], options["language"]
    if connector_id is None:
        members = {"index_name": index_name, "service_type": service_type, "name": name or index_name}
        connector_id = await edits.post_connector(
            session.client, members | ({"language": language} if language else {})
        )
    elif not await connectors.create(
        session.client,
        connector_id,
        service_type=service_type,
        index_name=index_name,
        name=name or connector_id,
        language=language,
    ):
        raise CommandFailedError(
            f"A connector {connector_id} exists already, or was deleted under this id; nothing was changed."
        )
    session.output.show(
        {"id": connector_id},
        f"Created {connector_id}. Put this into config.yml and start the service; it registers its fields:\n"
        f"  connectors:\n    - connector_id: {connector_id}\n      service_type: {service_type}\n"
        f"Then: elastic-ingest connector configure {connector_id}",
    )


@connector.command()
@click.argument("connector_id")
@click.option("--set", "given", multiple=True, metavar="FIELD=VALUE", help="A value; repeat for more.")
@click.option("--set-file", "files", multiple=True, metavar="FIELD=FILE", help="The content of a file.")
@click.option("--set-env", "variables", multiple=True, metavar="FIELD=VARIABLE", help="A variable's value.")
@click.option("--from-file", type=_PATH, help="A JSON object of field names and values.")
@click.option("--no-test", is_flag=True, help="Do not connect to the source with the new values.")
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Seconds to wait for the service to register the fields.",
)
@with_session
async def configure(
    session: Session, /, connector_id: str, *, no_test: bool, wait_seconds: float, **given: Any
) -> None:
    """Set a connector's configuration; asks field by field unless values are given.

    Secrets come from a file, the environment or the prompt, never from the command line, where other users of
    the machine could read them.
    """
    found = await _registered(session, connector_id, wait_seconds)
    schema = found.configuration
    if any(given.values()):
        values = fields.given_values(schema, **given)
    elif sys.stdin.isatty():
        values = fields.ask(schema)
    else:
        raise click.UsageError("Use --set, --set-file, --set-env or --from-file where there is no terminal.")
    findings = await _judge(session, found, {**fields.values_of(schema), **values}, connects=not no_test)
    await edits.update_configuration(session.client, connector_id, values)
    shown = {name: STARS if fields.is_sensitive(schema, name) else value for name, value in values.items()}
    session.output.show(
        {"id": connector_id, "updated": shown, "problems": [str(one) for one in findings if one.is_fatal]},
        f"Set {', '.join(sorted(shown))} of {connector_id}.",
    )
    for one in findings:
        session.output.say(f"{'Until this is put right, jobs fail' if one.is_fatal else 'Note'}: {one}")


@connector.command()
@click.argument("connector_id")
@click.option("--full", metavar="CRON", help='When full syncs run: "0 0 3 * * ?" (Quartz syntax, UTC).')
@click.option("--incremental", metavar="CRON", help='When incremental syncs run: "0 * * * * ?".')
@click.option("--disable", multiple=True, type=click.Choice(_JOB_TYPES), help="Switch a schedule off.")
@with_session
async def schedule(
    session: Session, /, connector_id: str, *, disable: tuple[str, ...], **expressions: str | None
) -> None:
    """Set when a connector syncs by itself; without options, show it."""
    scheduling = views.scheduling_of(await existing(session, connector_id))
    changes: dict[str, Any] = {}
    for kind, expression in expressions.items():
        if expression is not None:
            changes[kind] = {"enabled": True, "interval": Schedule.parse(expression).expression}
    for kind in disable:
        changes[kind] = {**scheduling[kind], "enabled": False}
    if changes:
        await edits.update_scheduling(session.client, connector_id, changes)
    now = {**scheduling, **changes}
    session.output.show(now, facts(views.schedule_facts(now)))


@connector.command()
@click.argument("connector_id")
@click.option("--from-file", type=_PATH, help='JSON: {"rules": [...], "advanced_snippet": ...}.')
@click.option("--clear", is_flag=True, help="Remove every rule.")
@with_session
async def rules(session: Session, /, connector_id: str, from_file: Path | None, clear: bool) -> None:
    """Show a connector's sync rules, or replace their draft, which the service validates and activates."""
    if from_file is not None or clear:
        wanted = fields.read_object(from_file) if from_file else {"rules": [], "advanced_snippet": {}}
        await edits.update_filtering(
            session.client,
            connector_id,
            rules=wanted.get("rules"),
            advanced_snippet=wanted.get("advanced_snippet"),
        )
    found = await existing(session, connector_id)
    session.output.show(
        {"active": views.rules_value(found.active), "draft": views.rules_value(found.draft)},
        "Active:",
        views.rules_table(found.active),
        f"Draft ({found.draft.state or 'unknown'}):",
        views.rules_table(found.draft),
    )


@connector.command()
@click.argument("connector_id")
@click.option("--with-sync-jobs", is_flag=True, help="Delete the record of its sync jobs too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_session
async def delete(session: Session, /, connector_id: str, with_sync_jobs: bool, yes: bool) -> None:
    """Delete a connector. Its index and the documents in it stay."""
    found = await existing(session, connector_id)
    if not yes:
        click.confirm(f"Delete connector {connector_id} (index {found.index_name} stays)?", abort=True)
    await edits.delete_connector(session.client, connector_id, delete_sync_jobs=with_sync_jobs)
    session.output.show({"id": connector_id, "deleted": True}, f"Deleted {connector_id}.")


async def existing(session: Session, connector_id: str) -> Connector:
    """Read a connector. Raises CommandFailedError if there is none."""
    found = await connectors.get(session.client, connector_id, budget_seconds=edits.BUDGET_SECONDS)
    if found is None:
        raise CommandFailedError(
            f"There is no connector {connector_id}. `elastic-ingest connector list` shows those that exist."
        )
    return found


async def _registered(session: Session, connector_id: str, wait_seconds: float) -> Connector:
    """Read a connector once the service has registered its fields, which it does soon after both exist."""
    found = await existing(session, connector_id)
    if not found.configuration and wait_seconds > 0:
        click.echo(f"Waiting for the service to register the fields of {connector_id} ...", err=True)
    deadline = asyncio.get_running_loop().time() + wait_seconds
    while not found.configuration:
        if asyncio.get_running_loop().time() >= deadline:
            raise CommandFailedError(
                f"{connector_id} has no fields yet, which the service registers. "
                "Is it running, with this connector in its config.yml?"
            )
        await asyncio.sleep(min(_POLL_SECONDS, wait_seconds))
        found = await existing(session, connector_id)
    return found


async def _judge(
    session: Session, found: Connector, values: dict[str, Any], *, connects: bool
) -> list[Finding]:
    """Let the source say whether the values can be used, whether it answers with them, and what it lacks."""
    known = SOURCES.within(session.config.service.forbidden_networks)
    source_class = known.get(found.service_type or "")
    if source_class is None:
        return []
    try:
        async with source_class(values) as source:
            if not connects:
                return []
            await source.ping()
            return list(await source.check({}))
    except SourceError as error:
        raise CommandFailedError(f"Nothing was changed, because these values do not work: {error}") from error
