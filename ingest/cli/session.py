"""What the commands share that talk to Elasticsearch: `-c`, `--json`, an open client, and how they end.

Exit codes: 0 done, 1 refused, not reached or not as asked, 2 the command or `config.yml` is wrong.
"""

import asyncio
import functools
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from ingest import log
from ingest.cli import FAILED, WRONG, collecting
from ingest.cli.output import Output
from ingest.config import Config, load
from ingest.elasticsearch.client import Client, connect
from ingest.errors import ConfigError, ElasticsearchRefusedError, IngestError

DEFAULT_FILE: Final = Path("config.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One command under way."""

    config: Config
    client: Client
    output: Output


class CommandFailedError(IngestError):
    """What was asked cannot be done as things are; the message says what to do. Exit code 1."""


def with_session(work: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make a command of `async def work(session, /, **parameters)`, with `-c` and `--json` of its own.

    `-c` may also stand before the command's name, as for running the service.
    """

    @click.option("-c", "--config-file", type=click.Path(path_type=Path), help="Configuration file.")
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @click.pass_context
    @functools.wraps(work)
    def command(
        context: click.Context, /, config_file: Path | None, as_json: bool, **parameters: Any
    ) -> None:
        config = configuration(context, config_file)
        output = Output(as_json=as_json)
        log.configure("error", config.service.log_format)  # what a command finds, it says itself

        async def run() -> None:
            async with connect(config.elasticsearch) as client:
                await work(Session(config=config, client=client, output=output), **parameters)

        collecting.begin()
        try:
            asyncio.run(run())
        except IngestError as error:
            _fail(error, output)

    return command


def configuration(context: click.Context, given: Path | None) -> Config:
    """Load the file that was named nearest to the command; end the process with 2 if it cannot be used."""
    before = context.find_root().params.get("config_file")
    try:
        return load(given or before or DEFAULT_FILE, os.environ, requires_connectors=False)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(WRONG)


def _fail(error: IngestError, output: Output) -> None:
    sentence = _sentence(error)
    if output.as_json:
        click.echo(json.dumps({"error": sentence}, ensure_ascii=False))
    else:
        click.echo(f"Error: {sentence}", err=True)
    sys.exit(FAILED)


def _sentence(error: IngestError) -> str:
    """Prefer the server's own reason to the request's line, where it is about what the person typed."""
    if isinstance(error, ElasticsearchRefusedError) and error.status in (400, 404) and error.reason:
        return error.reason
    return str(error)
