"""The command line: `elastic-ingest -c config.yml` runs the service; `check` and `sandbox` help to get there.

Exit codes: 0 after a graceful stop, 1 when the service could not go on, 2 when the command or `config.yml` is
wrong. A command imports what it needs when it runs, so that the others do not wait for it.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from ingest.cli.lazy import LazyGroup
from ingest.cli.options import Options
from ingest.stopping import signals

ESSENTIAL_ACTIONS = frozenset({"schedule", "sync_content"})
"""What Elastic's service can run apart from each other; here it is one loop."""
LEVELS = ("debug", "info", "warning", "error", "critical")
ACTIONS = ("schedule", "sync_content", "sync_access_control", "cleanup", "list", "config")


def main() -> None:
    """Run the command line of this process; ends the process."""
    elastic_ingest.main(prog_name="elastic-ingest")


COMMANDS: Final = {
    "check": "ingest.cli.check:check",
    "connector": "ingest.cli.connector:connector",
    "rejected": "ingest.cli.rejected:rejected",
    "status": "ingest.cli.status:status",
    "sync": "ingest.cli.sync:sync",
    "verify": "ingest.cli.verify:verify",
}
"""Commands about Elasticsearch, each with a module of its own."""


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(None, "-v", "--version", package_name="elastic-ingest", message="%(prog)s %(version)s")
@click.option(
    "-c",
    "--config-file",
    type=click.Path(path_type=Path),
    default=Path("config.yml"),
    show_default=True,
    help="Configuration file.",
)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS, case_sensitive=False),
    help="Least severe lines that are logged, instead of service.log_level.",
)
@click.option("--debug", is_flag=True, help="Short for --log-level debug.")
@click.option("--filebeat", is_flag=True, help="Log JSON, instead of service.log_format.")
@click.option(
    "--action",
    "actions",
    type=click.Choice(ACTIONS),
    multiple=True,
    help="For compatibility: list and config show what sources there are, the others run the service.",
)
@click.option("--service-type", help="The source whose configuration --action config shows.")
@click.option("--uvloop", is_flag=True, help="For compatibility: has no effect.")
@click.pass_context
def elastic_ingest(context: click.Context, /, **options: Any) -> None:
    """Mirror PostgreSQL tables in Elasticsearch: work for the connectors in config.yml until stopped."""
    context.obj = said = Options(program=context.obj, **options)
    if context.invoked_subcommand is not None:
        if context.invoked_subcommand != "run":
            signals.end_on_stop(exit_code=None)  # what was asked for was not done
        return
    from ingest.cli import starting

    if "list" in said.actions:
        starting.list_sources()
    elif "config" in said.actions:
        starting.show_source(said.service_type)
    elif said.actions and not ESSENTIAL_ACTIONS.issubset(said.actions):
        raise click.UsageError(
            "Scheduling, syncing and cleaning up are one loop that cannot be taken apart: omit --action."
        )
    else:
        starting.run(said)


@elastic_ingest.command()
@click.option("-c", "--config-file", type=click.Path(path_type=Path), help="Configuration file.")
@click.pass_obj
def run(said: Options, config_file: Path | None) -> None:
    """Run the service until it is stopped; the same as no command."""
    from ingest.cli import starting

    starting.run(replace(said, config_file=config_file or said.config_file))


@elastic_ingest.command()
def sandbox() -> None:
    """Start an embedded Elasticsearch and PostgreSQL to try things out on, until stopped."""
    # Imported here alone, when the command runs: nothing else of the service depends on the sandbox.
    try:
        from sandbox.tutorial import main as tutorial
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"The sandbox needs {error.name}, which is not installed; "
            "in the folder of the source: pip install '.[sandbox]'"
        ) from error
    sys.exit(tutorial())
