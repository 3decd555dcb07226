"""The HTTP server: one catch-all handler that reads, routes, authorizes, applies and answers.

    request -> body read -> journal -> fault? -> authenticated -> routed -> handler -> fault? -> answer

async with serve() as server:
    server.url, server.state, server.journal, server.faults
"""

import logging
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from sandbox.elasticsearch import errors, filter_path, registry
from sandbox.elasticsearch.admin import PREFIX as ADMIN_PREFIX
from sandbox.elasticsearch.admin import routes as admin_routes
from sandbox.elasticsearch.clock import Clock
from sandbox.elasticsearch.faults import Broken, Faults
from sandbox.elasticsearch.journal import Entry, Journal
from sandbox.elasticsearch.privileges import ClusterPrivilege
from sandbox.elasticsearch.request import Answer, Request
from sandbox.elasticsearch.routing import Match, Router, check_call
from sandbox.elasticsearch.security import ANYBODY, Principal, Security
from sandbox.elasticsearch.store import State

LOG = logging.getLogger("sandbox.elasticsearch")
PRODUCT_HEADER = "X-elastic-product"
JSON_TYPE = "application/json"


@dataclass(slots=True, kw_only=True)
class Server:
    """A running server, reachable at `url` and, in process, through its state, journal and faults."""

    state: State
    requires_authentication: bool
    journal: Journal
    faults: Faults
    router: Router
    admin: Router | None = None
    url: str = ""

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request; whatever goes wrong becomes an answer of the server."""
        body = await _read_body(http, self.state.max_content_bytes)
        path, _, query_string = http.raw_path.partition("?")
        query = _query(query_string)
        if self.admin is not None and path.startswith(ADMIN_PREFIX):
            return await _send(http, self._administered(http, path, query, body or b""), query)
        clock = self.state.clock
        entry = self.journal.begin(
            method=http.method,
            path=path,
            query=query,
            headers=http.headers,
            body=body or b"",
            began_at=clock.timestamp(),
            began_monotonic=clock.elapsed_seconds(),
        )
        outcome = await self._outcome(http, entry, body)
        answer = outcome.answer if isinstance(outcome, Broken) else outcome
        content = b"" if answer is None else _rendered(answer, query)
        self.journal.end(
            entry,
            status=None if answer is None else answer.status,
            answer=content,
            ended_monotonic=clock.elapsed_seconds(),
        )
        if isinstance(outcome, Broken):
            return await _break_off(http, outcome, content)
        return await _send(http, outcome, query, content)

    async def _outcome(self, http: web.BaseRequest, entry: Entry, body: bytes | None) -> Answer | Broken:
        """The answer to a request, or what a fault made of it."""
        fault = self.faults.meeting(entry)
        if fault is not None and not fault.applied:
            outcome = await fault.act(None)
            if outcome is not None:
                return outcome
        if body is None:
            return Answer(b"", 413)
        answer = self._answer(http, entry, body)
        if fault is not None and fault.applied:
            return (
                await fault.act(Answer(_rendered(answer, entry.query), answer.status, answer.headers))
                or answer
            )
        return answer

    def _administered(
        self, http: web.BaseRequest, path: str, query: Mapping[str, str], body: bytes
    ) -> Answer:
        try:
            match = (self.admin or self.router).find(http.method, path)
            check_call(match.route, path=path, query=query, body=body)
            return match.route.handler(
                Request(
                    state=self.state,
                    principal=ANYBODY,
                    method=http.method,
                    path=path,
                    path_parameters=match.path_parameters,
                    query=query,
                    headers=http.headers,
                    body=body,
                )
            )
        except (errors.ElasticsearchError, errors.PlainError) as error:
            return Answer(error.body(), error.status, error.headers)

    def _answer(self, http: web.BaseRequest, entry: Entry, body: bytes) -> Answer:
        try:
            return self._dispatch(http, entry, body)
        except (errors.ElasticsearchError, errors.PlainError) as error:
            return Answer(error.body(), error.status, error.headers)
        except RecursionError:
            return Answer(errors.parsing("Document nesting depth exceeds the maximum allowed").body(), 400)
        except Exception as unexpected:
            # The boundary: a defect here must look to the client like a defect of a server, and be seen in
            # the log.
            LOG.exception("request failed: %s %s", entry.method, entry.path)
            return Answer(errors.ElasticsearchError(500, "exception", repr(unexpected)).body(), 500)

    def _dispatch(self, http: web.BaseRequest, entry: Entry, body: bytes) -> Answer:
        principal = self._authenticated(http)
        entry.principal = principal.api_key_name or principal.username
        match = self.router.find(http.method, entry.path)
        check_call(match.route, path=entry.path, query=entry.query, body=body)
        _check_content_type(http, body)
        _authorize(principal, match)
        return match.route.handler(
            Request(
                state=self.state,
                principal=principal,
                method=http.method,
                path=entry.path,
                path_parameters=match.path_parameters,
                query=entry.query,
                headers=http.headers,
                body=body,
                privilege=match.route.privilege,
                effect=entry.effect,
            )
        )

    def _authenticated(self, http: web.BaseRequest) -> Principal:
        if not self.requires_authentication:
            return ANYBODY
        now = self.state.clock.milliseconds()
        return self.state.security.authenticate(http.headers.get("Authorization"), now_milliseconds=now)


async def _send(
    http: web.BaseRequest, answer: Answer, query: Mapping[str, str], content: bytes | None = None
) -> web.Response:
    content = _rendered(answer, query) if content is None else content
    response = web.Response(body=content, status=answer.status, headers=_headers(http, answer))
    if answer.status == 413:
        response.force_close()  # the rest of the body is not read
    return response


async def _break_off(http: web.BaseRequest, broken: Broken, content: bytes) -> web.StreamResponse:
    """Send what a broken answer still has of its body, then end the connection."""
    response = web.StreamResponse()
    if broken.answer is not None and http.transport is not None:
        response = web.StreamResponse(status=broken.answer.status, headers=_headers(http, broken.answer))
        response.content_length = len(content)
        await response.prepare(http)
        await response.write(content[: broken.sent_bytes])
    if http.transport is not None:
        if broken.is_reset:
            # Lingering for no time makes the kernel send RST instead of an orderly end.
            linger = struct.pack("ii", 1, 0)
            http.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            http.transport.abort()
        else:
            http.transport.close()
    return response


def _headers(http: web.BaseRequest, answer: Answer) -> dict[str, str]:
    headers: dict[str, str | None] = {"Content-Type": _answer_type(http)}
    if answer.status not in (401, 403):
        headers[PRODUCT_HEADER] = "Elasticsearch"
    if opaque_id := http.headers.get("X-Opaque-Id"):
        headers["X-Opaque-Id"] = opaque_id
    headers.update(answer.headers)
    return {name: value for name, value in headers.items() if value is not None}


def _query(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True)) if text else {}


def _rendered(answer: Answer, query: Mapping[str, str]) -> bytes:
    content = answer.rendered()
    paths = query.get("filter_path")
    is_pretty = query.get("pretty", "false") != "false"
    if isinstance(answer.body, bytes) or not (paths or is_pretty):
        return content
    # Sources travel as raw fragments, which can be neither filtered nor indented; so the answer is read
    # again.
    body = orjson.loads(content)
    if paths:
        body = filter_path.filtered(body, paths)
    return Answer(body).rendered(pretty=is_pretty)


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


def _check_content_type(http: web.BaseRequest, body: bytes) -> None:
    declared = http.headers.get("Content-Type", "")
    kind = declared.partition(";")[0].strip().lower()
    if body and not (kind.endswith(("json", "+x-ndjson"))):
        raise errors.PlainError(406, f"Content-Type header [{declared}] is not supported")


def _answer_type(http: web.BaseRequest) -> str:
    accepted = http.headers.get("Accept", "")
    return accepted if accepted.startswith("application/vnd.elasticsearch+json") else JSON_TYPE


def _authorize(principal: Principal, match: Match) -> None:
    privilege = match.route.privilege
    if privilege is None:
        return
    if isinstance(privilege, ClusterPrivilege):
        principal.demand_cluster(privilege)
    else:
        # Patterns are not refused here: they stand for those indices the caller may reach (`targets`).
        names = match.path_parameters.get("index", "").split(",")
        named = [name for name in names if name and name != "_all" and "*" not in name]
        principal.demand_index(privilege, named)


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
    journal = journal or Journal()
    faults = Faults()
    server = Server(
        state=state,
        requires_authentication=security is not None,
        journal=journal,
        faults=faults,
        router=Router(registry.routes()),
        admin=Router(admin_routes(faults, journal)) if admin else None,
    )
    runner = web.ServerRunner(web.Server(server.handle, access_log=None), shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        server.url = _url(host, runner, tls)
        yield server
    finally:
        faults.clear()
        await runner.cleanup()


def _url(host: str, runner: web.ServerRunner, tls: ssl.SSLContext | None) -> str:
    address = runner.addresses[0]
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{name}:{address[1]}"
