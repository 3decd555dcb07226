"""Post ready-made bodies from memory as fast as sockets take them: the highest rate of the sink itself."""

import asyncio
import socket
from urllib.parse import urlsplit

from benchmarks.tasks import INDEX, MEBIBYTE, Done, Task

BODY_BYTES = 5 * MEBIBYTE
CONNECTIONS = 2
_LINES = b"""{"index":{"_id":"benchmark_public_narrow_0000001"}}
{"id":1,"name":"Article number 1 of 1","quantity":1,"changed_at":"2024-01-01T00:00:37+00:00","price":0.01}
"""


async def post(task: Task) -> Done:
    """Send as many documents as the task's table is said to have; the table itself is not read."""
    count = BODY_BYTES // len(_LINES)
    requests, rest = divmod(task.rows, count * CONNECTIONS)
    requests += rest > 0
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(asyncio.to_thread(_post, task.sink, _LINES * count, requests))
    return Done(counts={"read": task.rows})


def _post(url: str, body: bytes, requests: int) -> None:
    target = urlsplit(url)
    head = (
        f"POST /{INDEX}/_bulk?filter_path=errors,items.*.status,items.*.error HTTP/1.1\r\n"
        f"host: {target.netloc}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection((target.hostname, target.port)) as connection:
        for _ in range(requests):
            connection.sendall(head)
            connection.sendall(body)
            _read_answer(connection)


def _read_answer(connection: socket.socket) -> None:
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(2**18)
    head, _, body = answer.partition(b"\r\n\r\n")
    missing = int(head.lower().partition(b"content-length:")[2].split()[0]) - len(body)
    while missing > 0:
        missing -= len(connection.recv(min(missing, 2**18)))
