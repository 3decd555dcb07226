"""One attempt at a request over HTTP: the seam between what is asked and how it travels.

    Request ──▶ Transport ──▶ Response        of any status, whole and from Elasticsearch

A transport is any function of that shape; a test's fake is one. `HttpTransport` is the real one. It keeps the
connections of two lanes apart, so that a heartbeat never queues behind slow bulk requests.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from ingest import config, errors
from ingest.elasticsearch import failures, retry
from ingest.elasticsearch.hosts import Hosts

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
MAX_RESPONSE_BYTES: Final = 128 * 2**20
CONNECT_TIMEOUT_SECONDS: Final = 10.0
_MOST_WRITTEN_BYTES: Final = 256 * 2**10
_SMALL_BYTES: Final = 1024
"""A piece below this is sent with the next one: writing to the socket costs more than copying both."""
_MOST_JOINED_BYTES: Final = 120 * 2**10
"""From 128 KiB on the allocator maps each copy anew, which costs several times the copying."""
_READ_BYTES: Final = 256 * 2**10
_STATUSES_WITHOUT_PRODUCT: Final = frozenset({401, 403, 413})
"""Answers Elasticsearch itself, or its HTTP layer, gives without the product header."""
_STATUSES_OF_A_LOST_HOST: Final = frozenset({502, 503, 504})
"""Answers after which another host is the better choice for the next request."""

Params = Mapping[str, str | int | float | bool]
Body = bytes | tuple[bytes | memoryview, ...]
"""What a request carries. In pieces it is sent one by one, without ever being copied into one."""


class Lane(Enum):
    """Which connections a request uses."""

    PROTOCOL = "protocol"
    """The small calls about connectors and jobs."""
    CONTENT = "content"
    """Bulk requests and scans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of Elasticsearch."""

    method: str
    path: str
    params: Params = field(default_factory=dict)
    body: Body | None = field(default=None, repr=False)
    content_type: str = JSON
    content_encoding: str | None = None
    timeout_seconds: float | None = None
    """How long an attempt may take in all; None for `elasticsearch.request_timeout`."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    lane: Lane = Lane.PROTOCOL

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: any status, headers readable in any case, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def is_transient(self) -> bool:
        """Whether the same request may work later."""
        return retry.is_transient(self.status)

    @property
    def retry_after_seconds(self) -> float:
        """How long the answer asks to wait; 0 if it does not say."""
        return retry.retry_after_seconds(self.headers)


Transport = Callable[[Request], Awaitable[Response]]
"""Makes one attempt and returns whatever Elasticsearch answered, of any status.

Raises ElasticsearchUnavailableError if no usable answer came (the request may have been applied),
ElasticsearchRefusedError on a redirect or a certificate that does not hold.
"""


class _NotReachedError(errors.ElasticsearchUnavailableError):
    """No connection was made, so nothing can have been applied."""


