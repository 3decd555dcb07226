"""Commands of `elastic-ingest` as an operator types them, in the test's process or each in one of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from sandbox import calls
from sandbox.world import World
from tests.support.command_line import ENVIRONMENT, Finished, run_command

NAME = "music-by-hand"
INDEX = calls.INDEX


def command(place: World, *arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    return run_command(*arguments, config_file=place.config_file, environment=environment)


def process(
    place: World, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "ingest", *arguments, "-c", str(place.config_file)],
        cwd=place.folder,
        env={**os.environ, **ENVIRONMENT, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def answer(place: World, *arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    finished = command(place, *arguments, "--json", environment=environment)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return json.loads(finished.stdout)


def configure(place: World, **changed: Any) -> Finished:
    values = {**place.connector_values, **changed}
    password = str(values.pop("password"))
    pairs = [part for name, value in values.items() for part in ("--set", f"{name}={value}")]
    return command(
        place, "connector", "configure", NAME, *pairs, "--set-env", "password=DB_PASSWORD",
        environment={"DB_PASSWORD": password},
    )  # fmt: skip
