"""docs/command-line.md lists exactly the commands there are."""

import re
from collections.abc import Iterator

import click

from ingest.cli.commands import elastic_ingest
from tests.repo import project

PAGE = (project.ROOT / "docs/command-line.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `elastic-ingest ")]


def commands(group: click.Group, *path: str) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name))


def test_every_command_is_on_the_page_and_every_one_there_exists() -> None:
    documented = [re.sub(r"[^a-z ].*", "", row.removeprefix("| `elastic-ingest ")).strip() for row in ROWS]

    assert sorted(documented) == sorted(commands(elastic_ingest))


def test_every_command_says_what_it_does() -> None:
    context = click.Context(elastic_ingest)
    for name in elastic_ingest.list_commands(context):
        command = elastic_ingest.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str()
