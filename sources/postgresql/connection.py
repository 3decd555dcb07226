"""A connection for one piece of work: opened with limits, pinned, closed within seconds whatever happens.

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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from sources.postgresql import statements
from sources.postgresql.failures import translated
from sources.postgresql.settings import Settings, SslMode

APPLICATION_NAME = "elastic-ingest"

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


@asynccontextmanager
async def transaction(settings: Settings, limits: Limits) -> AsyncIterator[Any]:
    """Open a connection and a read-only transaction on it; nothing has been read and no snapshot taken yet.

    The connection is gone afterwards: closed in order, or, if that takes too long, cut.
    """
    connection = await connect(settings, limits)
    try:
        with translated("Opening a transaction"):
            begin = statements.begin(limits.lock_seconds, connection.get_server_version().major)
            await connection.execute(begin, timeout=limits.command_seconds)
        yield connection
    finally:
        await close(connection, limits)


async def connect(settings: Settings, limits: Limits) -> Any:
    """Connect and authenticate. Raises SourceError."""
    server = f"{settings.host}:{settings.port}"
    where = f"Connecting to database {settings.database!r} on {server} as {settings.username!r}"
    with translated(where):
        context = await asyncio.to_thread(ssl_context, settings)
        connection = await asyncpg.connect(
            host=[settings.host],
            port=[settings.port],
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
    """End the session in order, or cut it when that takes too long. Never raises but when cancelled."""
    try:
        await connection.close(timeout=limits.close_seconds)
    except asyncio.CancelledError:
        connection.terminate()
        raise
    except Exception:  # whatever state it is in, it ends here; what mattered was raised before
        connection.terminate()


def ssl_context(settings: Settings) -> ssl.SSLContext | bool:
    """Return how to encrypt; False for not at all."""
    if settings.sslmode is SslMode.DISABLE:
        return False
    context = ssl.create_default_context(cadata=settings.ssl_ca or None)
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
