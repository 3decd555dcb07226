"""The HTTP server: one catch-all handler that reads, routes, authorizes, applies and answers.

    request -> body read -> journal -> fault? -> authenticated -> routed -> handler -> fault? -> answer

async with serve() as server:
    server.url, server.state, server.journal, server.faults
"""

import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.elasticsearch.clock import Clock
from sandbox.elasticsearch.http import Answer, Router
from sandbox.elasticsearch.security import Security
from sandbox.elasticsearch.server import admin as admin_api
from sandbox.elasticsearch.server import registry
from sandbox.elasticsearch.server.dispatch import Call, Dispatcher, rendered
from sandbox.elasticsearch.server.faults import Broken, Faults
from sandbox.elasticsearch.server.journal import Entry, Journal
from sandbox.elasticsearch.state import State

PRODUCT_HEADER = "X-elastic-product"
JSON_TYPE = "application/json"
COMPRESSED_FROM_BYTES = 1024
_ROUTER = Router(registry.ROUTES)


@dataclass(slots=True, kw_only=True)
class Server:
    """A running server, reachable at `url` and, in process, through its state, journal and faults."""

    state: State
    journal: Journal
    faults: Faults
    dispatcher: Dispatcher
    admin: Dispatcher | None = None
    url: str = ""

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request; whatever goes wrong becomes an answer of the server."""
        body = await _read_body(http, self.state.max_content_bytes)
        call = _call(http, body or b"")
        if self.admin is not None and call.path.startswith(admin_api.PREFIX):
            return _response(http, self.admin.answer(call))
        outcome = await self.outcome(call, is_too_large=body is None, has_left=lambda: http.transport is None)
        return await _break_off(http, outcome) if isinstance(outcome, Broken) else _response(http, outcome)

    async def outcome(
        self, call: Call, *, is_too_large: bool = False, has_left: Callable[[], bool] = lambda: False
    ) -> Answer | Broken:
        """The answer to a call, with its entry in the journal and the fault that strikes it.

        `has_left` says whether the client has disconnected.
        """
        clock = self.state.clock
        entry = self.journal.begin(
            method=call.method,
            path=call.path,
            query=call.query,
            headers=call.headers,
            body=call.body,
            effect=call.effect,
            began_at=clock.timestamp(),
            began_monotonic=clock.elapsed_seconds(),
        )
        outcome = await self._outcome(call, entry, is_too_large=is_too_large)
        answer = outcome.answer if isinstance(outcome, Broken) else outcome
        entry.principal = call.principal.name if call.principal else None
        entry.is_given_up = has_left()
        self.journal.end(
            entry,
            status=None if answer is None else answer.status,
            answer=b"" if answer is None else answer.rendered(),
            ended_monotonic=clock.elapsed_seconds(),
        )
        return outcome

    async def _outcome(self, call: Call, entry: Entry, *, is_too_large: bool) -> Answer | Broken:
        """The answer to a call, rendered, or what a fault made of it."""
        fault = self.faults.meeting(entry)
        if fault is not None and not fault.applied:
            outcome = await fault.act(None)
            if outcome is not None:
                return _rendered(outcome, call)
        answer = Answer(b"", 413) if is_too_large else self.dispatcher.answer(call)
        entry.applied_monotonic = self.state.clock.elapsed_seconds()
        if fault is not None and fault.applied:
            return _rendered(await fault.act(answer) or answer, call)
        return answer


def _rendered(outcome: Answer | Broken, call: Call) -> Answer | Broken:
    if isinstance(outcome, Broken):
        return outcome
    return Answer(rendered(outcome, call), outcome.status, outcome.headers)


def _call(http: web.BaseRequest, body: bytes) -> Call:
    path, _, query = http.raw_path.partition("?")
    parameters = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
    return Call(method=http.method, path=path, query=parameters, headers=http.headers, body=body)


async def _read_body(http: web.BaseRequest, limit: int) -> bytes | None:
    """The whole body, unpacked; None if it is over the limit."""
    if (http.content_length or 0) > limit:
        return None
    pieces = []
    size = 0
    async for piece in http.content.iter_any():
        size += len(piece)
        if size > limit:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _response(http: web.BaseRequest, answer: Answer) -> web.Response:
    content, headers = answer.rendered(), _headers(http, answer)
    if len(content) >= COMPRESSED_FROM_BYTES and "gzip" in http.headers.get("Accept-Encoding", ""):
        content = _gzipped(content)
        headers["Content-Encoding"] = "gzip"
    response = web.Response(body=content, status=answer.status, headers=headers)
    if answer.status == 413:
        response.force_close()  # the rest of the body is not read
    return response


def _gzipped(content: bytes) -> bytes:
    compressor = zlib.compressobj(level=1, wbits=zlib.MAX_WBITS | 16)
    return compressor.compress(content) + compressor.flush()


async def _break_off(http: web.BaseRequest, broken: Broken) -> web.StreamResponse:
    """Send what a broken answer still has of its body, then end the connection."""
    response = web.StreamResponse()
    if http.transport is None:
        return response
    if broken.answer is not None:
        content = broken.answer.rendered()
        response = web.StreamResponse(status=broken.answer.status, headers=_headers(http, broken.answer))
        response.content_length = len(content)
        await response.prepare(http)
        await response.write(content[: broken.sent_bytes])
    if broken.is_reset:
        # Lingering for no time makes the kernel send RST instead of an orderly end.
        linger = struct.pack("ii", 1, 0)
        http.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        http.transport.abort()
    else:
        http.transport.close()
    return response


def _headers(http: web.BaseRequest, answer: Answer) -> dict[str, str]:
    accepted = http.headers.get("Accept", "")
    is_vendor_type = accepted.startswith("application/vnd.elasticsearch+json")
    headers: dict[str, str | None] = {"Content-Type": accepted if is_vendor_type else JSON_TYPE}
    if answer.status not in (401, 403):
        headers[PRODUCT_HEADER] = "Elasticsearch"
    if opaque_id := http.headers.get("X-Opaque-Id"):
        headers["X-Opaque-Id"] = opaque_id
    headers.update(answer.headers)
    return {name: value for name, value in headers.items() if value is not None}


@asynccontextmanager
async def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    version: str = "9.1.0",
    build_flavor: str = "default",
    security: Security | None = None,
    admin: bool = False,
    tls: ssl.SSLContext | None = None,
    clock: Clock | None = None,
    clock_offset: timedelta = timedelta(),
    max_content_bytes: int = 100 * 1024 * 1024,
    journal: Journal | None = None,
    keeps_sources: bool = True,
) -> AsyncIterator[Server]:
    """Run a server until the context ends.

    `port=0` takes a free port. Without `security` nobody needs to authenticate. `admin` opens the routes
    below `/_sandbox`, through which faults and the journal are reachable from other processes. Without
    `keeps_sources` bulk requests are answered item by item, but only the ids of their documents are
    remembered.
    """
    clock = clock or Clock()
    clock.offset = clock_offset
    state = State(
        version=version,
        build_flavor=build_flavor,
        clock=clock,
        max_content_bytes=max_content_bytes,
        security=security or Security(),
        keeps_sources=keeps_sources,
    )
    server = Server(
        state=state,
        journal=Journal() if journal is None else journal,
        faults=Faults(),
        dispatcher=Dispatcher(state, _ROUTER, requires_authentication=security is not None),
    )
    if admin:
        routes = Router(admin_api.routes(server.faults, server.journal))
        server.admin = Dispatcher(state, routes, requires_authentication=False)
    async with _listening(server, host, port, tls):
        yield server


@asynccontextmanager
async def _listening(server: Server, host: str, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[None]:
    runner = web.ServerRunner(web.Server(server.handle, access_log=None), shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        server.url = _url(host, runner, tls)
        yield
    finally:
        server.faults.clear()
        await runner.cleanup()


def _url(host: str, runner: web.ServerRunner, tls: ssl.SSLContext | None) -> str:
    address = runner.addresses[0]
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{name}:{address[1]}"
