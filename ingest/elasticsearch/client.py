"""HTTP to Elasticsearch: one attempt (`send`) or one call (`call`), with typed errors.

    Client                     headers, credentials, retries
      └── _Connections         two pools: "protocol" for the small calls, "content" for bulks and scans

The pools are apart so that a heartbeat never queues behind slow bulk requests. Views made by `for_job` and
`for_content` share the pools of the client they come from and differ in headers alone.
"""

import base64
import importlib.metadata
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from ingest import config, errors
from ingest.elasticsearch import retry
from ingest.elasticsearch.retry import Backoff
from ingest.secret import Secret

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
MAX_RESPONSE_BYTES: Final = 128 * 2**20
CONNECT_TIMEOUT_SECONDS: Final = 10.0
_REASON_LIMIT: Final = 600
_STATUSES_WITHOUT_PRODUCT: Final = frozenset({401, 403, 413})
"""Answers Elasticsearch itself, or its HTTP layer, gives without the product header."""

Params = Mapping[str, str | int | float | bool]
_MOST_WRITTEN_BYTES: Final = 256 * 2**10
Body = bytes | tuple[bytes | memoryview, ...]
"""What a request carries. In pieces it is sent one by one, without ever being copied into one."""


def segment(value: str) -> str:
    """Quote an id or a name for use as one segment of a path."""
    return quote(value, safe="")


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: any status, headers readable in any case, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Decode the body. Raises ElasticsearchUnavailableError if it is cut, empty or not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise errors.ElasticsearchUnavailableError(
                f"Elasticsearch answered {self.status} with a body that is not JSON ({len(self.body)} bytes)."
            ) from error

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


class _Connections:
    """The two connection pools of a client and of all views of it."""

    def __init__(self, settings: config.Elasticsearch) -> None:
        self._settings = settings
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    def open(self) -> None:
        context = _tls_context(self._settings)
        for lane in ("protocol", "content"):
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

    async def close(self) -> None:
        async with AsyncExitStack() as stack:
            for session in self._sessions.values():
                stack.push_async_callback(session.close)
            self._sessions.clear()

    def session(self, lane: str) -> aiohttp.ClientSession:
        return self._sessions[lane]


class Client:
    """Speaks to one Elasticsearch with one set of credentials. Open with `async with`; safe to share."""

    def __init__(
        self,
        settings: config.Elasticsearch,
        *,
        backoff: Callable[[float], Backoff] | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        """`backoff` makes the retry policy for a budget in seconds; tests give one with their clock."""
        self._settings = settings
        self._max_response_bytes = max_response_bytes
        self._make_backoff = backoff or _default_backoff
        self._connections = _Connections(settings)
        self._lane = "protocol"
        self._headers = {
            "Accept": JSON,
            "User-Agent": f"elastic-ingest/{_version()}",
            "X-elastic-product-origin": "connectors",
            **settings.headers,
            **_authorization(settings),
        }

    async def __aenter__(self) -> Self:
        self._connections.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connections.close()

    @property
    def settings(self) -> config.Elasticsearch:
        """The settings this client was made from."""
        return self._settings

    def for_job(self, opaque_id: str) -> Self:
        """View that names its requests in Elasticsearch's logs and tasks (`x-opaque-id`)."""
        return self._view("protocol", {"X-Opaque-Id": opaque_id})

    def for_content(self, opaque_id: str, api_key: Secret | None = None) -> Self:
        """View for a content index: its own connections and, if given, the connector's own key."""
        headers = {"X-Opaque-Id": opaque_id}
        if api_key is not None:
            headers["Authorization"] = f"ApiKey {api_key.reveal()}"
        return self._view("content", headers)

    def with_backoff(self, changed: Callable[[Backoff], Backoff]) -> Self:
        """View whose retry policies are this client's, each changed by a function."""
        view = self._view(self._lane, {})
        view._make_backoff = lambda budget_seconds: changed(self._make_backoff(budget_seconds))
        return view

    def retrying(self, budget_seconds: float) -> Backoff:
        """Return the retry policy of this client for a request that may take `budget_seconds` in all."""
        return self._make_backoff(budget_seconds)

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Body | None = None,
        content_type: str = JSON,
        content_encoding: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Response:
        """Make one attempt and return whatever Elasticsearch answered, of any status.

        Raises ElasticsearchUnavailableError if no usable answer came (the request may have been applied),
        ElasticsearchRefusedError on a redirect or a certificate that does not hold.
        """
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = content_type
        if content_encoding is not None:
            headers["Content-Encoding"] = content_encoding
        if isinstance(body, tuple):
            headers["Content-Length"] = str(sum(map(len, body)))
        total = self._settings.request_timeout_seconds if timeout_seconds is None else timeout_seconds
        try:
            async with self._connections.session(self._lane).request(
                method,
                self._url(path, params),
                data=_one_by_one(body) if isinstance(body, tuple) else body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=total, sock_connect=min(total, CONNECT_TIMEOUT_SECONDS)),
            ) as answer:
                response = Response(
                    answer.status, answer.headers, await _read(answer, self._max_response_bytes)
                )
        except aiohttp.ClientConnectorCertificateError as error:
            raise errors.ElasticsearchRefusedError(
                f"The certificate of {self._settings.host} was not accepted: {error.certificate_error}. "
                "Set elasticsearch.ca_certs to the authority that signed it.",
                status=0,
            ) from error
        except TimeoutError as error:
            raise errors.ElasticsearchUnavailableError(
                f"{self._settings.host} did not answer {method} {path} within {total:.0f} s."
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise errors.ElasticsearchUnavailableError(
                f"{self._settings.host} gave no usable answer to {method} {path}: {_cause(error)}."
            ) from error
        self._require_elasticsearch(response, method, path)
        return response

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        budget_seconds: float = 60.0,
        timeout_seconds: float | None = None,
    ) -> Any:
        """Send JSON, retry what is transient within the budget, return the decoded answer (None for HEAD).

        A budget of 0 means one attempt. Raises ElasticsearchUnavailableError when the budget is spent and
        an ElasticsearchRefusedError for every final no. A write that is retried may have been applied by an
        earlier attempt.
        """
        payload = None if body is None else orjson.dumps(body)
        attempts = self.retrying(budget_seconds).attempts()
        while True:
            try:
                response = await self.send(
                    method, path, params=params, body=payload, timeout_seconds=timeout_seconds
                )
                if not response.is_transient:
                    return _decode(response, method, path)
                failure = errors.ElasticsearchUnavailableError(_describe(response, method, path))
                wait_seconds = response.retry_after_seconds
            except errors.ElasticsearchUnavailableError as error:
                failure, wait_seconds = error, 0.0
            if not await attempts.wait(wait_seconds):
                raise failure

    def _view(self, lane: str, headers: Mapping[str, str]) -> Self:
        view = type(self)(
            self._settings, backoff=self._make_backoff, max_response_bytes=self._max_response_bytes
        )
        view._connections = self._connections
        view._lane = lane
        view._headers = {**self._headers, **headers}
        return view

    def _url(self, path: str, params: Params | None) -> URL:
        url = URL(self._settings.host.rstrip("/") + path, encoded=True)
        return url.with_query({name: _param(value) for name, value in params.items()}) if params else url

    def _require_elasticsearch(self, response: Response, method: str, path: str) -> None:
        if 300 <= response.status < 400:
            raise errors.ElasticsearchRefusedError(
                f"{self._settings.host} redirects {method} {path}; "
                "set elasticsearch.host to the final address.",
                status=response.status,
            )
        if response.is_transient or response.status in _STATUSES_WITHOUT_PRODUCT:
            return
        if response.headers.get("X-elastic-product") != "Elasticsearch":
            raise errors.ElasticsearchUnavailableError(
                f"What answered {method} {path} with {response.status} at {self._settings.host} is not "
                "Elasticsearch; check elasticsearch.host and any proxy before it."
            )


