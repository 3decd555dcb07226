"""The service as its own process, started as a person would start it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ENVIRONMENT: Final = {**os.environ, "PYTHONPATH": str(ROOT)}


@asynccontextmanager
async def service_process(
    folder: Path, *, below: Sequence[str] = ()
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the service with the `config.yml` of a folder, `below` another command; its log is `log`.

    A process that is left at the end is killed.
    """
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(*below, sys.executable, "-m", "ingest", "-c", "config.yml"),
            cwd=folder,
            env=ENVIRONMENT,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
