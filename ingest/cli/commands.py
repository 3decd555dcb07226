"""The command line: `elastic-ingest -c config.yml` runs the service; `check` and `sandbox` help to get there.

Exit codes: 0 after a graceful stop, 1 when the service could not go on, 2 when the command or `config.yml` is
wrong.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Protocol

import click
import structlog

from ingest import log, signals
from ingest.cli.lazy import LazyGroup
from ingest.config import LOG_LEVELS, Config, load
from ingest.errors import ConfigError, IngestError
from sources.registry import SOURCES

FAILED, WRONG = 1, 2
ESSENTIAL_ACTIONS = frozenset({"schedule", "sync_content"})
"""What Elastic's service can run apart from each other; here it is one loop."""
ACTIONS = ("schedule", "sync_content", "sync_access_control", "cleanup", "list", "config")

Load = Callable[[], Config]


class Program(Protocol):
    """What the commands start: the module `ingest.service.program`, or a test's stand-in."""

    def run(self, config: Config, load: Load, /) -> Coroutine[Any, Any, None]:
        """Work until stopped; `load` reads the configuration again."""

    def check(self, config: Config, /) -> Coroutine[Any, Any, None]:
        """Check whether it could work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was said before the command's name."""

    program: Program | None
    config_file: Path
    log_level: str | None
    debug: bool
    filebeat: bool
    actions: tuple[str, ...]
    service_type: str | None
    uvloop: bool


def main() -> None:
    """Run the command line of this process; ends the process."""
    elastic_ingest.main(prog_name="elastic-ingest")


COMMANDS: Final = {
    "connector": "ingest.cli.connector:connector",
    "sync": "ingest.cli.sync:sync",
}
"""Commands about Elasticsearch, each with a module of its own."""


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(version("elastic-ingest"), "-v", "--version", message="%(prog)s %(version)s")
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
    type=click.Choice(LOG_LEVELS, case_sensitive=False),
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
    if "list" in said.actions:
        _list_sources()
    elif "config" in said.actions:
        _show_source(said.service_type)
    elif said.actions and not ESSENTIAL_ACTIONS.issubset(said.actions):
        raise click.UsageError(
            "Scheduling, syncing and cleaning up are one loop that cannot be taken apart: omit --action."
        )
    else:
        _run(said)


@elastic_ingest.command()
@click.option("-c", "--config-file", type=click.Path(path_type=Path), help="Configuration file.")
@click.pass_obj
def run(said: Options, config_file: Path | None) -> None:
    """Run the service until it is stopped; the same as no command."""
    _run(replace(said, config_file=config_file or said.config_file))


@elastic_ingest.command()
@click.option("-c", "--config-file", type=click.Path(path_type=Path), help="Configuration file.")
@click.pass_obj
def check(said: Options, config_file: Path | None) -> None:
    """Check config.yml, and that Elasticsearch answers to its credentials; then end."""
    said = replace(said, config_file=config_file or said.config_file)
    config = _configured(said)
    _end_with(_program(said).check(config))


@elastic_ingest.command()
def sandbox() -> None:
    """Start an embedded Elasticsearch and PostgreSQL to try things out on, until stopped."""
    # The one place where the service knows the sandbox, and only once somebody asks for it.
    try:
        from sandbox.tutorial import main as tutorial
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"The sandbox needs {error.name}, which is not installed: pip install 'elastic-ingest[sandbox]'"
        ) from error
    sys.exit(tutorial())


def _run(said: Options) -> None:
    config = _configured(said)
    _end_with(_program(said).run(config, lambda: _loaded(said)))


def _program(said: Options) -> Program:
    """Return what to start; imported here, since most commands do without it."""
    if said.program is not None:
        return said.program
    from ingest.service import program

    return program


def _end_with(work: Coroutine[Any, Any, None]) -> None:
    """Do the work; end the process with what it came to."""
    try:
        asyncio.run(work)
    except IngestError as error:
        structlog.get_logger().critical("service.failed", reason=str(error))
        sys.exit(FAILED)


def _configured(said: Options) -> Config:
    """Load the configuration and start logging; print every problem and end if it cannot be used."""
    try:
        return _loaded(said)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(WRONG)


def _loaded(said: Options) -> Config:
    """Load the configuration, let the command line have the last word, and log by it. Raises ConfigError."""
    config = load(said.config_file, os.environ, service_types=SOURCES)
    level = "debug" if said.debug else (said.log_level or config.service.log_level).lower()
    style = "json" if said.filebeat else config.service.log_format
    log.configure(level, style)
    unheeded = ("--uvloop: has no effect",) if said.uvloop else ()
    for warning in config.warnings + unheeded:
        structlog.get_logger().warning("config.warning", problem=warning)
    return replace(config, service=replace(config.service, log_level=level, log_format=style))


def _list_sources() -> None:
    for service_type, source in sorted(SOURCES.items()):
        click.echo(f"{service_type:<16}{source.name}")


def _show_source(service_type: str | None) -> None:
    if service_type is None or service_type not in SOURCES:
        raise click.UsageError(f"--action config needs --service-type, one of: {', '.join(sorted(SOURCES))}")
    click.echo(json.dumps(dict(SOURCES[service_type].fields), indent=2))
