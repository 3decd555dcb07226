"""Transactions on a database: opened with limits, pinned, ended within seconds in every case.

No named statements and no session settings outlive a transaction, so a pooler in transaction mode may stand
between. The driver's `async with transaction()` is not used: leaving it waits for ROLLBACK, through a dead
network for ever.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from sources.errors import SourceError
from sources.network import Network
from sources.postgresql import statements
from sources.postgresql.failures import translated
from sources.postgresql.settings import Settings, SslMode

APPLICATION_NAME = "elastic-ingest"

_MOST_USES = 200
"""Transactions a connection is used for; a backend keeps what it learnt of every table it has read."""
_LONGEST_WAIT_SECONDS = 10.0
"""How long a connection may have waited and still be used; something between us may have cut it since."""
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long anything may take before it counts as failed."""

    connect_seconds: float = 15
    command_seconds: float = 60
    """One catalog query or other short statement."""
    lock_seconds: float = 30
    """Waiting for another session's lock."""
    stall_seconds: float = 600
    """Reading while the server sends nothing, which a query that sorts first may do for a while."""
    close_seconds: float = 1


class Database:
    """One database, and the connection that waits there for its next transaction.

    Reading thousands of small tables would otherwise spend most of its time logging in.
    """

    def __init__(self, settings: Settings, limits: Limits, network: Network) -> None:
        self.settings = settings
        self.limits = limits
        self.network = network
        self._keeps = False
        self._waiting: _Waiting | None = None

    def open(self) -> None:
        """Keep a connection between two transactions from now on, until `close`."""
        self._keeps = True

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Open a read-only transaction; nothing has been read and no snapshot taken yet.

        It is rolled back when the body ends, for it only reads, and what goes wrong with that is raised. Its
        connection is then kept for the next one, or, if anything was raised, gone: closed in order, or, if
        that takes too long, cut.
        """
        connection, uses = await self._begun()
        try:
            yield connection
            with translated("Ending a transaction"):
                await connection.execute(statements.END, timeout=self.limits.command_seconds)
        except BaseException:
            await close(connection, self.limits)
            raise
        if self._keeps and self._waiting is None and uses < _MOST_USES:
            self._waiting = _Waiting(connection, uses, time.monotonic())
        else:
            await close(connection, self.limits)

    async def close(self) -> None:
        """Close the connection that waits, if there is one, and keep no other."""
        self._keeps = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            await close(waiting.connection, self.limits)

    async def _begun(self) -> tuple[Any, int]:
        """Return a connection with a transaction, and how often it has been used."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            is_fresh = time.monotonic() - waiting.since < _LONGEST_WAIT_SECONDS
            try:
                if is_fresh and not waiting.connection.is_closed():
                    await self._begin(waiting.connection)
                    return waiting.connection, waiting.uses + 1
            except SourceError:
                pass  # it was lost while it waited, which says nothing about the next one
            except BaseException:
                await close(waiting.connection, self.limits)
                raise
            await close(waiting.connection, self.limits)
        connection = await connect(self.settings, self.limits, self.network)
        try:
            await self._begin(connection)
        except BaseException:
            await close(connection, self.limits)
            raise
        return connection, 1

    async def _begin(self, connection: Any) -> None:
        with translated("Opening a transaction"):
            begin = statements.begin(self.limits.lock_seconds, connection.get_server_version().major)
            await connection.execute(begin, timeout=self.limits.command_seconds)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A connection between two transactions."""

    connection: Any
    uses: int
    since: float


async def connect(settings: Settings, limits: Limits, network: Network) -> Any:
    """Connect and authenticate. Raises SourceError."""
    server = f"{settings.host}:{settings.port}"
    where = f"Connecting to database {settings.database!r} on {server} as {settings.username!r}"
    with translated(where):
        context = await asyncio.to_thread(ssl_context, settings)
        hosts = [settings.host]
        if not settings.host.startswith("/"):
            async with asyncio.timeout(limits.connect_seconds):
                hosts = await network.resolve(settings.host, settings.port)
        connection = await asyncpg.connect(
            host=hosts,
            port=[settings.port] * len(hosts),
            user=settings.username,
            password=settings.password,
            database=settings.database,
            ssl=context,
            timeout=limits.connect_seconds,
            statement_cache_size=0,
            server_settings={"application_name": APPLICATION_NAME},
        )
    _keep_alive(connection)
    return connection


async def close(connection: Any, limits: Limits) -> None:
    """End the session in order, or cut it when that takes too long. Raises nothing unless it is canceled."""
    try:
        await connection.close(timeout=limits.close_seconds)
    except asyncio.CancelledError:
        connection.terminate()
        raise
    except Exception:  # whatever state it is in, it ends here; what mattered was raised before
        connection.terminate()


class _ContextOfHost(ssl.SSLContext):
    """Verifies the name that was configured, where the driver knows only the address it connects to."""

    host: str

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return super().wrap_bio(incoming, outgoing, server_side, self.host, session)


def ssl_context(settings: Settings) -> ssl.SSLContext | bool:
    """Return how to encrypt; False for not at all."""
    if settings.sslmode is SslMode.DISABLE:
        return False
    context = _ContextOfHost(ssl.PROTOCOL_TLS_CLIENT)
    context.host = settings.host
    if settings.ssl_ca:
        context.load_verify_locations(cadata=settings.ssl_ca)
    else:
        context.load_default_certs()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.sslmode is not SslMode.VERIFY_FULL:
        context.check_hostname = False
    if settings.sslmode is SslMode.REQUIRE:
        context.verify_mode = ssl.CERT_NONE
    if settings.ssl_cert:
        _load_client_certificate(context, settings)
    return context


def is_encrypted(connection: Any) -> bool:
    """Whether the connection uses TLS."""
    return connection._transport.get_extra_info("ssl_object") is not None  # the driver has no public way


def _load_client_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    # OpenSSL's loader takes a path only. An anonymous file in memory has one and is never on a disk.
    descriptor = os.memfd_create("client-certificate") if hasattr(os, "memfd_create") else None
    if descriptor is None:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(settings.ssl_cert + settings.ssl_key)
            file.flush()
            context.load_cert_chain(file.name)
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(settings.ssl_cert + settings.ssl_key)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")


def _keep_alive(connection: Any) -> None:
    """Let the kernel notice a peer that is gone; the driver leaves it off."""
    used = connection._transport.get_extra_info("socket")  # the driver has no public way
    if used is None or used.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with contextlib.suppress(OSError):
        used.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            if hasattr(socket, option):
                used.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
