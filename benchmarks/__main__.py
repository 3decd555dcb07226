"""Command line of the benchmarks: list them, or run one or all of them."""

import json
import signal
import sys
from typing import Any

import click
from rich.console import Console

from benchmarks.arena import Arena
from benchmarks.datasets import SHAPES
from benchmarks.follow.follower import WAYS
from benchmarks.follow.measures import MEASURES
from benchmarks.scenarios import SCENARIOS, Request


@click.command()
@click.argument("name", required=False, type=click.Choice([*SCENARIOS, "all"]))
@click.option("--rows", type=click.IntRange(min=100), help="Rows of the table.")
@click.option(
    "--shape", type=click.Choice([*SHAPES]), default="narrow", show_default=True, help="Kind of table."
)
@click.option(
    "--repeat", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each contestant."
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.1),
    default=0.5,
    show_default=True,
    help="How long `follow` watches what takes its time.",
)
@click.option(
    "--part", "parts", type=click.Choice([*MEASURES]), multiple=True, help="What of `follow` to measure."
)
@click.option("--way", "ways", type=click.Choice(WAYS), multiple=True, help="How `follow` follows.")
@click.option(
    "--apart", is_flag=True, help="Give the Elasticsearch of `cluster_share` half of the cores for itself."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(name: str | None, repeat: int, as_json: bool, **asked: Any) -> None:
    """Run the benchmark NAME, or all; without a name, list them.

    Ends with status 1 if a target is missed.
    """
    if name is None:
        click.echo(listing())
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped, too
    names = [*SCENARIOS] if name == "all" else [name]
    console = Console(width=160)
    missed = 0
    with Arena() as arena:
        machine = arena.machine
        if not as_json:
            console.print(str(machine), highlight=False)
        for one in names:
            report = SCENARIOS[one](arena, Request(repeats=repeat, **asked))
            missed += sum(not check.holds for check in report.checks)
            if as_json:
                click.echo(json.dumps(report.to_wire(machine)))
            else:
                report.print_to(console)
    sys.exit(1 if missed else 0)


def listing() -> str:
    """Return one line a benchmark: its name and the first line of its docstring."""
    width = max(map(len, SCENARIOS))
    return "\n".join(
        f"{name:{width}}  {(scenario.__doc__ or '').splitlines()[0]}" for name, scenario in SCENARIOS.items()
    )


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
