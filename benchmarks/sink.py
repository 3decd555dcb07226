"""A process that answers like Elasticsearch and stores nothing, so that what is measured is what talks to it.

    Connection      frames HTTP/1.1: a request is read in place into one buffer, counted and answered
      └── Answers   what Elasticsearch would say (answers.py)

Run as `python -m benchmarks.sink`: prints its port and serves until its standard input closes, so that it
cannot outlive its parent. Options and counters are read and set over `/_sink`.
"""

import asyncio
import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.answers import Answers, Reply, Request

START_BYTES = 6 * 2**20
REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 404: "Not Found"}


class Connection(asyncio.BufferedProtocol):
    """One keep-alive connection. Requests are answered in order; the next one waits for the answer before."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._buffer = bytearray(START_BYTES)
        self._filled = 0
        self._is_answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send answers at once."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Offer the free end of the buffer."""
        if self._filled == len(self._buffer):
            self._buffer = self._buffer + bytearray(len(self._buffer))
        return memoryview(self._buffer)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Answer every request that is complete."""
        self._filled += nbytes
        self._answer_complete()

    def _answer_complete(self) -> None:
        while not self._is_answering and (reply := self._next()) is not None:
            if reply.after_seconds > 0:
                self._is_answering = True
                asyncio.get_running_loop().call_later(reply.after_seconds, self._answer_late, reply)
            else:
                self._send(reply)

    def _answer_late(self, reply: Reply) -> None:
        self._is_answering = False
        self._send(reply)
        self._answer_complete()

    def _next(self) -> Reply | None:
        """Answer the first request of the buffer and remove it; None if it is not complete."""
        head_end = self._buffer.find(b"\r\n\r\n", 0, self._filled)
        if head_end < 0:
            return None
        lines = bytes(self._buffer[:head_end]).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        if "chunked" in headers.get("transfer-encoding", ""):
            raise ValueError("the sink reads bodies of known length only")
        start = head_end + 4
        end = start + int(headers.get("content-length", 0))
        if self._filled < end:
            if end > len(self._buffer):
                self._buffer = self._buffer + bytearray(end - len(self._buffer))
            return None
        method, target, _ = lines[0].split(" ", 2)
        path, _, query = target.partition("?")
        is_gzip = headers.get("content-encoding") == "gzip"
        reply = self._answers.to(Request(method, path, query, self._buffer, start, end, is_gzip))
        self._buffer[: self._filled - end] = self._buffer[end : self._filled]
        self._filled -= end
        return reply

    def _send(self, reply: Reply) -> None:
        head = (
            f"HTTP/1.1 {reply.status} {REASONS[reply.status]}\r\n"
            "X-elastic-product: Elasticsearch\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(reply.body)}\r\n\r\n"
        ).encode("latin-1")
        self._transport.writelines([head, b"" if reply.is_head else reply.body])


async def serve() -> None:
    """Serve on a free port until standard input closes."""
    answers = Answers()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    closed = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), closed.set)
    await closed.wait()
    server.close()


@dataclass(frozen=True, slots=True)
class Sink:
    """A running sink as its parent sees it."""

    url: str

    def configure(self, **options: Any) -> None:
        """Set options by name (`answers.Options`) and start counting anew."""
        self._ask("POST", json.dumps(options).encode())

    def counters(self) -> dict[str, Any]:
        """Return what was counted since `configure`."""
        counted: dict[str, Any] = json.loads(self._ask("GET", None))
        return counted

    def _ask(self, method: str, body: bytes | None) -> bytes:
        request = urllib.request.Request(f"{self.url}/_sink", data=body, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            text: bytes = answer.read()
        return text


@contextmanager
def running() -> Iterator[Sink]:
    """Run a sink in its own process."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Sink(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.stdin.close()
            process.wait(10)


if __name__ == "__main__":
    asyncio.run(serve())
