"""A connection that speaks the replication protocol: a slot for its lifetime, changes in, positions out.

psycopg's `pq` layer is libpq without threads: it is told when the socket has something, and gives whole
messages. The slot is temporary: the server drops it when the connection ends, whatever ended it.
"""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from psycopg import OperationalError, pq

from sources.errors import SourceError, SourceUnavailableError, one_line
from sources.feed import NoFeedError
from sources.postgresql.connection import Database, Limits
from sources.postgresql.feed import queries
from sources.postgresql.feed.conninfo import conninfo
from sources.postgresql.feed.messages import POSTGRES_EPOCH
from sources.postgresql.quoting import identifier, literal

_WAL_DATA: Final = struct.Struct(">cqqq")
_KEEPALIVE: Final = struct.Struct(">cqqB")
_STATUS: Final = struct.Struct(">cqqqqB")


class Receiver(Protocol):
    """What becomes of what the server sends."""

    @property
    def is_full(self) -> bool:
        """Whether nothing more is wanted for the moment."""

    def told(self, message: bytes) -> None:
        """Take a message of the output plugin."""

    def alive(self, position: int) -> None:
        """Note that everything up to a position has been told, if no transaction is being told."""


class Replication:
    """One connection. While it streams, `receive` is called when the socket has something."""

    def __init__(self, connection: Any, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._watched = -1
        self.heard = time.monotonic()
        """When the server last sent something."""
        self.asked = False
        """Whether the server has asked for a report at once."""
        self.has_slot = False
        self.has_met_unconvertible = False
        """Whether the server stopped at bytes that it cannot show in the encoding it was asked for."""

    async def rows(self, command: str) -> list[list[str | None]]:
        """Run one command and return its rows. Raises SourceError."""
        async with asyncio.timeout(self._limits.command_seconds):
            result = await self._result(command)
        return [
            [_text(result.get_value(row, column)) for column in range(result.nfields)]
            for row in range(result.ntuples)
        ]

    async def create_slot(self, name: str) -> str:
        """Create a slot that ends with this connection; return the position from which on it tells.

        The server first waits for every transaction that has begun to write.
        """
        command = f"CREATE_REPLICATION_SLOT {identifier(name)} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT"
        result = await self._result(command)
        self.has_slot = True
        return _text(result.get_value(0, 1)) or "0/0"

    async def start(self, slot: str, publication: str) -> None:
        """Begin to stream what is published. Raises SourceError."""
        names = literal(identifier(publication))
        command = (
            f"START_REPLICATION SLOT {identifier(slot)} LOGICAL 0/0"
            f" (proto_version '1', publication_names {names})"
        )
        async with asyncio.timeout(self._limits.command_seconds):
            await self._result(command)

    @property
    def pid(self) -> int:
        """The number of the server's process."""
        pid: int = self._connection.backend_pid
        return pid

    @property
    def is_watched(self) -> bool:
        """Whether somebody listens to the socket."""
        return self._watched >= 0

    def watch(self, ready: Callable[[], None]) -> None:
        """Call a function whenever the socket has something."""
        self._watched = self._connection.socket
        asyncio.get_running_loop().add_reader(self._watched, ready)

    def unwatch(self) -> None:
        """Leave the socket alone: what the server sends waits there, and then in the server."""
        if self._watched >= 0:
            asyncio.get_running_loop().remove_reader(self._watched)
            self._watched = -1

    def consume(self) -> None:
        """Take from the socket what it has. Raises SourceUnavailableError."""
        try:
            self._connection.consume_input()
        except OperationalError as error:
            raise SourceUnavailableError(self._lost()) from error
        self.heard = time.monotonic()

    def receive(self, receiver: Receiver, most: int) -> bool:
        """Hand over so many messages at most, while they are wanted; return whether that was all there is.

        Raises SourceError.
        """
        get = self._connection.get_copy_data
        for _ in range(most):
            try:
                size, data = get(1)
            except OperationalError as error:
                raise SourceUnavailableError(self._lost()) from error
            if size == 0:
                return True
            if size < 0:
                raise SourceUnavailableError(self._ended())
            message = bytes(data)
            if message[:1] == b"w" and size >= _WAL_DATA.size:
                receiver.told(message[_WAL_DATA.size :])
                if receiver.is_full:
                    return False
            elif message[:1] == b"k" and size == _KEEPALIVE.size:
                _, position, _, asked = _KEEPALIVE.unpack(message)
                self.asked = self.asked or bool(asked)
                receiver.alive(position)
            else:
                raise SourceUnavailableError(
                    "The server sent something that is not the replication protocol."
                )
        return False

    def report(self, received: int, acknowledged: int, *, ask: bool) -> None:
        """Tell the server how far we are, and ask it to answer. Raises SourceUnavailableError."""
        now = round((time.time() - POSTGRES_EPOCH) * 1e6)
        status = _STATUS.pack(b"r", max(received, acknowledged), acknowledged, acknowledged, now, ask)
        try:
            self._connection.put_copy_data(status)
            self._flush()
        except OperationalError as error:
            raise SourceUnavailableError(self._lost()) from error
        self.asked = False

    def close(self) -> None:
        """End the connection, and with it the slot."""
        self.unwatch()
        if self._connection.status == pq.ConnStatus.OK:
            asyncio.get_running_loop().remove_writer(self._connection.socket)
        self._connection.finish()

    def _flush(self) -> None:
        loop, socket = asyncio.get_running_loop(), self._connection.socket
        loop.remove_writer(socket)
        if self._connection.flush():
            loop.add_writer(socket, self._flush_more)

    def _flush_more(self) -> None:
        try:
            self._flush()
        except OperationalError:
            asyncio.get_running_loop().remove_writer(self._connection.socket)  # reading will find it lost

    async def _result(self, command: str) -> Any:
        connection = self._connection
        try:
            connection.send_query(command.encode())
            while connection.flush():
                await _ready(connection.socket, writing=True)
            results: list[Any] = []
            while True:
                while connection.is_busy():
                    await _ready(connection.socket)
                    connection.consume_input()
                if (result := connection.get_result()) is None:
                    break
                results.append(result)
                if result.status == pq.ExecStatus.COPY_BOTH:
                    break
        except OperationalError as error:
            raise SourceUnavailableError(self._lost()) from error
        for result in results:
            if result.status in (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE):
                raise _refused(result)
        if not results:
            raise SourceUnavailableError(self._lost())
        return results[-1]

    def _ended(self) -> str:
        """Say why the server stopped sending."""
        try:
            result = self._connection.get_result()
        except OperationalError:
            return self._lost()
        if result is not None and result.status == pq.ExecStatus.FATAL_ERROR:
            self.has_met_unconvertible = _state_of(result) in _UNCONVERTIBLE
            return str(_refused(result))
        return self._lost()

    def _lost(self) -> str:
        reason = one_line(_text(self._connection.error_message) or "")
        return f"The replication connection was lost{f' ({reason})' if reason else ''}."


@asynccontextmanager
async def connected(database: Database, encoding: str) -> AsyncIterator[Replication]:
    """Connect to the database for replication; leaving ends the connection. Raises SourceError."""
    settings, limits = database.settings, database.limits
    addresses: list[str] = []
    try:
        async with asyncio.timeout(limits.connect_seconds):
            if not settings.host.startswith("/"):
                addresses = await database.network.resolve(settings.host, settings.port)
            with conninfo(settings, addresses, encoding) as parameters:
                connection = pq.PGconn.connect_start(parameters)
                replication = Replication(connection, limits)
                try:
                    await _connect(connection)
                except BaseException:
                    replication.close()
                    raise
    except (OSError, TimeoutError) as error:
        raise SourceUnavailableError(
            "Connecting for replication failed: the server did not answer; check host, port and network."
        ) from error
    try:
        connection.nonblocking = 1
        yield replication
    finally:
        replication.close()


async def require_one_server(replication: Replication, started: str) -> None:
    """Make sure that rows are read from the server whose log is read. Raises NoFeedError."""
    if (await replication.rows(queries.STARTED))[0][0] != started:
        raise NoFeedError(
            "Host leads to one server for reading and to another for replication: a pooler or balancer stands"
            " between. Give the address of the server itself as Host."
        )


async def _connect(connection: Any) -> None:
    while (status := connection.connect_poll()) != pq.PollingStatus.OK:
        if status == pq.PollingStatus.FAILED:
            reason = one_line(_text(connection.error_message) or "")
            # A server that answered so has just let us in for reading: it refuses the replication.
            kind = NoFeedError if "FATAL" in reason else SourceUnavailableError
            raise kind(f"The server does not let us in for replication ({reason}).")
        await _ready(connection.socket, writing=status == pq.PollingStatus.WRITING)


async def _ready(descriptor: int, *, writing: bool = False) -> None:
    """Wait until a socket can be read from, or written to."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def ready() -> None:
        if not done.done():
            done.set_result(None)

    loop.add_reader(descriptor, ready)
    if writing:
        loop.add_writer(descriptor, ready)
    try:
        await done
    finally:
        loop.remove_reader(descriptor)
        loop.remove_writer(descriptor)


_TAKES_A_PERSON: Final = {"42501", "42704", "53400", "55000", "0A000", "42601"}
"""No privilege, no publication, no slot left, wal_level too low, not supported."""

_UNCONVERTIBLE: Final = {"22021", "22P05"}
"""Bytes that are no character, or one that the other encoding lacks."""


def _state_of(result: Any) -> str:
    return (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()


def _refused(result: Any) -> SourceError:
    state = _state_of(result)
    message = one_line(_text(result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY)) or "")
    kind = NoFeedError if state in _TAKES_A_PERSON else SourceUnavailableError
    return kind(f"The server refused to replicate: {message} (SQLSTATE {state}).")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")
