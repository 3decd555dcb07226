"""A TCP proxy that breaks connections at a chosen byte, so that every failure is reproducible.

async with FaultProxy(host, port) as proxy:
    connect(proxy.host, proxy.port)
    proxy.answers.silent_after = 100_000     from then on the client waits
    proxy.answers.hold(3)                    the third piece from now on waits until it is let go
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_PIECE_BYTES = 16 * 1024


@dataclass(slots=True)
class Direction:
    """One direction of all connections together: what has passed, and where it breaks."""

    passed_bytes: int = 0
    silent_after: int | None = None
    """From this byte on nothing is forwarded, and no connection is closed."""
    reset_after: int | None = None
    """At this byte the connection is reset on both sides."""
    keeps: bool = False
    kept: bytearray = field(default_factory=bytearray)
    """What has passed, if it is to be kept."""
    is_silent: asyncio.Event = field(default_factory=asyncio.Event)
    is_held: asyncio.Event = field(default_factory=asyncio.Event)
    _pieces_left: int = 0
    _let_go: asyncio.Event = field(default_factory=asyncio.Event)

    def hold(self, nth: int) -> None:
        """Hold the nth piece from now on, and with it its connection, until `let_go`."""
        self._pieces_left = nth
        self.is_held.clear()
        self._let_go.clear()

    def let_go(self) -> None:
        """Forward what is held, and hold no more."""
        self._pieces_left = 0
        self._let_go.set()

    async def take(self) -> None:
        """Note that a piece came; wait if it is the one to be held."""
        self._pieces_left -= 1
        if self._pieces_left == 0:
            self.is_held.set()
            await self._let_go.wait()


class FaultProxy:
    """Forwards to one server. Also counts connections and keeps what passed, if asked to."""

    def __init__(self, host: str, port: int, *, listen: str = "127.0.0.1") -> None:
        self.host = listen
        self.requests = Direction()
        self.answers = Direction()
        self.connections = 0
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._forward, self.host, 0)
        return self

    def cut(self) -> int:
        """Cut every connection; return how many sockets there were on both sides."""
        writers = [*self._writers]
        for writer in writers:
            writer.transport.abort()
        return len(writers)

    async def down(self) -> int:
        """Cut every connection and take no more; return the port, for `up`."""
        port = self.port
        self._server.close()
        self.cut()
        await asyncio.gather(*self._handlers)
        return port

    async def up(self, port: int) -> None:
        """Take connections again."""
        self._server = await asyncio.start_server(self._forward, self.host, port)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self._handlers.add(handler)
        self.connections += 1
        server_writer = None
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
            self._writers |= {writer, server_writer}
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, server_writer, self.requests))
                group.create_task(self._pump(server_reader, writer, self.answers))
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in (writer, server_writer):
                if each is not None:
                    each.transport.abort()
                    self._writers.discard(each)
            self._handlers.discard(handler)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> None:
        while piece := await reader.read(_PIECE_BYTES):
            direction.passed_bytes += len(piece)
            await direction.take()
            if direction.keeps:
                direction.kept += piece
            if direction.reset_after is not None and direction.passed_bytes > direction.reset_after:
                raise ConnectionResetError
            if direction.silent_after is not None and direction.passed_bytes > direction.silent_after:
                direction.is_silent.set()
                continue
            writer.write(piece)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