def _default_backoff(budget_seconds: float) -> Backoff:
    return Backoff(budget_seconds=budget_seconds)


def _version() -> str:
    try:
        return importlib.metadata.version("elastic-ingest")
    except importlib.metadata.PackageNotFoundError:
        return "0"


def _authorization(settings: config.Elasticsearch) -> dict[str, str]:
    if settings.api_key is not None:
        return {"Authorization": f"ApiKey {settings.api_key.reveal()}"}
    if settings.username and settings.password is not None:
        pair = f"{settings.username}:{settings.password.reveal()}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
    return {}


def _tls_context(settings: config.Elasticsearch) -> ssl.SSLContext | bool:
    if not settings.host.startswith("https:"):
        return True
    context = ssl.create_default_context(cafile=str(settings.ca_certs) if settings.ca_certs else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not settings.verify_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _one_by_one(pieces: tuple[bytes | memoryview, ...]) -> AsyncIterator[bytes | memoryview]:
    for piece in pieces:
        if len(piece) <= _MOST_WRITTEN_BYTES:
            yield piece
            continue
        # What the socket does not take at once is copied; in parts, that never is all of a large value.
        view = memoryview(piece)
        for start in range(0, len(view), _MOST_WRITTEN_BYTES):
            yield view[start : start + _MOST_WRITTEN_BYTES]


async def _read(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """Read the body, decompressed, up to the cap: a bomb must not take the process with it."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_chunked(2**18):
        size += len(chunk)
        if size > most_bytes:
            raise aiohttp.ClientPayloadError(f"the answer is larger than {most_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _param(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cause(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _decode(response: Response, method: str, path: str) -> Any:
    if response.is_success:
        return None if method == "HEAD" else response.json()
    raise refusal(response, method, path)


def refusal(response: Response, method: str, path: str) -> errors.ElasticsearchRefusedError:
    """Turn a final no into the error that says what to do."""
    error_type, reason = _error_of(response)
    message = _describe(response, method, path)
    kind: type[errors.ElasticsearchRefusedError]
    match response.status:
        case 401:
            kind = errors.AuthorizationError
            message += " Check elasticsearch.api_key, or username and password, in config.yml."
        case 403:
            kind = errors.AuthorizationError
            message += " Give the API key or user this privilege."
        case 404:
            kind = errors.NotFoundError
        case 409:
            kind = errors.ConflictError
        case _:
            kind = errors.ElasticsearchRefusedError
    return kind(message, status=response.status, error_type=error_type, reason=reason)


def _describe(response: Response, method: str, path: str) -> str:
    error_type, reason = _error_of(response)
    detail = ": ".join(part for part in (error_type, reason) if part)
    return f"Elasticsearch answered {response.status} to {method} {path}{f' ({detail})' if detail else ''}."


def _error_of(response: Response) -> tuple[str, str]:
    """Read type and reason from an error body; both empty if it has another shape, such as a proxy's page."""
    try:
        body = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return "", ""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return "", error[:_REASON_LIMIT]
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("type") or ""), str(error.get("reason") or "")[:_REASON_LIMIT]
