"""The bare loop a sync is measured against: COPY, cut, post. It proves nothing and checks little.

PostgreSQL renders action and document, piece after piece is collected up to the size of a request, and
requests are posted while the next is read. An answer is good if it begins as an answer without errors does.
"""

import asyncio

import aiohttp
import asyncpg

from benchmarks.tasks import DATABASE, INDEX, MEBIBYTE, Done, Task

BODY_BYTES = 5 * MEBIBYTE
IN_FLIGHT = 4
SMALL_PIECE_BYTES = 2**16
NAP_SECONDS = 0.001
"""PostgreSQL flushes every 8 KiB; a short sleep after a small piece lets the kernel gather more."""

QUERY = """
    SELECT '{{"index":{{"_id":' || to_json('benchmark_' || id::text) || '}}}}', row_to_json(t) FROM {table} t
"""


class Loop:
    """Collects pieces into bodies and posts them, `IN_FLIGHT` at a time."""

    def __init__(self, session: aiohttp.ClientSession, url: str, group: asyncio.TaskGroup) -> None:
        self.rows = 0
        self._session = session
        self._url = url
        self._group = group
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._parts: list[bytes] = []
        self._size = 0

    async def take(self, piece: bytes) -> None:
        """Add a piece of the stream, which asyncpg cuts between rows."""
        if self._size + len(piece) > BODY_BYTES:
            await self.flush()
        self.rows += piece.count(b"\t")
        self._parts.append(piece.replace(b"\t", b"\n"))
        self._size += len(piece)
        if len(piece) < SMALL_PIECE_BYTES:
            await asyncio.sleep(NAP_SECONDS)

    async def flush(self) -> None:
        """Post what was collected, once a slot is free."""
        body = b"".join(self._parts)
        self._parts, self._size = [], 0
        await self._slots.acquire()
        self._group.create_task(self._post(body))

    async def _post(self, body: bytes) -> None:
        async with self._session.post(
            self._url, data=body, headers={"Content-Type": "application/x-ndjson"}
        ) as answer:
            text = await answer.read()
        if not text.startswith(b'{"errors":false'):
            raise ValueError(f"the sink answered {text[:200]!r}")
        self._slots.release()


async def copy_and_post(task: Task) -> Done:
    """Send the whole table; return the count of rows."""
    server = task.server
    connection = await asyncpg.connect(
        host=server.host, port=server.port, user=server.user, password=server.password, database=DATABASE
    )
    url = f"{task.sink}/{INDEX}/_bulk?filter_path=errors,items.*.status,items.*.error"
    try:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            loop = Loop(session, url, group)
            await connection.copy_from_query(
                QUERY.format(table=task.table),
                output=loop.take,
                format="csv",
                delimiter="\t",
                quote="\x01",
                escape="\x01",
                null="\x02",
            )
            await loop.flush()
    finally:
        await connection.close()
    return Done(counts={"read": loop.rows})
