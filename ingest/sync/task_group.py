"""A task group for several requests at once, of whose failures the most specific one is raised."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ingest.errors import IngestError, JobCanceledError, JobLostError
from sources.errors import SourceError


@asynccontextmanager
async def task_group() -> AsyncGenerator[asyncio.TaskGroup, None]:
    """Give a group of tasks and wait for all of them."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        raise _most_specific(failures) from failures


def _most_specific(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    for kind in (JobLostError, JobCanceledError, IngestError, SourceError, Exception):
        if (matching := failures.subgroup(kind)) is not None:
            first: BaseException = matching
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            return first
    return failures
