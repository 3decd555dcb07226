"""Starting the service and its check: the configuration, logging, and what the process ends with."""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import click

from ingest import log
from ingest.cli import FAILED, WRONG, collecting
from ingest.cli.options import Options, Program
from ingest.config import Config, load
from ingest.errors import ConfigError, IngestError
from sources.registry import SOURCES


def run(said: Options) -> None:
    """Run the service until it is stopped; ends the process if it cannot go on."""
    config = _configured(said)
    _end_with(_program(said).run(config, lambda: _loaded(said)))


def list_sources() -> None:
    """Print the sources there are."""
    for service_type, source in sorted(SOURCES.items()):
        click.echo(f"{service_type:<16}{source.name}")


def show_source(service_type: str | None) -> None:
    """Print a source's configuration fields."""
    if service_type is None or service_type not in SOURCES:
        raise click.UsageError(f"--action config needs --service-type, one of: {', '.join(sorted(SOURCES))}")
    click.echo(json.dumps(dict(SOURCES[service_type].fields), indent=2))


def _program(said: Options) -> Program:
    if said.program is not None:
        return said.program
    from ingest.service import program

    return program


def _end_with(work: Coroutine[Any, Any, None]) -> None:
    """Do the work; end the process with what it came to."""
    collecting.begin()
    try:
        asyncio.run(work)
    except IngestError as error:
        log.get_logger().critical("service.failed", reason=str(error))
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
    """Load the configuration, apply the command line's options, and configure logging. Raises ConfigError."""
    config = load(said.config_file, os.environ, service_types=SOURCES)
    level = "debug" if said.debug else (said.log_level or config.service.log_level).lower()
    style = "json" if said.filebeat else config.service.log_format
    log.configure(level, style)
    unheeded = ("--uvloop: has no effect",) if said.uvloop else ()
    for warning in config.warnings + unheeded:
        log.get_logger().warning("config.warning", problem=warning)
    return replace(config, service=replace(config.service, log_level=level, log_format=style))
