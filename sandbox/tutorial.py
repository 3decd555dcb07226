"""Keep the world up for trying things out, and say how to reach it (`make sandbox`)."""

import sys
import time

from rich.console import Console

from sandbox import calls
from sandbox.process import Process
from sandbox.world import DATABASE, World, play

LOOK_SECONDS = 0.5


def main() -> int:
    """Run the sandbox until it is stopped; return the exit code."""
    return play(_stay, Console(highlight=False, soft_wrap=True))


def commands(world: World) -> list[tuple[str, str]]:
    """Return the tutorial: purpose and command of each step, to be run in this order."""
    (artist,) = world.sql("SELECT name FROM artist WHERE artist_id = 77").splitlines()
    steps = (
        calls.CREATE_CONNECTOR,
        calls.READ_CONNECTOR,
        calls.configure(world.connector_values),
        calls.START_SYNC,
        calls.READ_JOBS,
        calls.find("public_artist_name", artist),
    )
    return [(step.purpose, world.elasticsearch.as_curl(step)) for step in steps]


def _stay(world: World, console: Console) -> None:
    with world.service() as service:
        _say_how_to_reach_it(world, console)
        for number, (purpose, command) in enumerate(commands(world), 1):
            console.print(f"\n[bold]# {number}. {purpose}[/]")
            console.print(command, markup=False)
        console.print("\n[bold]Ctrl-C stops everything and removes it.[/]")
        _watch(service)


def _say_how_to_reach_it(world: World, console: Console) -> None:
    cluster, elasticsearch = world.cluster, world.elasticsearch
    database = f"postgresql://{cluster.user}:{cluster.password}@{cluster.host}:{cluster.port}/{DATABASE}"
    console.print(f"Elasticsearch  {elasticsearch.url}")
    console.print(f"               user {elasticsearch.username}, password {elasticsearch.password}")
    console.print(f"PostgreSQL     {database}")
    console.print(f"Service        elastic-ingest -c {world.config_file}")
    console.print(f"               its log: {world.folder / 'service.log'}")


def _watch(service: Process) -> None:
    """Stay until Ctrl-C, or until the service ends, which it should not."""
    while True:
        service.check()
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
