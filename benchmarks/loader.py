"""Post bulk bodies that lie ready in files: the least that loading these documents takes."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from benchmarks.real_elasticsearch import without_credentials
from benchmarks.tasks import INDEX, Done, Task

IN_FLIGHT = 5
"""As the service sends them unless told otherwise."""


async def load(task: Task) -> Done:
    """Send every body to the index, which is there, refresh it and count.

    Each answer is read whole and must tell of no error.
    """
    url, credentials = without_credentials(task.sink)
    headers = {"Content-Type": "application/x-ndjson", **credentials}
    slots = asyncio.Semaphore(IN_FLIGHT)
    async with aiohttp.ClientSession(headers=headers) as session, asyncio.TaskGroup() as group:
        for body in _bodies(task):
            await slots.acquire()
            group.create_task(_post(session, f"{url}/{INDEX}/_bulk", body, slots))
    async with aiohttp.ClientSession(headers=credentials) as session:
        async with session.post(f"{url}/{INDEX}/_refresh") as answer:
            answer.raise_for_status()
        async with session.get(f"{url}/{INDEX}/_count") as answer:
            counted = (await answer.json())["count"]
    if counted != task.rows:
        raise ValueError(f"the index holds {counted} of {task.rows} documents")
    return Done(counts={"read": task.rows})


def _bodies(task: Task) -> Iterator[bytes]:
    for file in sorted(Path(task.bodies or "").iterdir()):
        yield file.read_bytes()


async def _post(session: aiohttp.ClientSession, url: str, body: bytes, slots: asyncio.Semaphore) -> None:
    params = {"filter_path": "errors,items.*.status,items.*.error"}
    async with session.post(url, data=body, params=params) as answer:
        text = await answer.read()
    if not text.startswith(b'{"errors":false'):
        raise ValueError(f"Elasticsearch answered {text[:200]!r}")
    slots.release()
