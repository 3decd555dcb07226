"""Requests to Elasticsearch with credentials and retries: one attempt (`send`), or a call within a budget.

A client is a small value: a transport and the headers its requests carry. Views made by `for_job` and
`for_content` share the transport, and so the connections, of the client they come from.
"""

import base64
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar
from urllib.parse import quote

import orjson

from ingest import config, errors, version
from ingest.elasticsearch import answers
from ingest.elasticsearch.retry import Backoff
from ingest.elasticsearch.transport import (
    JSON,
    MAX_RESPONSE_BYTES,
    HttpTransport,
    Lane,
    Params,
    Request,
    Response,
    Transport,
)
from ingest.secret import Secret

T = TypeVar("T")


def segment(value: str) -> str:
    """Quote an id or a name for use as one segment of a path."""
    return quote(value, safe="")


def backoff_of(budget_seconds: float) -> Backoff:
    """Return the retry policy of a request that may take so long in all."""
    return Backoff(budget_seconds=budget_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Speaks to one Elasticsearch with one set of credentials. Safe to share."""

    transport: Transport = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    lane: Lane = Lane.PROTOCOL
    make_backoff: Callable[[float], Backoff] = field(default=backoff_of, repr=False)
    """Makes the retry policy for a budget in seconds; tests give one with their clock."""

    def for_job(self, opaque_id: str) -> Self:
        """View that names its requests in Elasticsearch's logs and tasks (`x-opaque-id`)."""
        return replace(self, headers={**self.headers, "X-Opaque-Id": opaque_id})

    def for_content(self, opaque_id: str, api_key: Secret | None = None) -> Self:
        """View for a content index: its own connections and, if given, the connector's own key."""
        key = {} if api_key is None else {"Authorization": f"ApiKey {api_key.reveal()}"}
        return replace(self, lane=Lane.CONTENT, headers={**self.headers, "X-Opaque-Id": opaque_id, **key})

    def with_backoff(self, changed: Callable[[Backoff], Backoff]) -> Self:
        """View whose retry policies are this client's, each changed by a function."""
        return replace(self, make_backoff=lambda budget_seconds: changed(self.make_backoff(budget_seconds)))

    def retrying(self, budget_seconds: float) -> Backoff:
        """Return the retry policy of this client for a request that may take `budget_seconds` in all."""
        return self.make_backoff(budget_seconds)

    async def send(self, request: Request) -> Response:
        """Make one attempt and return whatever Elasticsearch answered. Raises what a transport raises."""
        return await self.transport(
            replace(request, lane=self.lane, headers={**self.headers, **request.headers})
        )

    async def ask(self, request: Request, reader: Callable[[bytes], T], *, budget_seconds: float = 60.0) -> T:
        """Send, retry what is transient within the budget, return what the reader makes of the answer.

        A budget of 0 means one attempt. The reader raises ShapeError for an answer that is not one. Raises
        ElasticsearchUnavailableError when the budget is spent and an ElasticsearchRefusedError for every
        final refusal. A write that is retried may have been applied by an earlier attempt.
        """
        attempts = self.retrying(budget_seconds).attempts()
        while True:
            wait_seconds = 0.0
            try:
                response = await self.send(request)
                if not response.is_transient:
                    return answers.read(request, response, reader)
                wait_seconds = response.retry_after_seconds
                failure = errors.ElasticsearchUnavailableError(answers.described(str(request), response))
            except errors.ElasticsearchUnavailableError as error:
                failure = error
            if not await attempts.wait(wait_seconds):
                raise failure

    async def call(
        self,
        method: str,
        path: str,
        shape: answers.Shape[T],
        *,
        params: Params | None = None,
        body: Any = None,
        budget_seconds: float = 60.0,
        timeout_seconds: float | None = None,
    ) -> T:
        """Send JSON and return what the shape makes of the decoded answer. Retries and raises as `ask`."""
        request = Request(
            method=method,
            path=path,
            params=params or {},
            body=None if body is None else orjson.dumps(body),
            timeout_seconds=timeout_seconds,
        )
        return await self.ask(
            request, lambda answer: shape(answers.decoded(answer)), budget_seconds=budget_seconds
        )


@asynccontextmanager
async def connect(
    settings: config.Elasticsearch,
    *,
    make_backoff: Callable[[float], Backoff] = backoff_of,
    max_response_bytes: int = MAX_RESPONSE_BYTES,
) -> AsyncIterator[Client]:
    """Open a client on the Elasticsearch of the settings, with their credentials."""
    headers = {
        "Accept": JSON,
        # Otherwise Elasticsearch compresses every page and every bulk answer, and we take it apart again.
        "Accept-Encoding": "gzip" if settings.bulk.compress else "identity",
        "User-Agent": f"elastic-ingest/{version()}",
        "X-elastic-product-origin": "connectors",
        **settings.headers,
        **_authorization(settings),
    }
    async with HttpTransport(settings, max_response_bytes=max_response_bytes) as transport:
        yield Client(transport=transport, headers=headers, make_backoff=make_backoff)


def _authorization(settings: config.Elasticsearch) -> dict[str, str]:
    if settings.api_key is not None:
        return {"Authorization": f"ApiKey {settings.api_key.reveal()}"}
    if settings.username and settings.password is not None:
        pair = f"{settings.username}:{settings.password.reveal()}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
    return {}
