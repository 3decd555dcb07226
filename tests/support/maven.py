"""Programs of others that tests run against, fetched by their Maven coordinates into a folder."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

FETCH_SECONDS = 300


class UnavailableError(Exception):
    """This machine cannot run the program; the message says in one line what is missing."""


def fetched(coordinates: str, folder: Path) -> Path:
    """Copy the artifact `group:name:version:extension` into a folder; Maven keeps it in its own cache.

    Raises UnavailableError.
    """
    if shutil.which("mvn") is None:
        raise UnavailableError("mvn not found; Maven fetches the programs that are tested against.")
    _, name, version, extension = coordinates.split(":")
    goal = ["mvn", "--quiet", "--batch-mode", "dependency:copy"]
    run([*goal, f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}"])
    return folder / f"{name}-{version}.{extension}"


def run(
    command: Sequence[str], *, environment: dict[str, str] | None = None, stdin: str | None = None
) -> None:
    """Run a program to its end. Raises UnavailableError with the first line of what it said."""
    try:
        subprocess.run(
            command,
            input=stdin,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=FETCH_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{command[0]} took longer than {FETCH_SECONDS} s.") from None
    except subprocess.CalledProcessError as error:
        output = (error.stdout + error.stderr).strip()
        raise UnavailableError(
            f"{Path(command[0]).name} failed: {' '.join(output.splitlines()[:1])[:300]}"
        ) from None