class HttpTransport:
    """The transport of a service. Open with `async with`."""

    def __init__(
        self,
        settings: config.Elasticsearch,
        *,
        hosts: Hosts | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        self._settings = settings
        self._hosts = hosts or Hosts(settings.hosts)
        self._max_response_bytes = max_response_bytes
        self._sessions: dict[Lane, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        context = _tls_context(self._settings)
        for lane in Lane:
            connector = aiohttp.TCPConnector(ssl=context, limit=0, ttl_dns_cache=30, keepalive_timeout=60)
            session = aiohttp.ClientSession(
                connector=connector,
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent",),
            )
            # aiohttp repeats some requests by itself when a connection breaks, without a public switch; a
            # second retry layer would multiply ours. A test notices if the name ever changes.
            session._retry_connection = False
            self._sessions[lane] = session
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as stack:
            for session in self._sessions.values():
                stack.push_async_callback(session.close)
            self._sessions.clear()

    async def __call__(self, request: Request) -> Response:
        """Make one attempt. A host that cannot be reached is no attempt: the next one is asked at once."""
        clock = asyncio.get_running_loop().time
        total = request.timeout_seconds or self._settings.request_timeout_seconds
        deadline, unreached = clock() + total, 0
        while True:
            host = self._hosts.choose()
            try:
                response = await self._attempt(host, request, deadline - clock())
            except _NotReachedError:
                self._hosts.failed(host)
                unreached += 1
                if unreached >= len(self._hosts) or clock() >= deadline:
                    raise
            except errors.ElasticsearchUnavailableError:
                self._hosts.failed(host)
                raise
            else:
                if response.status in _STATUSES_OF_A_LOST_HOST:
                    self._hosts.failed(host)
                else:
                    self._hosts.answered(host)
                return response

    async def _attempt(self, host: str, request: Request, timeout_seconds: float) -> Response:
        body = request.body
        timeout = aiohttp.ClientTimeout(
            total=timeout_seconds, sock_connect=min(timeout_seconds, CONNECT_TIMEOUT_SECONDS)
        )
        try:
            async with self._sessions[request.lane].request(
                request.method,
                _url(host, request),
                data=_one_by_one(body) if isinstance(body, tuple) else body,
                headers=_headers(request),
                allow_redirects=False,
                timeout=timeout,
            ) as answer:
                content = await _read(answer, self._max_response_bytes)
                response = Response(answer.status, answer.headers, content)
        except aiohttp.ClientConnectorCertificateError as error:
            raise errors.ElasticsearchRefusedError(
                failures.of_certificate(host, error.certificate_error), status=0
            ) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _NotReachedError(
                failures.of_connecting(host, request, getattr(error, "os_error", error))
            ) from error
        except TimeoutError as error:
            raise errors.ElasticsearchUnavailableError(
                f"{host} did not answer {request} within {timeout_seconds:.0f} s."
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise errors.ElasticsearchUnavailableError(failures.of_answer(host, request, error)) from error
        _require_elasticsearch(host, request, response)
        return response


def _require_elasticsearch(host: str, request: Request, response: Response) -> None:
    if 300 <= response.status < 400:
        raise errors.ElasticsearchRefusedError(
            f"{host} redirects {request}; set elasticsearch.host to the final address.",
            status=response.status,
        )
    if response.is_transient or response.status in _STATUSES_WITHOUT_PRODUCT:
        return
    if response.headers.get("X-elastic-product") != "Elasticsearch":
        raise errors.ElasticsearchUnavailableError(
            f"What answered {request} with {response.status} at {host} is not "
            "Elasticsearch; check elasticsearch.host and any proxy before it."
        )


def _tls_context(settings: config.Elasticsearch) -> ssl.SSLContext | bool:
    if not any(host.startswith("https:") for host in settings.hosts):
        return True
    context = ssl.create_default_context(cafile=str(settings.ca_certs) if settings.ca_certs else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not settings.verify_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _url(host: str, request: Request) -> URL:
    url = URL(host + request.path, encoded=True)
    if not request.params:
        return url
    return url.with_query({name: _param(value) for name, value in request.params.items()})


def _param(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _headers(request: Request) -> dict[str, str]:
    headers = dict(request.headers)
    if request.body is not None:
        headers["Content-Type"] = request.content_type
    if request.content_encoding is not None:
        headers["Content-Encoding"] = request.content_encoding
    if isinstance(request.body, tuple):
        headers["Content-Length"] = str(sum(map(len, request.body)))
    return headers


async def _one_by_one(pieces: tuple[bytes | memoryview, ...]) -> AsyncIterator[bytes | memoryview]:
    small = b""
    for piece in pieces:
        if small and len(small) + len(piece) <= _MOST_JOINED_BYTES:
            piece = b"".join((small, piece))
        elif small:
            yield small
        small = bytes(piece) if len(piece) < _SMALL_BYTES else b""
        if small:
            continue
        # What the socket does not take at once is copied; in parts, that never is all of a large value.
        view = memoryview(piece)
        for start in range(0, len(view), _MOST_WRITTEN_BYTES):
            yield view[start : start + _MOST_WRITTEN_BYTES]
    if small:
        yield small


async def _read(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """Read the body, decompressed, up to a limit, so that a decompression bomb cannot exhaust the memory."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_chunked(_READ_BYTES):
        size += len(chunk)
        if size > most_bytes:
            raise aiohttp.ClientPayloadError(f"the answer is larger than {most_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
